"""Whole runs: a model that follows a script, real containers, and what is left on disk."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.errors import ConfigError, ModelAuthError
from qwright.agent.exits import Exit
from qwright.evals.grade.grade import grade
from qwright.evals.result import Result
from qwright.evals.run import solve, work
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.ledger import read_result, sample_folder
from qwright.evals.run.settings import Job, Settings, Total
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.image import ensure_image
from tests.e2e.scripted_server import Reply, Server, error, served
from tests.evals.eval_runs import Seen, containers, go, instance, script

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

ALL = [instance("r", "right"), instance("w", "wrong"), instance("n", "idle")]


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    asyncio.run(ensure_image(None, print))


@pytest.fixture(scope="module", name="cache")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.symlink(cache, home / "cache")
    monkeypatch.setenv("QWRIGHT_HOME", str(home))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")


@pytest.fixture(name="server")
def _server() -> Iterator[Server]:
    with served(script) as server:
        yield server


def record(out: Path) -> dict[str, Any]:
    return json.loads((out / "run.json").read_text())


def by_id(results: tuple[Result, ...]) -> dict[str, Result]:
    return {one.instance: one for one in results}


def test_a_run_leaves_whole_samples_and_goes_on_where_it_was(
    tmp_path: Path, server: Server
) -> None:
    out, seen = tmp_path / "out", Seen()
    ended = go(ALL, server.url, out, seen=seen)

    assert (ended.exit_code, ended.line) == (Exit.DONE, "")
    found = by_id(ended.results)
    kinds = {name: one.verdict.kind for name, one in found.items() if one.verdict}
    assert kinds == {"r": "resolved", "w": "unresolved", "n": "empty_patch"}
    assert [phase for name, phase in seen.phases if name == "r"] == ["testbed", "agent", "grade"]
    solution = found["r"].solution
    assert solution is not None
    assert (solution.calls, solution.turns, solution.tool_calls) == (3, 3, 2)
    assert (solution.edit_calls, solution.edit_errors, solution.tokens.prompt) == (1, 0, 300)
    assert "+    return a + b" in solution.patch
    folder = sample_folder(out, "r", 0)
    names = {file.name for file in folder.iterdir()}
    assert names == {"result.json", "events.jsonl", "patch.diff", "grade"}
    assert read_result(folder) == found["r"]
    assert (folder / "patch.diff").read_text() == solution.patch
    assert ended.summary.resolved == json.loads((out / "summary.json").read_text())["resolved"] == 1
    assert containers(record(out)["id"]) == []
    assert "sk-canary" not in "".join(
        file.read_text(errors="replace") for file in out.rglob("*") if file.is_file()
    )

    asked = len(server.requests)
    again = Seen()
    assert go(ALL, server.url, out, seen=again).results == ended.results
    assert len(server.requests) == asked, "nothing is done twice"
    assert sorted(again.before) == ["n", "r", "w"]
    go(ALL[2:], server.url, out, more={"max_turns": 5})
    assert len(server.requests) == asked + 1, "other settings are another sample"


def test_mistakes_of_a_model_are_counted_and_are_nobody_elses(
    tmp_path: Path, server: Server
) -> None:
    ended = go([instance("c", "clumsy")], server.url, tmp_path / "out", repeat=2)
    assert [one.sample for one in ended.results] == [0, 1]
    for one in ended.results:
        assert one.solution is not None
        counts = one.solution
        assert (counts.tool_calls, counts.tool_errors, counts.malformed) == (3, 2, 1)
        assert (counts.edit_calls, counts.edit_errors) == (3, 2)
        assert one.verdict is not None
        assert one.verdict.resolved
    assert ended.summary.repeats == 2


def test_a_failing_server_is_tried_again_and_never_counted(tmp_path: Path) -> None:
    broken = {"r"}

    def flaky(request: dict[str, Any]) -> Reply:
        if "right" in broken or "right: add()" not in str(request["messages"]):
            return script(request)
        return error(503, "overloaded", "retry-after: 0")

    out = tmp_path / "out"
    with served(flaky) as server:
        ended = go(ALL[:2], server.url, out)
        assert ended.exit_code == Exit.MODEL
        assert "1 for the model server" in ended.line
        failed = by_id(ended.results)["r"]
        assert (failed.state, failed.fault, failed.tries) == ("failed", "model", 6)
        assert "503" in failed.error
        assert (ended.summary.samples, ended.summary.infra) == (1, {"model": 1})
        assert '"r"' not in (out / "preds.jsonl").read_text()
        broken.add("right")  # it is well again
        asked = len(server.requests)
        ended = go(ALL[:2], server.url, out)
        assert (ended.exit_code, ended.summary.samples) == (Exit.DONE, 2)
        assert len(server.requests) == asked + 3, "what was done is not done again"


def test_a_total_holds_and_a_higher_one_goes_on(tmp_path: Path, server: Server) -> None:
    out = tmp_path / "out"
    many = [instance(f"r{number}") for number in range(3)]
    ended = go(many, server.url, out, total=Total(calls=4), workers=1)
    assert ended.exit_code == Exit.LIMIT
    assert "--total-calls" in ended.line
    assert len(server.requests) == 4
    assert [one.state for one in ended.results] == ["done", "stopped"]
    assert go(many, server.url, out, total=Total(calls=4)).exit_code == Exit.LIMIT
    assert len(server.requests) == 4, "what was spent before counts"

    ended = go(many, server.url, out, total=Total(calls=40))
    assert ended.exit_code == Exit.DONE
    assert [one.state for one in ended.results] == ["done"] * 3
    assert len(server.requests) == 10
    assert containers(record(out)["id"]) == []


def test_answers_that_only_lack_a_grade_are_not_given_again(tmp_path: Path, server: Server) -> None:
    out = tmp_path / "out"
    first = go(ALL[:1], server.url, out, grade=False).results[0]
    assert (first.state, first.verdict) == ("done", None)
    asked = len(server.requests)
    (result,) = go(ALL[:1], server.url, out).results
    assert len(server.requests) == asked
    assert result.solution == first.solution
    assert result.verdict is not None
    assert result.verdict.resolved
    folder = sample_folder(out, "r", 0)
    assert (folder / "events.jsonl").stat().st_size > 1_000
    assert (folder / "grade" / "report.json").exists()


def test_an_answer_whose_grader_failed_is_not_drawn_again(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    async def failing(testbed: Any, patch: str, out: Path, *, run: str = "") -> Any:
        tries.append(1)
        out.mkdir()
        os.chmod(out, 0o500)
        if len(tries) == 1:
            raise SandboxError("the engine is gone")
        return await grade(testbed, patch, out.parent / "again", run=run)

    monkeypatch.setattr(work, "grade", failing)
    (result,) = go(ALL[:1], server.url, tmp_path / "out").results
    assert (result.state, result.tries, len(tries), len(server.requests)) == ("done", 2, 2, 3)
    assert (sample_folder(tmp_path / "out", "r", 0) / "events.jsonl").stat().st_size > 1_000


def test_what_all_would_meet_ends_the_run_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served([error(401, "no such key")]) as server:
        with pytest.raises(ModelAuthError):
            go(ALL, server.url, out, workers=1)
        assert len(server.requests) == 1
    for agent in ("qwright", "aider"):
        with pytest.raises(ConfigError, match="--max-cost cannot be held"):
            go(ALL, "http://127.0.0.1:1/v1", out, total=Total(cost=1.0), more={"agent": agent})


def test_a_container_that_dies_in_every_try_is_the_agents_doing(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def killing(request: dict[str, Any]) -> Reply:
        answer = script(request)
        if sum(one["role"] == "tool" for one in request["messages"]) == 2:
            for one in containers(record(out)["id"]):
                connect_blocking().api.remove_container(one, force=True, v=True)
        return answer

    with served(killing) as server:
        ended = go([instance("l", "lost")], server.url, out)
    (result,) = ended.results
    assert (result.state, result.tries) == ("done", 4)
    assert result.solution is not None
    assert result.solution.reason == "sandbox_error"
    assert result.verdict is not None
    assert result.verdict.resolved, "what there was until then is graded"
    assert ended.exit_code == Exit.DONE


def test_a_bug_costs_one_sample_and_is_told_in_full(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Buggy(solve.OwnAgent):
        async def solve(self, testbed: Any, job: Job, out: Path, hooks: Hooks) -> Any:
            if job.instance.id == "r":
                raise ZeroDivisionError("a bug")
            return await super().solve(testbed, job, out, hooks)

    def buggy(settings: Settings) -> solve.Solver:
        return Buggy(settings)

    monkeypatch.setattr(work, "solver_for", buggy)
    out = tmp_path / "out"
    ended = go(ALL[:2], server.url, out)
    found = by_id(ended.results)
    assert (found["r"].state, found["r"].fault) == ("failed", "worker")
    assert found["w"].state == "done"
    assert "ZeroDivisionError: a bug" in (sample_folder(out, "r", 0) / "bug.txt").read_text()
