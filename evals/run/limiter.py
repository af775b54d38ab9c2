"""How many requests the model's server gets at once, over all workers of a run."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Protocol

from qwright.agent.messages import Message
from qwright.agent.model import Chunk, Model, Sampling, ToolSpec

LEASE = 20.0
"""Seconds after which a slot is free again whose holder was not heard of."""


class Limiter(Protocol):
    """`--model-requests N`: a request is made inside of one of N slots."""

    def slot(self) -> AbstractAsyncContextManager[object]:
        """Waits until there is a slot; leaving gives it back."""
        ...


class LocalLimiter:
    """For workers of one event loop. First come, first served."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)

    def slot(self) -> AbstractAsyncContextManager[object]:
        return self._slots


class LimitedModel:
    """A model that waits for a slot before each request, and keeps it through its own retries.

    A server that refuses for load then hears of nobody else in its stead.
    """

    def __init__(self, model: Model, limiter: Limiter) -> None:
        self._model = model
        self._limiter = limiter

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        answer = self._model.stream(messages, tools, sampling=sampling, max_output=max_output)
        async with self._limiter.slot(), aclosing(answer) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        await self._model.close()


class Leases:
    """`limit` slots for holders that may die without a word: a slot is lent, and must be renewed.

    Nobody else can tell that a holder is gone: it may have been on another machine.
    """

    def __init__(
        self, limit: int, lease: float = LEASE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._lease = lease
        self._clock = clock
        self._until: dict[str, float] = {}
        self._waiting: OrderedDict[str, asyncio.Future[bool]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, holder: str) -> bool:
        """Wait for a slot; False when the holder was released instead. First come, first served."""
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[holder] = granted
        self._hand_out()
        try:
            return await granted
        except asyncio.CancelledError:
            self.release(holder)
            raise

    def renew(self, holder: str) -> None:
        """The holder lives. One that was late is counted again: it does use the server."""
        self._until[holder] = self._clock() + self._lease

    def release(self, holder: str) -> None:
        """Give the slot back, or stop waiting for one; nothing happens without."""
        self._until.pop(holder, None)
        waiting = self._waiting.pop(holder, None)
        if waiting and not waiting.done():
            waiting.set_result(False)
        self._hand_out()

    def _hand_out(self) -> None:
        now = self._clock()
        self._until = {holder: until for holder, until in self._until.items() if until > now}
        while self._waiting and len(self._until) < self._limit:
            holder, granted = self._waiting.popitem(last=False)
            if not granted.done():
                self.renew(holder)
                granted.set_result(True)
        if self._timer:
            self._timer.cancel()
        if self._waiting:
            soonest = min(self._until.values()) - now
            self._timer = asyncio.get_running_loop().call_later(soonest, self._hand_out)
