"""Waiting for what a person may not want to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from qwright.agent import events as ev

T = TypeVar("T")
GIVEN_UP = ev.RunFinished(
    reason="interrupted", text="interrupted", turns=0, tokens=ev.Tokens(), seconds=0.0
)
"""What ends a run that had not begun when it was given up."""


class Wait:
    """One piece of work at a time that can be given up."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None

    async def for_(self, work: Coroutine[object, object, T]) -> T | None:
        """Await `work`; None when `interrupt` ended it."""
        task = asyncio.create_task(work)
        self._task = task
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            # It may be writing, and must not meet what comes next.
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()  # retrieved: nobody is left to hear of it
            raise
        finally:
            self._task = None
        return None if task.cancelled() else task.result()

    def interrupt(self) -> bool:
        """Give up what is waited for; whether there was something."""
        if self._task is None:
            return False
        self._task.cancel()
        return True
