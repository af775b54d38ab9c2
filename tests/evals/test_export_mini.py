"""What is exported is mini-swe-agent's format 1.1: fields as its own files have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.evals.export.mini import export_mini, trajectory
from qwright.evals.result import Result, Solution, Verdict
from tests.evals.made_runs import Made, instances, write_run, write_sample

SPENT = ev.Tokens(prompt=100, completion=7)
EVENTS = (
    ev.RunStarted(session="s", model="m", prompt="the prompt"),
    ev.AttemptStarted(attempt=1, of=2),
    ev.TurnStarted(turn=1),
    ev.TextDelta(text="void"),
    ev.Retrying(reason="lost", attempt=1, wait=0.1),
    ev.ReasoningDelta(text="hm"),
    ev.TextDelta(text="I "),
    ev.TextDelta(text="look."),
    ev.UsageReported(request=SPENT, total=SPENT, cost=0.25),
    ev.ToolStarted(id="c1", name="run_shell_command", arguments={"command": "ls"}),
    ev.ToolFinished(
        id="c1",
        name="run_shell_command",
        is_error=True,
        text="no ls",
        details={"exit_code": 127},
        seconds=0.1,
    ),
    ev.ToolStarted(id="c2", name="edit", arguments={"path": "a.py"}),
    ev.ToolFinished(id="c2", name="edit", is_error=False, text="ok", details={}, seconds=0.1),
    ev.VerifyFinished(command="pytest", exit_code=1, output="1 failed", seconds=2.0),
    ev.TurnStarted(turn=2),
    ev.TextDelta(text="Done."),
    ev.AttemptChosen(attempt=1, why="the first"),
    ev.RunFinished(reason="done", text="Done.", turns=2, tokens=SPENT, seconds=3.0),
)


def test_events_become_the_messages_of_a_chat() -> None:
    messages = trajectory(EVENTS, "the prompt")
    roles = [one["role"] for one in messages]
    assert roles == ["user", "user", "assistant", "tool", "tool", "user", "assistant", "user"]
    first = messages[2]
    assert (first["content"], first["reasoning_content"]) == ("I look.", "hm")
    assert first["extra"]["cost"] == 0.25
    assert first["extra"]["response"]["usage"]["total_tokens"] == 107
    assert [one["command"] for one in first["extra"]["actions"]] == ["ls", 'edit {"path": "a.py"}']
    call = first["tool_calls"][1]
    assert (call["id"], call["function"]["name"]) == ("c2", "edit")
    assert json.loads(call["function"]["arguments"]) == {"path": "a.py"}
    answers = [(one["tool_call_id"], one["extra"]["returncode"]) for one in messages[3:5]]
    assert answers == [("c1", 127), ("c2", 0)]
    assert messages[5]["content"] == "pytest\nended with 1:\n1 failed"
    assert messages[6]["content"] == "Done."
    assert "tool_calls" not in messages[6]
    assert messages[7]["content"] == "Attempt 1 was chosen: the first"


def test_a_run_is_written_as_its_inspector_reads_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Made(count=3, repeat=2))
    target = export_mini(run, tmp_path / "mini")
    files = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.json"))
    names = [one.id for one in instances(3)]
    for folder in ("", "sample-1/"):
        assert f"{folder}preds.json" in files
        assert {f"{folder}{name}/{name}.traj.json" for name in names} <= set(files)
    assert len(files) == 8
    data = read(target / names[0] / f"{names[0]}.traj.json")
    assert set(data) == {"info", "messages", "trajectory_format", "instance_id"}
    assert data["trajectory_format"] == "mini-swe-agent-1.1"
    assert set(data["info"]["model_stats"]) == {"instance_cost", "api_calls"}
    last = data["messages"][-1]
    assert last["role"] == "exit"
    assert set(last["extra"]) == {"exit_status", "submission"}
    patch = read(target / "preds.json")[names[0]]["model_patch"]
    assert last["extra"]["submission"] == patch == data["info"]["submission"]


def test_samples_without_an_answer_and_odd_ids(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Made(count=2, faults=1))
    odd = Result(
        key="",
        instance="../odd id",
        sample=0,
        state="done",
        solution=Solution(patch="p", reason="token_limit", calls=3),
        verdict=Verdict(kind="unresolved"),
    )
    write_sample(run, odd, Made(), EVENTS)
    stopped = {"instance": "cut", "state": "stopped", "verdict": None}
    write_sample(run, odd.model_copy(update=stopped), Made(), EVENTS)
    with (run / "instances.jsonl").open("a") as file:
        for name in ("../odd id", "cut"):
            file.write(instances(1)[0].model_copy(update={"id": name}).model_dump_json() + "\n")
    target = export_mini(run, tmp_path / "mini")
    preds = read(target / "preds.json")
    assert set(preds) == {instances(2)[1].id, "../odd id"}
    assert not list(tmp_path.glob("odd*"))
    written = [path for path in target.rglob("*.traj.json") if "odd" in path.name]
    assert len(written) == 1
    assert read(written[0])["info"]["exit_status"] == "LimitsExceeded"


def test_what_mini_wrote_itself_is_copied(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Made(count=1, agent="mini-swe-agent"))
    own = next(run.glob("results/*/0")) / "anything.traj.json"
    own.write_text('{"messages": []}')
    name = instances(1)[0].id
    copied = export_mini(run, tmp_path / "mini") / name / f"{name}.traj.json"
    assert copied.read_bytes() == own.read_bytes()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"run\.json"):
        export_mini(tmp_path, tmp_path / "mini")


def read(file: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(file.read_bytes()))
