"""Whether instances are worth running: no patch must not resolve them, the known one must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from qwright.evals.datasets.load import require_gradable
from qwright.evals.grade.grade import examine
from qwright.evals.instance import Instance
from qwright.evals.result import Verdict
from qwright.evals.testbed.prepare import Testbed, prepare
from qwright.sandbox.engine import one_line
from qwright.sandbox.errors import SandboxError, WorkspaceError


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one instance, each way as often as was asked."""

    instance: str
    empty: tuple[Verdict, ...] = ()
    gold: tuple[Verdict, ...] = ()
    """None at all when the instance comes without a solution."""
    error: str = ""
    """An infrastructure error: nothing is known of the instance."""

    @property
    def flaky(self) -> bool:
        """Whether equal patches got unequal verdicts, test by test."""
        return any(
            len({(verdict.kind, repr(verdict.tests)) for verdict in verdicts}) > 1
            for verdicts in (self.empty, self.gold)
        )

    @property
    def wrong(self) -> bool:
        """Whether the empty patch ever resolved it, or the known one ever did not."""
        solved = any(verdict.resolved for verdict in self.empty)
        return solved or not all(verdict.resolved for verdict in self.gold)

    @property
    def ok(self) -> bool:
        return not (self.error or self.wrong or self.flaky)

    @property
    def words(self) -> str:
        """One line for people."""
        if self.error:
            return f"{self.instance}: cannot be checked: {self.error}"
        kinds = [f"empty {_kinds(self.empty)}", f"gold {_kinds(self.gold)}"]
        states = [("wrong", self.wrong), ("flaky", self.flaky), ("ok", self.ok)]
        state = ", ".join(name for name, holds in states if holds)
        return f"{self.instance}: {state} ({', '.join(kinds)}){_why(self)}"


@dataclass(frozen=True, slots=True)
class Validation:
    """What became of all of them, in the order they were given."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def wrong(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.wrong and not check.error)

    @property
    def flaky(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.flaky)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.error)


async def validate(
    instances: Sequence[Instance],
    *,
    times: int,
    workers: int,
    cache: Path,
    out: Path,
    report: Callable[[Check], None],
    progress: Callable[[str], None] = lambda line: None,
) -> Validation:
    """Grade the empty and the known patch of each instance `times` times, `workers` at once.

    `report` gets each instance's outcome as it comes. What grading leaves is below `out`, as
    <id>/{empty,gold}.<number>. Raises ConfigError for instances that cannot be graded at all.
    """
    require_gradable(instances)
    free = asyncio.Semaphore(workers)

    async def check(instance: Instance) -> Check:
        async with free:
            found = await _check(instance, times, cache, out, progress)
        report(found)
        return found

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check(instance)) for instance in instances]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return Validation(tuple(task.result() for task in tasks))


async def _check(
    instance: Instance, times: int, cache: Path, out: Path, progress: Callable[[str], None]
) -> Check:
    folder = out / quote(instance.id, safe="")
    try:
        testbed = await prepare(instance, cache, progress)
        empty = [await examine(testbed, "", folder / f"empty.{n}") for n in range(times)]
        gold = [await _gold(testbed, folder / f"gold.{n}") for n in range(times)]
    except (SandboxError, WorkspaceError) as error:
        return Check(instance.id, error=one_line(error))
    return Check(instance.id, tuple(empty), tuple(verdict for verdict in gold if verdict))


async def _gold(testbed: Testbed, out: Path) -> Verdict | None:
    """The verdict on what is known to be right: a patch, or Harbor's script."""
    solution = testbed.instance.metadata.get("solution")
    if testbed.instance.gold is not None:
        return await examine(testbed, testbed.instance.gold, out)
    if isinstance(solution, str):
        return await examine(testbed, "", out, solution=Path(solution))
    return None


def _kinds(verdicts: Sequence[Verdict]) -> str:
    """Such as "resolved x3", or "-" for none."""
    kinds = [verdict.kind for verdict in verdicts]
    return " ".join(f"{kind} x{kinds.count(kind)}" for kind in dict.fromkeys(kinds)) or "-"


def _why(check: Check) -> str:
    """What the first verdict that is not as it should be says."""
    odd = [verdict for verdict in check.gold if not verdict.resolved]
    odd += [verdict for verdict in check.empty if verdict.resolved]
    notes = [verdict.note for verdict in odd if verdict.note]
    return f": {notes[0]}" if notes else ""
