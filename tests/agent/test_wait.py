"""Giving up what is waited for: it has ended by then, and its own trouble reaches nobody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from qwright.agent.limits import Budget, Limits
from qwright.agent.wait import Wait


async def stubborn(ended: list[str]) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)
        ended.append("ended")
        raise OSError("at the last moment")


def budget(work: Awaitable[None]) -> Awaitable[None]:
    return Budget(Limits()).wait(work)


def wait(work: Any) -> Awaitable[None]:
    return Wait().for_(work)


@pytest.mark.parametrize("waiting", [budget, wait])
def test_who_leaves_waits_for_the_end_and_hears_no_more(
    waiting: Callable[[Any], Awaitable[None]],
) -> None:
    ended, heard = list[str](), list[Any]()

    async def leave() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: heard.append(what))
        task = asyncio.ensure_future(waiting(stubborn(ended)))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()
        assert ended == ["ended"]
        del task
        gc.collect()

    asyncio.run(leave())
    gc.collect()
    assert heard == []


def test_what_was_given_up_is_none_and_what_ended_is_its_result() -> None:
    async def both() -> None:
        waiting = Wait()
        assert waiting.interrupt() is False
        assert await waiting.for_(asyncio.sleep(0, "done")) == "done"
        task = asyncio.create_task(waiting.for_(asyncio.sleep(60, "never")))
        await asyncio.sleep(0.01)
        assert waiting.interrupt() is True
        assert await task is None

    asyncio.run(both())
