"""A lock between qwright processes, held on a file."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

POLL = 0.2
"""Seconds between two tries."""


@asynccontextmanager
async def exclusive(path: Path, waiting: Callable[[], None]) -> AsyncGenerator[None]:
    """Hold the lock at `path`; the kernel gives it up when this process dies.

    `waiting` is called once when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        told = False
        while not _taken(file):
            if not told:
                waiting()
                told = True
            await asyncio.sleep(POLL)
        yield
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
