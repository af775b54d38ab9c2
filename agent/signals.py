"""Ctrl-C, and what else asks a run to end: once to end well, twice to end at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from qwright.agent.exits import Exit

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupting(interrupt: Callable[[], object], parting: str) -> Generator[None]:
    """Call `interrupt` at the first signal; the second ends the process with `parting` words.

    It ends like a killed one: what is recorded stays, containers go with the next run.
    """
    loop = asyncio.get_running_loop()
    # What nohup, or a shell for its background, has switched off stays so.
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def leave() -> None:
        for stream in (sys.stdout, sys.stderr):
            if stream.isatty():
                stream.write("\x1b[?25h\n")  # the cursor that was hidden while something turned
                stream.flush()
                break
        print(f"qwright: left at once; {parting}", file=sys.stderr, flush=True)
        os._exit(Exit.INTERRUPTED)

    def first() -> None:
        for number in heard:
            loop.add_signal_handler(number, leave)
        interrupt()

    for number in heard:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
