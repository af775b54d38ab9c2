"""Limits of a run: turns, tokens, cost, wall time, and calls that go round in circles."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qwright.agent.events import StopReason, Tokens, UsageReported
from qwright.agent.messages import ToolCall
from qwright.agent.model import Usage

T = TypeVar("T")

SAME_CALL_STOP = 4


class Stop(Exception):
    """Ends the run early, with the reason that goes into run_finished."""

    def __init__(self, reason: StopReason, text: str) -> None:
        super().__init__(text)
        self.reason: StopReason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """None means no limit."""

    turns: int | None = 100
    tokens: int | None = None
    """Prompt and completion tokens together, summed over all requests."""
    seconds: float | None = None
    cost: float | None = None
    """US dollars."""


class Budget:
    """What a run has used so far, and the one place where it is stopped."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.turns = 0
        self.tokens = Tokens()
        self.cost: float | None = 0.0
        """US dollars; None from the first request on whose cost is not known."""
        self._started = time.monotonic()
        self._interrupted: asyncio.Future[None] | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def next_turn(self) -> int:
        """Count a turn. Raises Stop when there is none left, or the run is to end anyway."""
        if self._interrupted and self._interrupted.done():
            # What ends without ever waiting, such as an answer that is here at once, came first.
            self._interrupted.result()
        limit = self.limits.turns
        if limit is not None and self.turns >= limit:
            raise Stop("turn_limit", f"stopped after {limit} turns (--max-turns)")
        self.turns += 1
        return self.turns

    def spend(self, usage: Usage, cost: float | None) -> UsageReported:
        """Add a request's tokens and cost (US dollars; None: not known)."""
        request = _tokens_of(usage)
        self.tokens = self.tokens.plus(request)
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        return UsageReported(request=request, total=self.tokens, cost=cost, total_cost=self.cost)

    def check_spending(self) -> None:
        """Raises Stop when no request may be sent any more: tokens or money are used up."""
        limit = self.limits.tokens
        used = self.tokens.prompt + self.tokens.completion
        if limit is not None and used >= limit:
            raise Stop("token_limit", f"stopped after {used} tokens (--max-tokens {limit})")
        self._check_cost()

    def _check_cost(self) -> None:
        limit = self.limits.cost
        if limit is None:
            return
        if self.cost is None:
            text = "stopped: the server did not say what the last request cost (--max-cost)"
            raise Stop("cost_limit", text)
        if self.cost >= limit:
            raise Stop("cost_limit", f"stopped after ${self.cost:.4f} (--max-cost {limit:g})")

    def fail(self, error: Exception) -> None:
        """Make the wait in progress, or else the next one, raise `error`."""
        future = self._stop_future()
        if not future.done():
            future.set_exception(error)
            future.exception()  # retrieved: a run that ends before its next wait is no leak

    def interrupt(self) -> None:
        """End the run at its wait in progress with Stop("interrupted")."""
        self.fail(Stop("interrupted", "interrupted"))

    async def wait(self, work: Awaitable[T]) -> T:
        """Await `work` within the wall time. Raises Stop on interrupt or when time is up.

        The work is cancelled and awaited before Stop is raised, so that a stream is closed and
        a command killed by the time the caller goes on.
        """
        task = asyncio.ensure_future(work)
        stop = self._stop_future()
        try:
            await asyncio.wait(
                {task, stop}, timeout=self._left(), return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            await _cancelled(task)
            raise
        if task.done():
            return task.result()
        await _cancelled(task)
        if stop.done():
            stop.result()
        raise Stop("time_limit", f"stopped after {self.limits.seconds:g} seconds (--max-wall-time)")

    def _left(self) -> float | None:
        if self.limits.seconds is None:
            return None
        return max(0.0, self.limits.seconds - self.seconds)

    def _stop_future(self) -> asyncio.Future[None]:
        if self._interrupted is None:
            self._interrupted = asyncio.get_running_loop().create_future()
        return self._interrupted


def _tokens_of(usage: Usage) -> Tokens:
    return Tokens(
        prompt=usage.prompt,
        cached=usage.cached,
        completion=usage.completion,
        reasoning=usage.reasoning,
        estimated=usage.estimated,
    )


async def _cancelled(task: asyncio.Future[T]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # retrieved: how it failed at the last moment matters to nobody


class Circles:
    """Notices when a model makes the same calls again while nothing has changed."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def check(self, calls: Sequence[ToolCall], state: str) -> int:
        """How often these very calls were made in this `state` of the files, now included.

        Raises Stop instead of letting them run for the fourth time.
        """
        step = json.dumps([(call.name, call.arguments) for call in calls], sort_keys=True)
        key = f"{state} {step}"
        self._times[key] += 1
        if self._times[key] >= SAME_CALL_STOP:
            names = ", ".join(call.name for call in calls)
            raise Stop("repeated_call", f"stopped: the same call ({names}) {SAME_CALL_STOP} times")
        return self._times[key]
