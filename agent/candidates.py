"""Several attempts at one task: what each has left, and which of them is to stand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from qwright.agent import events as ev
from qwright.agent import reasons
from qwright.agent.comparison import Comparison
from qwright.agent.conversation import Conversation
from qwright.agent.errors import ModelAuthError, ModelError
from qwright.agent.judge import Judge
from qwright.agent.limits import Budget, Stop
from qwright.agent.tally import Tally, tally
from qwright.sandbox.attempts import everything_in, forget_attempts, keep_attempt
from qwright.sandbox.store import Checkpoint
from qwright.sandbox.workspace import Workspace

WORTH_ANOTHER: frozenset[ev.StopReason] = frozenset(
    {"not_verified", "repeated_call", "context_limit"}
)
"""Ends of an attempt that say nothing of the next one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one attempt has left."""

    attempt: int
    left: Checkpoint
    talk: Conversation
    stop: Stop | None
    """Why it ended; None where the model was done and nothing spoke against it."""


class Candidates:
    """The attempts at one task, `most` of them; the budget is that of all together.

    With a judge the first that passes wins, and no other is begun; without, all are compared.
    """

    def __init__(self, most: int, budget: Budget, judge: Judge | None, patience: float) -> None:
        """`patience`: seconds that the repository's tests may take."""
        self.most = most
        self.best: Candidate | None = None
        """Once one was chosen."""
        self._budget = budget
        self._judge = judge
        self._patience = patience
        self._all: list[Candidate] = []
        self._workspace: Workspace | None = None
        self._start: Checkpoint | None = None
        """The files as the task found them; None before it has looked."""
        self._there: frozenset[str] = frozenset()

    async def found(self, workspace: Workspace) -> Checkpoint | None:
        """Remember how the task finds the files, the first time; None where it has before."""
        if self._start is not None or not (cursor := workspace.store.cursor()):
            return None
        self._workspace, self._start = workspace, cursor
        if self.most > 1:
            self._there = await asyncio.to_thread(everything_in, workspace.tree.root)
        return cursor

    async def start_over(self, *, fresh: bool = True) -> None:
        """Take the files back to there for another attempt, by default in a fresh container."""
        if self.most > 1 and self._workspace and self._start:
            await self._workspace.start_over(self._start, self._there, fresh=fresh)

    def lost(self, attempt: int, error: ModelError) -> ev.Notice:
        """One that the model server cut short, and that leaves nothing; what is said of it.

        Raises `error` where no other has left anything, or none can be had any more.
        """
        if not self._all or isinstance(error, ModelAuthError):
            raise error
        return ev.Notice(text=f"attempt {attempt} is lost, those before it count: {error}")

    async def add(self, attempt: int, talk: Conversation, stop: Stop | None, step: int) -> bool:
        """Keep what an attempt has left; returns whether there is to be another one."""
        if self.most == 1 or not (self._workspace and self._start):
            return False
        passed = self._judge and self._judge.verified
        how = str(stop) if stop else "verified" if passed else "done"
        judged = stop.reason == "not_verified" if stop else self._judge is not None
        if not judged:  # else it is recorded, and whatever came since is the verify command's
            await self._workspace.checkpoint(f"attempt {attempt}: {how}", step=step)
        left = self._workspace.store.cursor() or self._start
        self._all.append(Candidate(attempt, left, talk, stop))
        again = stop.reason in WORTH_ANOTHER if stop else self._judge is None
        if again or attempt > 1:
            await asyncio.to_thread(self._keep, attempt, self._start, left, how)
        return again and attempt < self.most

    def _keep(self, attempt: int, start: Checkpoint, left: Checkpoint, how: str) -> None:
        assert self._workspace
        if attempt == 1:
            forget_attempts(self._workspace.store)
        keep_attempt(self._workspace.store, attempt, start, left, how)

    async def choose(self, begun: int, stop: Stop | None) -> AsyncGenerator[ev.Event, None]:
        """Put the best in place, where several were `begun`, and say which; `stop` ended the last.

        Raises Stop on interrupt.
        """
        if begun < 2 or (stop and stop.reason == "interrupted"):
            return
        if self._judge:
            best, why = self._least_failing(self._judge)
        else:
            finished = [one for one in self._all if one.stop is None] or self._all
            changed = self._distinct(finished)
            best, why = (changed or finished)[0], _alone(changed, finished)
            if len(changed) > 1:
                comparison = self._comparison(changed)
                try:
                    async with aclosing(comparison.judge(self._budget, self._patience)) as events:
                        async for event in events:
                            yield event
                    number, why = comparison.best()
                    best = next(one for one in changed if one.attempt == number)
                finally:
                    await self._put(best)
        await self._put(best)
        self.best = best
        yield ev.AttemptChosen(attempt=best.attempt, why=why)

    def stands(self, talk: Conversation, stop: Stop | None) -> tuple[Conversation, Stop | None]:
        """Talk and end of the one that was chosen; those of the last, as given, where none was."""
        best = self.best
        return (best.talk, best.stop and (stop or best.stop)) if best else (talk, stop)

    def _comparison(self, changed: Sequence[Candidate]) -> Comparison:
        assert self._workspace
        assert self._start
        lefts = {one.attempt: one.left for one in changed}
        return Comparison(self._workspace, self._start, self._there, lefts)

    async def _put(self, best: Candidate) -> None:
        assert self._workspace
        if self._workspace.store.cursor() != best.left:
            await self._workspace.start_over(best.left, self._there, fresh=False)

    def _least_failing(self, judge: Judge) -> tuple[Candidate, str]:
        """The last where it passed; else the one of whose tests the fewest fail."""
        last = self._all[-1]
        if last.stop is None:
            return last, reasons.PASSES.format(
                command=judge.command
            ) if judge.verified else reasons.ONLY_END
        changed = self._distinct(self._all)
        verdicts = [judge.failed.get(one.left.tree) for one in changed]
        counts = [tally(verdict.output) if verdict else None for verdict in verdicts]
        known = [(count, one) for count, one in zip(counts, changed, strict=True) if count]
        if known:
            count, best = min(known, key=lambda pair: _badness(pair[0]))
            return best, reasons.LEAST_FAILING.format(failed=count.failed, total=count.total)
        return (changed or [last])[0], reasons.FIRST_CHANGE

    def _distinct(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that changed something, the first of each change."""
        found: dict[str, Candidate] = {}
        for one in candidates:
            found.setdefault(one.left.tree, one)
        return [one for tree, one in found.items() if self._start and tree != self._start.tree]


def _alone(changed: Sequence[Candidate], of: Sequence[Candidate]) -> str:
    if not changed:
        return reasons.NO_CHANGE
    return reasons.ONLY_CHANGE if len(of) > 1 else reasons.ONLY_END


def _badness(count: Tally) -> tuple[bool, int, int]:
    """Where nothing passes, the tests may not even have begun."""
    return count.passed == 0, count.failed, -count.passed
