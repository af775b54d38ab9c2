"""Candidates compared by tests, where no verify command can tell which is right.

All run the same ones: the repository's own as they were before, and the new ones of all candidates.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress

from qwright.agent import events as ev
from qwright.agent import reasons
from qwright.agent.limits import Budget, Stop
from qwright.agent.suites import Suite, is_test, suite_of
from qwright.agent.tally import Tally, tally
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from qwright.sandbox.trees import Entry, build, new_entry, old_entry
from qwright.sandbox.workspace import Workspace

_NONE = Tally(0, 0)


class Comparison:
    """Of what several attempts made of `start`; `lefts` are their files by number."""

    def __init__(
        self,
        workspace: Workspace,
        start: Checkpoint,
        there: frozenset[str],
        lefts: Mapping[int, Checkpoint],
    ) -> None:
        """`there`: see `Workspace.start_over`."""
        self._workspace = workspace
        self._start = start
        self._there = there
        self._lefts = lefts
        self._suite: Suite | None = None
        self._counts: dict[int, Tally] = {}

    async def judge(self, budget: Budget, patience: float) -> AsyncGenerator[ev.Event, None]:
        """Run the tests on each; leaves the files as some candidate's. Raises Stop on interrupt.

        `patience`: seconds that one run may take. Where that is too short for all the tests, only
        those that some candidate touched count.
        """
        try:
            if not await self._count(budget, patience, touched_only=False):
                await self._count(budget, patience, touched_only=True)
        except Stop as stop:
            if stop.reason != "time_limit":
                raise
            self._counts.clear()  # half a comparison is none
        most = max((count.total for count in self._counts.values()), default=0)
        for number, count in self._counts.items() if most else ():
            why = f"{count.passed} of {most} tests pass"
            yield ev.AttemptJudged(attempt=number, score=count.passed, of=most, why=why)

    def best(self) -> tuple[int, str]:
        """The number of the one that passes most, and why it is that one."""
        if not self._counts:
            return min(self._lefts), reasons.NO_TIME
        passed = {number: count.passed for number, count in self._counts.items()}
        most = max(passed.values())
        equal = [number for number, count in passed.items() if count == most]
        if len(equal) == 1:
            return equal[0], reasons.MOST_PASSING.format(most=most)
        store = self._workspace.store
        sizes = {number: _size(store, self._start, self._lefts[number]) for number in equal}
        smallest = min(equal, key=lambda number: (sizes[number], number))
        return smallest, reasons.SMALLEST if most else reasons.SMALLEST_UNTESTED

    async def _count(self, budget: Budget, patience: float, *, touched_only: bool) -> bool:
        """Run the tests on every candidate; False where that takes too long and less would do."""
        store = self._workspace.store
        changes = {number: store.changed(self._start, to) for number, to in self._lefts.items()}
        touched = {one.path for each in changes.values() for one in each if is_test(one.path)}
        before = touched.intersection(store.tree_of(self._start))
        sets = _without_collisions([_new_tests(each) for each in changes.values()])
        for number, left in self._lefts.items():
            self._counts[number] = _NONE
            for place, tests in enumerate(sets):
                suite = await self._lay_out(left, changes[number], tests)
                if suite is None:
                    continue
                # What is the same in every set counts once, where that can be.
                some = suite.some(tests if place else before.union(tests))
                less = place > 0 or touched_only
                command = some if some and less else suite.command
                done = await budget.wait(self._workspace.run(command, timeout=patience))
                if done.timed_out and some and not less:
                    return False
                self._counts[number] = self._counts[number].plus(tally(done.output) or _NONE)
        return True

    async def _lay_out(
        self, left: Checkpoint, changes: Sequence[Change], tests: Mapping[str, Entry]
    ) -> Suite | None:
        """The candidate's files, with the tests of before and the new ones of this set."""
        before = {one.path: old_entry(one) for one in changes if is_test(one.path)}
        made = left
        with suppress(WorkspaceError):  # another's test cannot lie here: judged without it
            made = build(self._workspace.store, left, before | dict(tests), "compared")
        await self._workspace.start_over(made, self._there)
        found = self._suite or suite_of(self._workspace.tree, self._workspace.subdirectory)
        self._suite = found
        return found


def _new_tests(changes: Sequence[Change]) -> dict[str, Entry]:
    found = {one.path: new_entry(one) for one in changes if not one.old_mode}
    return {path: entry for path, entry in found.items() if entry and is_test(path)}


def _without_collisions(each: Sequence[Mapping[str, Entry]]) -> list[dict[str, Entry]]:
    """All these files in as few sets as can be, none with two for one path."""
    sets: list[dict[str, Entry]] = [{}]
    for files in each:
        for one in sets:
            if all(one.get(path, entry) == entry for path, entry in files.items()):
                one.update(files)
                break
        else:
            sets.append(dict(files))
    return sets


def _size(store: CheckpointStore, start: Checkpoint, left: Checkpoint) -> int:
    lines = store.diff(start, left).splitlines()
    return sum(line.startswith(("+", "-")) for line in lines)
