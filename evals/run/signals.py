"""Ctrl-C, and what else asks a run to end: once to end well, twice to end at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NoReturn

from qwright.agent.exits import Exit

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupting(interrupt: Callable[[], object]) -> Generator[None]:
    """Call `interrupt` at the first signal; the second one ends the process."""
    loop = asyncio.get_running_loop()
    # What nohup, or a shell for its background, has switched off stays so.
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def first() -> None:
        for number in heard:
            loop.add_signal_handler(number, _leave)
        interrupt()

    for number in heard:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


def _leave() -> NoReturn:
    """End like a killed process: what is kept stays, containers go with the next run."""
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h\n")  # the cursor that the progress display had hidden
    print("qwright: left at once; the same command goes on", file=sys.stderr, flush=True)
    os._exit(Exit.INTERRUPTED)
