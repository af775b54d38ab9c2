"""Folders of runs as an eval leaves them, made up: what the report is tested on."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwright.agent import events as ev
from qwright.evals.instance import FilesSource, Instance, TestGrading
from qwright.evals.result import Result, Solution, Verdict, VerdictKind

PROJECTS = ("attrs", "click", "itsdangerous", "jinja2", "markupsafe", "packaging", "werkzeug")
LANGUAGES = ("Python", "C", "Go", "Rust")
_DEF = "def take(items, count):\n    found = []\n    for item in items:\n"
_OLD = "        if len(found) > count:\n"
_NEW = "        if len(found) >= count:\n"


@dataclass(frozen=True)
class Made:
    """What a made run is like."""

    count: int = 24
    repeat: int = 1
    skill: float = 0.5
    seed: int = 1
    model: str = "qwen2.5-coder-1.5b"
    agent: str = "qwright"
    price: float | None = None
    turns: int = 6
    faults: int = 0


def diff(name: str, old: str = _OLD, new: str = _NEW) -> str:
    """A git diff of one line in a small file."""
    lines = "".join(f" {line}\n" for line in _DEF.splitlines())
    head = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -12,6 +12,6 @@\n"
    return f"{head}{lines}-{old}+{new}             break\n         found.append(item)\n"


def instances(count: int) -> list[Instance]:
    """`count` tasks of several projects and languages."""
    return [_instance(number) for number in range(count)]


def _instance(number: int) -> Instance:
    project = PROJECTS[number % len(PROJECTS)]
    tests = tuple(f"tests/test_take.py::test_take[{one}]" for one in range(8))
    return Instance(
        id=f"{project}__{project}-{1000 + 17 * number}",
        prompt=f"take() of {project} returns one item too many\n\n"
        "Calling `take(range(10), 3)` returns four items. The documentation says that at most"
        " `count` items come back.\n\nExpected `[0, 1, 2]`, got `[0, 1, 2, 3]`.",
        source=FilesSource(files={"take.py": _DEF}),
        grading=TestGrading(
            eval_script="python -m pytest -q",
            fail_to_pass=tests[:2],
            pass_to_pass=tests[2:],
            log_parser="parse_log_pytest_v2",
        ),
        gold=diff(f"src/{project}/take.py"),
        metadata={
            "repo": f"pallets/{project}",
            "language": LANGUAGES[number % len(LANGUAGES)],
            "difficulty": ("easy", "medium", "hard")[number % 3],
        },
    )


def write_run(folder: Path, made: Made, tasks: Sequence[Instance] | None = None) -> Path:
    """Write a whole run's folder and return it."""
    tasks = instances(made.count) if tasks is None else tasks
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(_record(made)))
    rows = (task.model_dump_json() + "\n" for task in tasks)
    (folder / "instances.jsonl").write_text("".join(rows), encoding="utf-8")
    luck = random.Random(made.seed)
    for number, task in enumerate(tasks):
        hard = luck.random()
        for sample in range(made.repeat):
            passed = luck.gauss(made.skill, 0.25) > hard
            fault = number < made.faults
            write_sample(folder, _result(task, sample, made, luck, None if fault else passed), made)
    return folder


