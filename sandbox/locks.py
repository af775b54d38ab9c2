"""A lock between qwright processes, held on a file. The kernel releases it when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

POLL = 0.2
"""Seconds between two tries."""


class FileLock:
    """`try_acquire` once, or again after a pause; leaving the `with` block releases.

    The file stays: removing it would let two processes hold locks on two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody else has it. Its folder must exist."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens without it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@asynccontextmanager
async def exclusive(path: Path, waiting: Callable[[], None]) -> AsyncGenerator[None]:
    """Hold the lock at `path`. `waiting` is called once when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path) as lock:
        told = False
        while not lock.try_acquire():
            if not told:
                waiting()
                told = True
            await asyncio.sleep(POLL)
        yield
