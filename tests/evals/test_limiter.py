"""How many requests there are at once: nobody waits for ever, no dead holder keeps a slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from qwright.agent.errors import ModelConnectionError
from qwright.agent.messages import Message
from qwright.agent.model import Chunk, Finish, Sampling, TextDelta, ToolSpec, Usage
from qwright.evals.run.limiter import Leases, LimitedModel, LocalLimiter


class Busy:
    """A model that counts how many are at it, and fails where it is asked to."""

    def __init__(self) -> None:
        self.now = self.most = self.asked = 0
        self.closed = False

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        self.now, self.asked = self.now + 1, self.asked + 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            yield TextDelta(f"{max_output}")
            if messages:
                raise ModelConnectionError("cut")
            yield Finish("stop", Usage(), "")
        finally:
            self.now -= 1

    async def close(self) -> None:
        self.closed = True


def test_no_more_requests_at_once_than_slots_and_all_are_answered() -> None:
    async def ask(model: LimitedModel) -> list[Chunk]:
        async with aclosing(model.stream([], [], max_output=7)) as chunks:
            return [chunk async for chunk in chunks]

    async def all_at_once() -> None:
        busy = Busy()
        limited = LimitedModel(busy, LocalLimiter(3))
        answers = await asyncio.gather(*(ask(limited) for _ in range(20)))
        await limited.close()
        assert all(answer[0] == TextDelta("7") for answer in answers)
        assert (busy.most, busy.asked, busy.now, busy.closed) == (3, 20, 0, True)

    asyncio.run(all_at_once())


def test_a_request_that_fails_or_is_left_gives_its_slot_back() -> None:
    async def one_slot() -> None:
        busy = Busy()
        limited = LimitedModel(busy, LocalLimiter(1))
        with pytest.raises(ModelConnectionError, match="cut"):
            async for _ in limited.stream([Message(role="user", content="?")], []):
                pass
        async with aclosing(limited.stream([], [])) as left:
            await anext(left)
        async with aclosing(limited.stream([], [])) as chunks:
            assert await anext(chunks) == TextDelta("None")
        assert busy.now == 0

    asyncio.run(one_slot())


def test_slots_are_lent_in_order_and_released_by_name() -> None:
    async def lend() -> list[str]:
        leases, order = Leases(1), list[str]()

        async def take(name: str) -> None:
            if await leases.acquire(name):
                order.append(name)

        await leases.acquire("first")
        others = [asyncio.create_task(take(name)) for name in ("a", "gone", "b")]
        await asyncio.sleep(0)
        leases.release("gone")
        leases.release("never seen")
        for name in ("first", "a", "b"):
            leases.release(name)
            await asyncio.sleep(0.01)
        await asyncio.gather(*others)
        return order

    assert asyncio.run(lend()) == ["a", "b"]


def test_a_slot_that_is_not_renewed_goes_to_the_next_and_one_that_is_stays() -> None:
    async def lend() -> None:
        now = [0.0]
        leases = Leases(2, lease=0.02, clock=lambda: now[0])
        await leases.acquire("alive")
        await leases.acquire("dead")
        waiting = [asyncio.create_task(leases.acquire(name)) for name in ("next", "last")]
        await asyncio.sleep(0)
        now[0] = 0.015
        leases.renew("alive")
        now[0] = 0.03
        await waiting[0]
        assert not waiting[1].done()
        leases.release("alive")
        await waiting[1]

    asyncio.run(lend())


def test_someone_who_no_longer_waits_is_passed_over() -> None:
    async def lend() -> None:
        leases = Leases(1)
        await leases.acquire("holder")
        first = asyncio.create_task(leases.acquire("gave up"))
        second = asyncio.create_task(leases.acquire("patient"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        leases.release("holder")
        await second

    asyncio.run(lend())
