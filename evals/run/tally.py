"""Counts what an agent did, from its event stream alone."""

from __future__ import annotations

from collections.abc import Callable

from qwright.agent import events as ev
from qwright.evals.result import Solution
from qwright.evals.run.hooks import Spent

EDITS = ("edit", "write_file")


class Tally:
    """A listener of a run; `spent` hears of each request."""

    def __init__(self, spent: Callable[[Spent], None]) -> None:
        self._spent = spent
        self._finished: ev.RunFinished | None = None
        self._calls = self._tools = self._errors = 0
        self._edits = self._edit_errors = self._malformed = 0
        self._attempts = 1

    def hear(self, event: ev.Event) -> None:
        match event:
            case ev.UsageReported():
                self._calls += 1
                tokens = event.request.prompt + event.request.completion
                self._spent(Spent(tokens=tokens, calls=1, cost=event.cost))
            case ev.ToolFinished():
                self._count(event)
            case ev.AttemptStarted():
                self._attempts = max(self._attempts, event.attempt)
            case ev.RunFinished():
                self._finished = event
            case _:
                pass

    def solution(self, patch: str) -> Solution:
        """What it comes to, after the run's last event."""
        end = self._finished
        assert end is not None, "a run ends with run_finished"
        return Solution(
            patch=patch,
            reason=end.reason,
            verified=end.verified,
            turns=end.turns,
            calls=self._calls,
            tokens=end.tokens,
            cost=end.cost,
            seconds=round(end.seconds, 3),
            attempts=self._attempts,
            tool_calls=self._tools,
            tool_errors=self._errors,
            edit_calls=self._edits,
            edit_errors=self._edit_errors,
            malformed=self._malformed,
        )

    def _count(self, event: ev.ToolFinished) -> None:
        edits = event.name in EDITS
        self._tools += 1
        self._errors += event.is_error
        self._edits += edits
        self._edit_errors += edits and event.is_error
        self._malformed += event.is_error and bool(event.details.get("malformed"))
