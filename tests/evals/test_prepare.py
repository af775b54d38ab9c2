"""Test beds as they are used: kept, shared, in images, in containers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.agent.workplace import Place, open_workspace
from qwright.evals.datasets.harbor import harbor_instance
from qwright.evals.instance import FilesSource, ImageSource, Instance, RewardGrading, TestGrading
from qwright.evals.testbed.copy import copy_bed
from qwright.evals.testbed.prepare import FORMAT, Testbed, prepare
from qwright.evals.testbed.sources import source_digest
from qwright.sandbox import owners
from qwright.sandbox.base import CommandResult
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.errors import QwrightError, SandboxError, WorkspaceError
from qwright.sandbox.image import default_image, ensure_image
from qwright.sandbox.image_files import SESSION, missing_programs
from qwright.sandbox.session_dir import Session
from qwright.sandbox.setup_container import SetupContainer
from tests.evals.beds import everything_in, require_one_commit
from tests.sandbox.repos import git, make_repo, put

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

FUTURE = b"the fix of tomorrow"
SCRIPT = "git checkout {commit} -- tests\n: '>>>>> Start Test Output'\n: '>>>>> End Test Output'\n"


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    asyncio.run(ensure_image(None, print))


def files_instance(**changes: object) -> Instance:
    fields = {
        "id": "one",
        "prompt": "mend it",
        "source": FilesSource(files={"a.py": "x = 1\n", ".gitignore": "*.log\n"}),
        "grading": RewardGrading(tests=Path("/nonexistent")),
    }
    return Instance.model_validate({**fields, **changes})


def prepared(instance: Instance, cache: Path) -> Testbed:
    return asyncio.run(prepare(instance, cache, print))


class Bench:
    """The agent's side: a session over a test bed, in a container, as evals start one."""

    def __init__(self, bed: Testbed, folder: Path) -> None:
        self.bed = bed
        self.folder = folder
        self.failed: list[QwrightError] = []

    def place(self) -> Place:
        given = self.bed.instance
        return Place(
            self.bed.image, mount=given.mount, env=given.env, everything=True, run="the-run"
        )

    async def work(self, *commands: str) -> tuple[list[CommandResult], list[dict[str, str]], str]:
        """Results of the commands, labels of the containers, patch of what they changed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        session = Session.create(self.bed.directory, root=self.folder)
        space = await open_workspace(
            session, self.bed.directory, self.place(), print, self.failed.append
        )
        try:
            results = [await space.run(command) for command in commands]
            label = f"{owners.SESSION}={session.record.id}"
            found = connect_blocking().api.containers(all=True, filters={"label": label})
            after = await space.checkpoint("work", step=1)
            patch = space.store.patch(space.base, after or space.base).decode()
        finally:
            await space.close()
            session.close()
        return results, [one["Labels"] or {} for one in found], patch


def test_one_bed_for_all_samples_of_all_processes(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from qwright.evals.instance import Instance\n"
        "from qwright.evals.testbed.prepare import prepare\n"
        "instance = Instance.model_validate_json(sys.argv[1])\n"
        "print(asyncio.run(prepare(instance, Path(sys.argv[2]), lambda line: None)).directory)\n"
    )
    cache = tmp_path / "cache"
    digest = source_digest(files_instance().source, "")
    left = cache / "testbeds" / f".{FORMAT}-{digest}.killed"
    put(left, {"bed/half": b""})
    source = Path(__file__).parents[2] / "src"
    command = [sys.executable, "-c", script, files_instance().model_dump_json(), str(cache)]
    processes = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(source)}
        )
        for _ in range(3)
    ]
    said = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    bed = prepared(files_instance(id="two", prompt="another"), cache)
    assert said == {f"{bed.directory}\n".encode()}
    assert [path.name for path in (cache / "testbeds").iterdir()] == [bed.directory.name]
    assert not left.exists()
    require_one_commit(bed.directory)
    other = prepared(files_instance(source=FilesSource(files={"a.py": "x = 2\n"})), cache)
    assert other.directory != bed.directory
    assert other.image == bed.image == default_image()


def test_a_copy_of_a_bed_is_whole_and_writable(tmp_path: Path) -> None:
    bed = prepared(files_instance(), tmp_path)
    copy_bed(bed.directory, tmp_path / "copy")
    assert require_one_commit(tmp_path / "copy") == bed.commit
    put(tmp_path / "copy", {"a.py": b"x = 2\n"})
    patch = git(tmp_path / "copy", "diff")
    git(tmp_path / "copy", "checkout", "--", "a.py")
    git(tmp_path / "copy", "apply", "--3way", "-", stdin=patch.encode())
    assert (bed.directory / "a.py").read_bytes() == b"x = 1\n"


def test_an_agent_works_in_a_bed_as_in_any_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"git/ignore": b"*.txt\n"})  # the user's own has no say here
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    env = {"PYTHONPATH": "/testbed/src", "PATH": "/testbed/bin:$PATH"}
    files = {"a.py": "x = 1\n", ".env": "KEY=1\n", "id_rsa": "none\n", "bin/hi": "echo hi\n"}
    source = FilesSource(files=files, executable=("bin/hi",))
    bed = prepared(files_instance(source=source, env=env), tmp_path / "cache")
    bench = Bench(bed, tmp_path / "sessions")
    commands = (
        "pwd; ls -A; hi; echo $PYTHONPATH; whoami; python -c 'import pytest'",
        "echo 'x = 2' > a.py; echo KEY=2 > .env; mkdir new; echo n > new/b.txt",
    )
    (first, second), (labels,), patch = asyncio.run(bench.work(*commands))
    assert first.output.split() == [
        *("/testbed", ".env", "a.py", "bin", "id_rsa"),
        *("hi", "/testbed/src", "qwright"),
    ]
    assert second.exit_code == 0
    assert labels[owners.RUN] == "the-run"
    assert labels[owners.PID] == str(os.getpid())
    assert sorted(line for line in patch.splitlines() if line.startswith("+++")) == [
        *("+++ b/.env", "+++ b/a.py", "+++ b/new/b.txt"),
    ]
    copy_bed(bed.directory, tmp_path / "graded")
    git(tmp_path / "graded", "apply", "-", stdin=patch.encode())
    assert (tmp_path / "graded" / "a.py").read_text() == "x = 2\n"


@pytest.fixture(name="published", scope="module")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An image as SWE-bench publishes them: history, build artefacts, traces of the future."""
    root = make_repo(tmp_path_factory.mktemp("image") / "testbed", {"a.py": b"x = 1\n"})
    put(root, {".gitignore": b"build/\n*.so\n", "tests/test_a.py": b"import a\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "the task")
    commit = git(root, "rev-parse", "HEAD").strip()
    put(root, {"a.py": FUTURE})
    git(root, "commit", "-qam", "fix")
    git(root, "tag", "v2")
    git(root, "reset", "-q", "--hard", commit)
    git(root, "commit", "-q", "--allow-empty", "-m", "SWE-bench")
    (root / "build" / "empty").mkdir(parents=True)
    put(root, {"build/made": b"artefact\n", "lib.so": b"\0", "beside.txt": b"untracked\n"})
    (root / "link").symlink_to("/opt/tool")
    put(root / ".git", {"hooks/post-checkout": b"#!/bin/sh\ntouch /tmp/ran\n"})
    git(root, "config", "core.fsmonitor", "touch ran; false")
    name = "qwright-test:published"
    asyncio.run(_commit_image(root, name))
    yield name, commit
    connect_blocking().api.remove_image(name, force=True)


async def _commit_image(root: Path, name: str) -> None:
    container = await SetupContainer.start(connect_blocking(), default_image(), "/elsewhere")
    try:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(root, "files")
        archive.seek(0)
        await container.copy_in(archive)
        command = (
            "cp -a /elsewhere/files /testbed && echo tool > /opt/tool && chmod -R a+rX /testbed"
        )
        code, said = await container.run(["sh", "-c", command], io.BytesIO(), print)
        assert code == 0, said
        await container.commit(*name.split(":"))
    finally:
        await container.close()


def test_an_image_gives_its_files_and_no_history(
    published: tuple[str, str], tmp_path: Path
) -> None:
    image, base = published
    instance = files_instance(
        source=ImageSource(path="/testbed"),
        image=image,
        grading=TestGrading(
            eval_script=SCRIPT.format(commit=base),
            fail_to_pass=(),
            pass_to_pass=(),
            log_parser="parse_log_pytest",
        ),
        metadata={"base_commit": base},
    )
    bed = prepared(instance, tmp_path / "cache")
    assert (bed.directory / "build" / "made").read_text() == "artefact\n"
    assert (bed.directory / "link").readlink() == Path("/opt/tool")
    assert git(bed.directory, "log", "--format=%s") == "SWE-bench\n"
    assert bed.commit != base
    assert bed.eval_script == SCRIPT.format(commit=bed.commit)
    assert FUTURE not in everything_in(bed.directory)
    ignored = git(bed.directory, "status", "--porcelain", "--ignored").splitlines()
    assert ignored == ["!! beside.txt", "!! build/", "!! lib.so", "!! link"]
    assert not list(tmp_path.rglob("ran"))

    bench = Bench(bed, tmp_path / "sessions")
    commands = (
        "cat build/made link; ls build; touch build/empty/x",
        "echo changed | tee a.py build/made beside.txt new.txt",
    )
    (first, _), _, patch = asyncio.run(bench.work(*commands))
    assert first.output == "artefact\ntool\nempty\nmade\n"
    assert [line for line in patch.splitlines() if line.startswith("+++")] == [
        *("+++ b/a.py", "+++ b/new.txt"),
    ]


def test_setup_is_done_once_in_the_mount(tmp_path: Path) -> None:
    setup = ("pwd > /opt/where; cat a.py >> /opt/where", f"echo {tmp_path} > /opt/unique")
    bed = prepared(files_instance(setup=setup), tmp_path / "cache")
    try:
        assert bed.image.startswith("qwright-setup:")
        assert prepared(files_instance(setup=setup), tmp_path / "cache") == bed
        (result,), _, _ = asyncio.run(Bench(bed, tmp_path / "s").work("cat /opt/where"))
        assert result.output == "/testbed\nx = 1\n"
    finally:
        connect_blocking().api.remove_image(bed.image, force=True)


def test_a_harbor_task_is_built_from_its_dockerfile(tmp_path: Path) -> None:
    task = tmp_path / "task"
    put(
        task,
        {
            "task.toml": b'schema_version = "1.4"\n',
            "instruction.md": b"Do it.\n",
            "tests/test.sh": b"echo 1 > /logs/verifier/reward.txt\n",
            "environment/data.txt": str(tmp_path).encode(),
            "environment/Dockerfile": (
                f"FROM {default_image()}\nWORKDIR /srv/app\nCOPY data.txt .\nENV LEVEL=3\n"
            ).encode(),
        },
    )
    instance = harbor_instance(task)
    bed = prepared(instance, tmp_path / "cache")
    try:
        require_one_commit(bed.directory)
        assert git(bed.directory, "ls-files") == "data.txt\n"
        (result,), _, _ = asyncio.run(Bench(bed, tmp_path / "s").work("pwd; ls"))
        assert result.output == "/srv/app\ndata.txt\n"
    finally:
        connect_blocking().api.remove_image(bed.image, force=True)
    (task / "environment" / "Dockerfile").write_text(f"FROM {default_image()}\nRUN exit 3\n")
    with pytest.raises(SandboxError, match=r"Building qwright-harbor:.* failed: .*code: 3"):
        prepared(harbor_instance(task), tmp_path / "cache")


def test_images_that_lack_something(tmp_path: Path) -> None:
    async def missing() -> tuple[str, ...]:
        return await missing_programs(default_image(), ["python", "no-such; echo x", "git"])

    assert asyncio.run(missing()) == ("no-such;", "echo", "x")
    place = {"source": ImageSource(path="/nowhere"), "image": default_image()}
    with pytest.raises(WorkspaceError, match="must be mounted where they are"):
        prepared(files_instance(**place), tmp_path)
    nowhere = files_instance(**place, mount="/nowhere")
    with pytest.raises(SandboxError, match="has no folder /nowhere"):
        prepared(nowhere, tmp_path)
    assert list((tmp_path / "testbeds").iterdir()) == []


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
def test_a_cancelled_preparation_leaves_nothing(
    published: tuple[str, str], tmp_path: Path, seconds: float
) -> None:
    async def cancelled() -> None:
        source = ImageSource(path="/usr")
        instance = files_instance(source=source, image=published[0], mount="/usr")
        async with asyncio.timeout(seconds):
            await prepare(instance, tmp_path, print)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    label = f"{owners.SESSION}={SESSION}"
    assert connect_blocking().api.containers(all=True, filters={"label": label}) == []
    beds = tmp_path / "testbeds"
    assert not beds.exists() or list(beds.iterdir()) == []


def test_an_instance_survives_the_way_to_a_worker(tmp_path: Path) -> None:
    instance = files_instance(setup=("true",), env={"A": "1"})
    assert Instance.model_validate(json.loads(instance.model_dump_json())) == instance
