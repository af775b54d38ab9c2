"""A program on a pseudo-terminal of its own, as a terminal window would run it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# The shell is a session leader without a terminal: opening this one makes it its own.
_LAUNCH = 'exec "$@" <>"$0" >&0 2>&0'
_CHUNK = 65_536
CURSOR_ASKED = b"\x1b[6n"


class PseudoTerminal:
    """The program's process, the bytes it wrote, and the keys it is sent.

    `heard` gets every piece as it is read, in a thread, and the time of it (time.monotonic).
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        columns: int = 100,
        lines: int = 30,
        heard: Callable[[bytes, float], None],
    ) -> None:
        self._master, slave = os.openpty()
        self._heard = heard
        self._writing = threading.Lock()
        _set_size(slave, columns, lines)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCH, os.ttyname(slave), *argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        # The slave stays open until the end: a terminal that nobody has open yet reads as ended.
        self._slave = slave
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def modes(self) -> list[int | list[bytes | int]]:
        """The terminal's line settings, as termios gives them."""
        return termios.tcgetattr(self._slave)

    def write(self, data: bytes) -> None:
        """What the keyboard sends."""
        with self._writing:
            while data:
                data = data[os.write(self._master, data) :]

    def resize(self, columns: int, lines: int) -> None:
        """Change the window's size; the kernel tells the program."""
        _set_size(self._slave, columns, lines)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the program alone."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def wait(self, seconds: float) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        return self.process.wait(seconds)

    def close(self) -> None:
        """Kill what is left of the program, and close the window."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self._closing.is_set():
            return
        self._closing.set()
        self._reader.join()
        os.close(self._slave)
        os.close(self._master)

    def hang_up(self) -> None:
        """Close the window while the program runs in it."""
        self._closing.set()
        self._reader.join()
        os.close(self._slave)
        os.close(self._master)

    def _read(self) -> None:
        while not self._closing.is_set():
            readable, _, _ = select.select([self._master], [], [], 0.05)
            if not readable:
                continue
            try:
                data = os.read(self._master, _CHUNK)
            except OSError:
                return
            self._heard(data, time.monotonic())


def _set_size(terminal: int, columns: int, lines: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