def write_sample(
    folder: Path, result: Result, made: Made, events: Sequence[ev.Event] | None = None
) -> Path:
    """Write one sample's folder; `events` instead of made-up ones."""
    name = hashlib.sha256(result.instance.encode()).hexdigest()[:12]
    place = folder / "results" / name / str(result.sample)
    (place / "grade").mkdir(parents=True)
    (place / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    happened = list(_events(result, made)) if events is None else events
    lines = (event.model_dump_json() + "\n" for event in happened)
    (place / "events.jsonl").write_text("".join(lines), encoding="utf-8")
    if result.solution:
        (place / "patch.diff").write_text(result.solution.patch, encoding="utf-8")
        (place / "grade" / "test_output.txt").write_text(_log(result), encoding="utf-8")
    return place


def _record(made: Made) -> dict[str, object]:
    return {
        "id": "20261122-214500-k3vd",
        "agent": made.agent,
        "model": made.model,
        "dataset": {"reference": "data/swe_dev.jsonl", "sha256": "9b3c5f0d7e" * 6},
        "code": "0.5.0+3f2a91c0",
        "settings": {"effort": "medium", "attempts": 4, "max_turns": 30, "network": "none"},
        "versions": {"python": "3.11.2", "qwright": "0.5.0", "swebench": "5.0.2"},
        "host": {"cores": 2, "memory_gib": 7.7, "system": "Linux 6.1"},
        "repeat": made.repeat,
        "workers": 2,
        "started": "2026-11-22T21:45:00+00:00",
        "finished": "2026-11-22T22:31:07+00:00",
    }


def _result(
    task: Instance, sample: int, made: Made, luck: random.Random, passed: bool | None
) -> Result:
    key = f"{task.id}.{sample}"
    if passed is None:
        error = "the container engine does not answer; is it running?"
        return Result(
            key=key, instance=task.id, sample=sample, state="failed", fault="engine", error=error
        )
    took = luck.lognormvariate(4.2, 0.8) * (0.8 if passed else 1.3)
    solution = _solution(task, made, luck, took, passed)
    verdict = _verdict(task, solution, passed, luck)
    return Result(
        key=key,
        instance=task.id,
        sample=sample,
        state="done",
        solution=solution,
        verdict=verdict,
        seconds=took + 9.4,
        phases={"testbed": 1.2, "agent": took, "grade": 8.2},
        finished="2026-11-22T22:01:00+00:00",
    )


def _solution(
    task: Instance, made: Made, luck: random.Random, took: float, passed: bool
) -> Solution:
    turns = max(2, round(luck.gauss(made.turns, 2)))
    read, written = 2400 * turns + luck.randrange(4000), 180 * turns
    name = f"src/{task.id.partition('__')[0]}/take.py"
    reason = "done" if passed else luck.choice(["done", "done", "turn_limit", "repeated_call"])
    patch = diff(name) if passed or luck.random() < 0.7 else ""
    if patch and not passed:
        patch = diff(name, new="        if len(found) > count + 1:\n")
    return Solution(
        patch=patch,
        reason=reason,
        turns=turns,
        calls=turns,
        tokens=ev.Tokens(prompt=read, cached=read // 2, completion=written),
        cost=None if made.price is None else (read + 4 * written) * made.price,
        seconds=took,
        tool_calls=2 * turns,
        tool_errors=luck.randrange(3),
        edit_calls=max(1, turns // 2),
        edit_errors=luck.randrange(2),
        malformed=luck.randrange(2),
    )


def _verdict(task: Instance, solution: Solution, passed: bool, luck: random.Random) -> Verdict:
    grading = task.grading
    assert isinstance(grading, TestGrading)
    fixed, kept = list(grading.fail_to_pass), list(grading.pass_to_pass)
    if not solution.patch:
        return Verdict(kind="empty_patch", note="nothing was changed")
    kind: VerdictKind = "resolved" if passed else "unresolved"
    broke = not passed and luck.random() < 0.25
    lost = 0 if passed or broke else len(fixed)
    tests = {
        "FAIL_TO_PASS": {"success": fixed[lost:], "failure": fixed[:lost]},
        "PASS_TO_PASS": {"success": kept[broke:], "failure": kept[:broke]},
    }
    return Verdict(kind=kind, tests=tests, seconds=8.2)


def _events(result: Result, made: Made) -> Iterator[ev.Event]:
    solution = result.solution
    yield ev.RunStarted(session="s", model=made.model, prompt=f"Solve {result.instance}.")
    if solution is None:
        return
    used = ev.Tokens(prompt=2400, cached=1200, completion=180)
    for turn in range(1, solution.turns + 1):
        yield ev.TurnStarted(turn=turn)
        if turn == 1:
            yield ev.ReasoningDelta(text="The loop compares with > where it must be >=.")
        yield ev.TextDelta(text=f"Let me look at `take.py`, part **{turn}**.")
        yield ev.UsageReported(request=used, total=used)
        yield from _turn(result, solution, turn)
    yield ev.RunFinished(
        reason="done" if solution.reason == "done" else "turn_limit",
        text="Changed the comparison.",
        turns=solution.turns,
        tokens=solution.tokens,
        seconds=solution.seconds,
    )


def _turn(result: Result, solution: Solution, turn: int) -> Iterator[ev.Event]:
    name = f"src/{result.instance.partition('__')[0]}/take.py"
    if turn == solution.turns and solution.patch:
        arguments = {"path": name, "old_string": _OLD, "new_string": _NEW}
        changed = {"path": name, "diff": solution.patch, "added": 1, "removed": 1}
        yield from call(f"{turn}", "edit", arguments, f"Edited {name}", changed)
        yield ev.CheckpointMade(step=1, commit="37d92fe51d918f6fdc463f8e313c50810b3c4ac1")
    elif turn % 3:
        text = "\n".join(f"{n}\t{line}" for n, line in enumerate((_DEF * 6).splitlines(), 1))
        yield from call(f"{turn}", "read_file", {"path": name, "limit": 200}, text, {})
    else:
        text = "F..                    [100%]\n1 failed, 2 passed in 0.04s"
        asked = {"command": "python -m pytest -q tests/test_take.py"}
        yield from call(f"{turn}", "run_shell_command", asked, text, {"exit_code": 1}, bad=True)


def call(
    key: str,
    name: str,
    arguments: Mapping[str, object],
    text: str,
    details: Mapping[str, object],
    *,
    bad: bool = False,
) -> Iterator[ev.Event]:
    """A call and its result."""
    yield ev.ToolStarted(id=key, name=name, arguments=dict(arguments))
    yield ev.ToolFinished(
        id=key, name=name, is_error=bad, text=text, details=dict(details), seconds=0.4
    )


def _log(result: Result) -> str:
    tests = result.verdict.tests if result.verdict else {}
    lines = [
        f"{word} {name}"
        for kind in tests.values()
        for word, key in (("PASSED", "success"), ("FAILED", "failure"))
        for name in kind[key]
    ]
    return "\n".join([">>>>> Start Test Output", *lines, ">>>>> End Test Output", ""])
