"""The model of a chat: made ready in the background, exchanged for another on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from qwright.agent import choice
from qwright.agent.model import Model


class Connection:
    """A choice that gets settled, and the models made of it. Begun early, awaited late."""

    def __init__(self, chosen: choice.Choice, progress: Callable[[str], None]) -> None:
        self.choice = chosen
        """Fitted to what its server is once `model` has returned."""
        self._progress = progress
        self._settling: asyncio.Task[None] | None = None
        self._models: dict[bool, asyncio.Task[Model]] = {}

    def begin(self) -> None:
        """Start what takes long, if it has not been started or has failed."""
        self._task(verified=False)

    async def model(self, *, verified: bool = False) -> Model:
        """The model, ready to be asked; see `choice.connect`. Raises ConfigError, ModelError."""
        return await asyncio.shield(self._task(verified))

    async def close(self) -> None:
        for task in self._models.values():
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled() and not task.exception():
                await task.result().close()
        self._models.clear()

    def _task(self, verified: bool) -> asyncio.Task[Model]:
        task = self._models.get(verified)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(self._connect(verified))
            task.add_done_callback(_retrieve)
            self._models[verified] = task
        return task

    async def _connect(self, verified: bool) -> Model:
        if self._settling is None or (self._settling.done() and self._settling.exception()):
            self._settling = asyncio.create_task(self._settle())
        await asyncio.shield(self._settling)
        return await choice.connect(self.choice, verified=verified, progress=self._progress)

    async def _settle(self) -> None:
        self.choice = await choice.settle(self.choice, progress=self._progress)


def _retrieve(task: asyncio.Task[Model]) -> None:
    """Whoever needs the model hears of the error; nobody may."""
    if not task.cancelled():
        task.exception()
