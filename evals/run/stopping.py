"""The end of a whole run before its time: a total limit, or a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class StoppedError(Exception):
    """The run was stopped while this was going on."""


class Stopping:
    """Set from the loop's own thread; whoever watches is called then, or at once."""

    def __init__(self) -> None:
        self.why = ""
        """One line; empty while the run goes on."""
        self.at_once = False
        """Whether even what costs nothing, such as grading, is to end."""
        self._watching: list[tuple[Callable[[], object], bool]] = []

    def stop(self, why: str, *, at_once: bool = True) -> None:
        """Stop what watches, or of it what is not free. The first reason stays."""
        if self.why and (self.at_once or not at_once):
            return
        self.why = self.why or why
        self.at_once = at_once
        for callback, free in list(self._watching):
            if at_once or not free:
                callback()

    @contextmanager
    def watch(self, callback: Callable[[], object], *, free: bool = False) -> Generator[None]:
        """Call back when the run is stopped within the block; `free` work only when at once."""
        if self.why and (self.at_once or not free):
            callback()
        watcher = (callback, free)
        self._watching.append(watcher)
        try:
            yield
        finally:
            self._watching.remove(watcher)

    async def unless(self, work: Coroutine[object, object, T], *, free: bool = False) -> T:
        """Await `work`; cancel it and raise StoppedError when the run is stopped."""
        task = asyncio.ensure_future(work)
        try:
            with self.watch(task.cancel, free=free):
                return await task
        except asyncio.CancelledError:
            here = asyncio.current_task()
            if self.why and not (here and here.cancelling()):
                raise StoppedError(self.why) from None
            raise
