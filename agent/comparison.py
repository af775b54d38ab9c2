"""Candidates compared by tests, where no verify command can tell which is right.

All run the same ones: the repository's own as they were before, and the new ones of all candidates.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress

from qwright.agent import events as ev
from qwright.agent.limits import Budget, Stop
from qwright.agent.suites import is_test, suite_command
from qwright.agent.tally import Tally, tally
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import Checkpoint, CheckpointStore
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
        self._command: str | None = None
        self._counts: dict[int, Tally] = {}

    async def judge(self, budget: Budget, patience: float) -> AsyncGenerator[ev.Event, None]:
        """Run the tests on each; leaves the files as some candidate's. Raises Stop on interrupt.

        `patience`: seconds that the tests may take.
        """
        store = self._workspace.store
        new = {number: _new_tests(store, self._start, left) for number, left in self._lefts.items()}
        sets = _without_collisions(list(new.values()))
        for number, left in self._lefts.items():
            count = _NONE
            for tests in sets:
                await self._lay_out(left, tests)
                try:
                    count = count.plus(await self._run(budget, patience))
                except Stop as stop:
                    if stop.reason != "time_limit":
                        raise
                    self._counts.clear()  # half a comparison is none
                    return
            self._counts[number] = count
        if any(count.total for count in self._counts.values()):
            most = max(count.total for count in self._counts.values())
            for number, count in self._counts.items():
                why = f"{count.passed} of {most} tests pass"
                yield ev.AttemptJudged(attempt=number, score=count.passed, of=most, why=why)

    def best(self) -> tuple[int, str]:
        """The number of the one that passes most, and why it is that one."""
        if not self._counts:
            return min(self._lefts), "no time to compare them: the first"
        passed = {number: count.passed for number, count in self._counts.items()}
        most = max(passed.values())
        equal = [number for number, count in passed.items() if count == most]
        if len(equal) == 1:
            return equal[0], f"passes the most tests, {most}"
        store = self._workspace.store
        sizes = {number: _size(store, self._start, self._lefts[number]) for number in equal}
        smallest = min(equal, key=lambda number: (sizes[number], number))
        others = "the tests do not tell them apart" if most else "no tests tell them apart"
        return smallest, f"{others}: the smallest change"

    async def _lay_out(self, left: Checkpoint, tests: Mapping[str, Entry]) -> None:
        """The candidate's files, with the tests of before and the new ones of this set."""
        store = self._workspace.store
        changed = [one for one in store.changed(self._start, left) if is_test(one.path)]
        entries = {one.path: old_entry(one) for one in changed} | dict(tests)
        made = left
        with suppress(WorkspaceError):  # another's test cannot lie here: judged without it
            made = build(store, left, entries, "compared")
        await self._workspace.start_over(made, self._there)

    async def _run(self, budget: Budget, patience: float) -> Tally:
        where = self._workspace.subdirectory
        tree = self._workspace.tree
        if self._command is None and (found := suite_command(tree, where)):
            self._command = f"cd {shlex.quote(where)} && {found}"
        elif self._command is None:
            self._command = suite_command(tree)
        if self._command is None:
            return _NONE
        done = await budget.wait(self._workspace.run(self._command, timeout=patience))
        return tally(done.output) or _NONE


def _new_tests(store: CheckpointStore, start: Checkpoint, left: Checkpoint) -> dict[str, Entry]:
    found = {one.path: new_entry(one) for one in store.changed(start, left) if not one.old_mode}
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
