"""A small data set, a model that follows a script, and runs over them: what the run tests share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwright.evals.instance import CommandGrading, FilesSource, Instance
from qwright.evals.result import Result
from qwright.evals.run.hooks import Phase
from qwright.evals.run.meter import Meter
from qwright.evals.run.retrying import Patience
from qwright.evals.run.runner import Ended, Plan, run
from qwright.evals.run.settings import Job, Settings, Total
from qwright.sandbox.engine import connect_blocking
from tests.e2e.house import MODEL
from tests.e2e.scripted_server import Reply, by_turn, call, says

RIGHT = says(call("edit", path="calc.py", old_string="a - b", new_string="a + b"))
WRONG = says(call("edit", path="calc.py", old_string="a - b", new_string="a * b"))
BAD_CALL = says(call("edit", path="calc.py", whatever=1))
MISSED = says(call("edit", path="calc.py", old_string="nowhere", new_string="x"))
LOOK = says(call("run_shell_command", command="cat calc.py"))
RUN = says(call("run_shell_command", command="python calc.py"))
DONE = says(text="Done.")
ANSWERS = {
    "right": (LOOK, RIGHT, DONE),
    "wrong": (WRONG, DONE),
    "idle": (DONE,),
    "lost": (LOOK, RIGHT, RUN, DONE),
    "clumsy": (BAD_CALL, MISSED, RIGHT, DONE),
}
"""By the first word of the prompt."""
FILES = {"calc.py": "def add(a, b):\n    return a - b\n"}
CHECK = 'python -c "from calc import add; assert add(2, 3) == 5"'
QUICK = Patience(first=0.01, most=0.01)


def instance(name: str, answers: str = "right") -> Instance:
    return Instance(
        id=name,
        prompt=f"{answers}: add() in calc.py subtracts ({name})",
        source=FilesSource(files=FILES),
        grading=CommandGrading(command=CHECK),
        mount="/testbed",
        metadata={"language": "python"},
    )


def script(request: dict[str, Any]) -> Reply:
    """The next answer for the instance whose prompt this is."""
    return by_turn(*ANSWERS[first_word(request)])(request)


def first_word(request: dict[str, Any]) -> str:
    asked = [one["content"] for one in request["messages"] if one["role"] == "user"]
    return next(word for word in ANSWERS if any(f"{word}: add()" in str(one) for one in asked))


@dataclass
class Seen:
    """A view that remembers."""

    before: list[str] = field(default_factory=list[str])
    """Instances that were done at the beginning."""
    phases: list[tuple[str, Phase]] = field(default_factory=list[tuple[str, Phase]])
    results: list[Result] = field(default_factory=list[Result])
    lines: list[str] = field(default_factory=list[str])
    ended: bool = False

    def begin(self, jobs: Sequence[Job], done: Sequence[Result], meter: Meter) -> None:
        self.before = [one.instance for one in done]

    def phase(self, job: Job, phase: Phase) -> None:
        self.phases.append((job.instance.id, phase))

    def finished(self, result: Result) -> None:
        self.results.append(result)

    def say(self, text: str) -> None:
        self.lines.append(text)

    def end(self) -> None:
        self.ended = True


def settings(url: str, **more: Any) -> Settings:
    return Settings(model=MODEL, base_url=url, **more)


def go(
    instances: Sequence[Instance],
    url: str,
    out: Path,
    *,
    seen: Seen | None = None,
    total: Total | None = None,
    more: dict[str, Any] | None = None,
    **plan: Any,
) -> Ended:
    """One call of the runner; `more` are settings, `plan` fields of Plan."""
    given: dict[str, Any] = {"workers": 2, "patience": QUICK, **plan}
    wanted = Plan(out=out, dataset="small.jsonl", total=total or Total(), **given)
    return asyncio.run(run(instances, settings(url, **(more or {})), wanted, seen or Seen()))


def containers(run: str) -> list[str]:
    """Ids of the containers of an eval run that are there, running or not."""
    label = {"label": f"qwright.run={run}"}
    return [one["Id"] for one in connect_blocking().api.containers(all=True, filters=label)]


def several(count: int) -> list[Instance]:
    kinds = [kind for kind in ANSWERS if kind != "lost"]
    return [instance(f"i{number}", kinds[number % len(kinds)]) for number in range(count)]


def write_rows(file: Path, count: int) -> None:
    """The same instances as rows of a data set; the agent may run their command too."""
    rows = [
        {
            "id": one.id,
            "prompt": one.prompt,
            "files": FILES,
            "verify": CHECK,
            "solution_files": {"calc.py": FILES["calc.py"].replace("-", "+")},
        }
        for one in several(count)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
