"""What goes to another machine arrives as it was, and what a desk keeps is given to nobody else."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, cast

import pytest

from qwright.agent.errors import ConfigError, ModelAuthError
from qwright.evals.instance import (
    CommandGrading,
    DirectorySource,
    FilesSource,
    GitSource,
    Instance,
    RewardGrading,
)
from qwright.evals.result import Result
from qwright.evals.run import ray_sample
from qwright.evals.run.carrying import pack, pack_job, unpack, unpack_job
from qwright.evals.run.ray_border import Actor, connected
from qwright.evals.run.ray_desk import Desk, Ending, News, server_variables
from qwright.evals.run.ray_sample import Made, NodeFaultError, Order, error_of, make_sample
from qwright.evals.run.retrying import Patience
from qwright.evals.run.scratch import scratch, sweep
from qwright.evals.run.settings import Job, Settings, code_version
from qwright.sandbox.errors import WorkspaceError


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return folder


def job_of(**fields: object) -> Job:
    given: dict[str, object] = {
        "id": "one",
        "prompt": "do it",
        "source": FilesSource(files={"a": "b"}),
        "grading": CommandGrading(command="true"),
        **fields,
    }
    return Job(instance=Instance.model_validate(given), sample=2, settings=Settings(), key="k")


def test_a_job_arrives_with_the_folders_it_names_and_the_same_key(tmp_path: Path) -> None:
    files = put(put(tmp_path / "files", "src/a.py", "A"), "run.sh", "#!/bin/sh\n")
    os.chmod(files / "run.sh", 0o755)
    os.symlink("src/a.py", files / "link")
    tests = put(tmp_path / "tests", "test.sh", "exit 0")
    build = put(tmp_path / "build", "Dockerfile", "FROM scratch")
    job = job_of(
        source=DirectorySource(path=files), grading=RewardGrading(tests=tests), build=build
    )
    parcel = pack_job(job)
    arrived = unpack_job(parcel, tmp_path / "there")
    again = unpack_job(pack_job(job), tmp_path / "there")

    assert again == arrived, "equal content is kept once"
    assert len(list((tmp_path / "there" / "carried").iterdir())) == 1
    source, grading = arrived.instance.source, arrived.instance.grading
    assert isinstance(source, DirectorySource)
    assert isinstance(grading, RewardGrading)
    assert (source.path / "src/a.py").read_text() == "A"
    assert os.readlink(source.path / "link") == "src/a.py"
    assert (source.path / "run.sh").stat().st_mode & 0o111
    assert (grading.tests / "test.sh").read_text() == "exit 0"
    assert arrived.instance.build is not None
    assert arrived.instance.build.is_relative_to(tmp_path / "there")
    assert (arrived.instance.build / "Dockerfile").read_text() == "FROM scratch"
    assert (arrived.key, arrived.sample, arrived.settings) == (job.key, 2, job.settings)


def test_a_repository_of_this_machine_travels_and_one_of_a_server_does_not(tmp_path: Path) -> None:
    repo = put(tmp_path / "repo", ".git/HEAD", "ref: refs/heads/main\n")
    here = unpack_job(pack_job(job_of(source=GitSource(url=str(repo), commit="c"))), tmp_path / "w")
    assert isinstance(here.instance.source, GitSource)
    assert (Path(here.instance.source.url) / ".git/HEAD").read_text() == "ref: refs/heads/main\n"
    far = job_of(source=GitSource(url="https://example.org/x.git", commit="c"))
    assert pack_job(far).files == b""
    assert unpack_job(pack_job(far), tmp_path / "w") == far


def test_what_comes_back_is_written_nowhere_else(tmp_path: Path) -> None:
    folder = put(tmp_path / "made", "grade/report.json", "{}")
    packed = pack({"grade": folder / "grade"})
    assert packed == pack({"grade": folder / "grade"})
    unpack(packed, tmp_path / "kept")
    assert (tmp_path / "kept/grade/report.json").read_text() == "{}"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(WorkspaceError, match="cannot unpack into"):
        unpack(held.getvalue(), tmp_path / "in")
    assert not (tmp_path / "outside").exists()


def test_folders_of_dead_processes_are_taken_away_and_those_of_living_ones_stay(
    tmp_path: Path,
) -> None:
    killed = put(tmp_path / "s-killed", ".lock", "")
    others = put(tmp_path / "other", ".lock", "")
    with scratch(tmp_path, "s-") as alive:
        assert not killed.exists()
        put(alive, "deep/file", "x")
        sweep(tmp_path, "s-")
        assert (alive / "deep/file").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == [others.name]


def test_a_desk_hands_on_news_in_order_and_the_end_to_whoever_waits() -> None:
    async def work() -> None:
        desk = Desk(requests=1)
        await desk.give({"OPENAI_API_KEY": "sk"})
        assert await desk.environment() == {"OPENAI_API_KEY": "sk"}
        waiting = asyncio.create_task(desk.news())
        await asyncio.sleep(0)
        told = [News("phase", "agent", "k"), News("say", "pulling", "k"), News("end")]
        await desk.tell(told[0])
        first = await waiting
        for one in told[1:]:
            await desk.tell(one)
        assert first + await desk.news() == told
        known = await desk.ending()
        assert known == Ending()
        following = asyncio.create_task(desk.ending(known))
        await asyncio.sleep(0)
        await desk.stop(Ending("--total-tokens", at_once=False))
        assert await following == Ending("--total-tokens")
        assert await desk.acquire("a")
        second = asyncio.create_task(desk.acquire("b"))
        await asyncio.sleep(0)
        assert not second.done()
        await desk.release("a")
        assert await second

    asyncio.run(work())


def test_a_desk_without_a_limit_lends_slots_without_end() -> None:
    async def work() -> None:
        desk = Desk(requests=None)
        assert all([await desk.acquire(str(number)) for number in range(50)])
        await desk.renew("0")
        await desk.release("0")

    asyncio.run(work())


def test_only_what_leads_to_the_model_is_given_to_workers() -> None:
    known = {
        "OPENAI_API_KEY": "1",
        "DASHSCOPE_REGION": "cn",
        "BAILIAN_CODING_PLAN_API_KEY": "2",
        "https_proxy": "http://proxy:1",
    }
    other = {
        "PATH": "/bin",
        "AWS_SECRET_ACCESS_KEY": "3",
        "QWRIGHT_HOME": "/x",
        "MY_OPENAI_KEY": "",
    }
    assert server_variables({**known, **other}) == known


def test_an_error_that_ends_the_run_comes_back_as_its_class() -> None:
    assert error_of(Made(result="{}")) is None
    assert isinstance(error_of(Made(kind="auth", error="refused")), ModelAuthError)
    other = error_of(Made(kind="config", error="no such flag"))
    assert isinstance(other, ConfigError)
    assert str(other) == "no such flag"


def test_a_node_with_other_code_makes_nothing() -> None:
    class Nobody:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked")

    desk: Actor = Nobody()
    made = make_sample(pack_job(job_of()), Order("run", "0.1+other", Patience()), desk)
    assert made.result == ""
    assert isinstance(error_of(made), ConfigError)
    assert "0.1+other" in made.error


def test_a_node_that_cannot_work_leaves_the_sample_to_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def ask(desk: Actor, method: str) -> object:
        return {"ending": Ending(), "environment": dict[str, str]()}[method]

    monkeypatch.setattr(ray_sample, "ask", ask)
    monkeypatch.setenv("QWRIGHT_HOME", str(put(tmp_path, "home/cache", "a file") / "home"))
    order = Order("run", code_version(), Patience())
    with pytest.raises(NodeFaultError) as caught:
        make_sample(pack_job(job_of()), order, cast(Actor, None))
    made = pickle.loads(pickle.dumps(caught.value)).made
    result = Result.model_validate_json(made.result)
    assert (result.state, result.fault, result.key) == ("failed", "workspace", "k")
    assert "cache" in result.error
    assert made.files == b""
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "good"))
    link = put(tmp_path / "files", "a", "x")
    os.symlink("/etc/passwd", link / "absolute")
    parcel = pack_job(job_of(source=DirectorySource(path=link)))
    monkeypatch.setattr(ray_sample, "_sweep", lambda: asyncio.sleep(0))
    with pytest.raises(NodeFaultError) as caught:
        make_sample(parcel, order, cast(Actor, None))
    result = Result.model_validate_json(caught.value.made.result)
    assert (result.state, result.fault) == ("failed", "workspace")
    assert "cannot unpack" in result.error


def test_without_the_extra_it_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ConfigError, match=r"pip install 'qwright\[ray\]'"):
        connected(None, 1).__enter__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:1", "127.0.0.1:x", "ray://h:1"])
def test_an_address_where_no_cluster_is_is_told_in_one_line(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^(no ray cluster answers|--address must)") as caught:
        connected(address, 1).__enter__()
    assert "\n" not in str(caught.value)
