"""A REPL in a window, timed from outside: bytes of keys in, bytes of what is drawn out."""

from __future__ import annotations

import os
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from qwright.evals.bench.pseudo_terminal import CURSOR_ASKED, PseudoTerminal
from qwright.sandbox.errors import QwrightError

SECONDS = 120.0
"""How long anything may take before the measurement is given up."""
CTRL_C, CTRL_D, CTRL_U, ESC = b"\x03", b"\x04", b"\x15", b"\x1b"
FIRST_LETTER, LETTERS = 0x410, 60
"""Letters that nothing else on the screen holds, so that an echo cannot be mistaken."""
_KEPT = ("PATH", "SSL_CERT_FILE", "DOCKER_HOST", "XDG_RUNTIME_DIR", "TMPDIR")


class NotShownError(QwrightError):
    """The program did not draw what was waited for."""


class Window:
    """A program in a window of 120 columns; the times are those of time.monotonic."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._pieces: list[tuple[int, float]] = []
        """Where each piece of the output ends, and when it came."""
        self._output = bytearray()
        self._letter = 0
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        fixed = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._terminal = PseudoTerminal(
            argv, cwd=cwd, env={**kept, **fixed, **env}, columns=120, lines=40, heard=self._heard
        )

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *exception: object) -> None:
        self.leave()

    @property
    def written(self) -> int:
        """Bytes of output so far."""
        return len(self._output)

    @property
    def started(self) -> float:
        return self._terminal.started

    def write(self, data: bytes) -> float:
        """Press keys; when that was."""
        now = time.monotonic()
        self._terminal.write(data)
        return now

    def wait(self, text: str, since: int) -> float:
        """When the first piece came that completed `text` in the output after byte `since`.

        Raises NotShownError.
        """
        until = time.monotonic() + SECONDS
        needle = text.encode()
        while (at := self._output.find(needle, since)) < 0:
            if time.monotonic() > until or self._terminal.process.poll() is not None:
                tail = bytes(self._output[-200:]).decode(errors="replace")
                raise NotShownError(f"{text!r} was not drawn; the end of what was: {tail!r}")
            time.sleep(0.001)
        return next(when for end, when in self._pieces if end >= at + len(needle))

    def quiet(self, seconds: float = 0.25) -> float:
        """Wait until nothing was drawn for so long; when the last piece came."""
        while time.monotonic() - self._pieces[-1][1] < seconds:
            time.sleep(0.01)
        return self._pieces[-1][1]

    def raw(self) -> None:
        """Wait until the program reads single keys."""
        until = time.monotonic() + SECONDS
        while True:
            flags = self._terminal.modes[3]
            if isinstance(flags, int) and not flags & termios.ICANON:
                return
            if time.monotonic() > until or self._terminal.process.poll() is not None:
                tail = bytes(self._output[-200:]).decode(errors="replace")
                raise NotShownError(f"the program reads no keys; it wrote {tail!r}")
            time.sleep(0.001)

    def key(self) -> float:
        """Press a letter; seconds until it is echoed."""
        letter = chr(FIRST_LETTER + self._letter % LETTERS)
        self._letter += 1
        since = self.written
        pressed = self.write(letter.encode())
        return self.wait(letter, since) - pressed

    def clear_line(self) -> None:
        self.write(CTRL_U)

    def resident(self) -> float:
        """Megabytes of the program's memory."""
        status = Path(f"/proc/{self._terminal.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def leave(self) -> None:
        """Ctrl-D on an empty line; killed where that does not help."""
        self.write(CTRL_U)
        self.write(CTRL_D)
        try:
            self._terminal.wait(15)
        except subprocess.TimeoutExpired:
            self._terminal.kill(signal.SIGTERM)
            self._end()
        finally:
            self._terminal.close()

    def _end(self) -> None:
        try:
            self._terminal.wait(15)
        except subprocess.TimeoutExpired:
            self._terminal.kill()

    def _heard(self, data: bytes, at: float) -> None:
        self._output += data
        self._pieces.append((len(self._output), at))
        if CURSOR_ASKED in data:
            self._terminal.write(b"\x1b[1;1R")
