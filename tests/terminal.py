"""A real terminal for tests: a program on a pseudo-terminal, and what a person would see of it."""

from __future__ import annotations

import re
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qwright.evals.bench.pseudo_terminal import PseudoTerminal
from tests.emulator import Cell, Emulator

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "shift-tab": "\x1b[Z",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "page-up": "\x1b[5~",
    "page-down": "\x1b[6~",
    "alt-enter": "\x1b\r",
    "shift-enter": "\x1b[13;2u",
    "space": " ",
}
SECONDS = 25.0
"""How long anything may take: the machine may be busy."""
Found = str | re.Pattern[str] | Callable[[], object]


class Terminal:
    """A window with a program in it. Everything that waits fails the test with the screen."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        columns: int = 100,
        lines: int = 30,
    ) -> None:
        self._changed = threading.Condition()
        self._emulator = Emulator(columns, lines, lambda text: self._pty.write(text.encode()))
        self.raw = bytearray()
        self.heard_at = time.monotonic()
        # As xterm it does not wrap lines anew when it is resized; programs go by its variable.
        more = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XTERM_VERSION": "XTerm(390)"}
        self._ready = threading.Event()
        self._pty = PseudoTerminal(
            argv, cwd=cwd, env={**more, **env}, columns=columns, lines=lines, heard=self._heard
        )
        self._ready.set()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._pty.process.pid

    @property
    def alive(self) -> bool:
        return self._pty.process.poll() is None

    @property
    def raw_keys(self) -> bool:
        """Whether the program reads single keys, as a line editor does."""
        flags = self._pty.modes[3]
        return isinstance(flags, int) and not flags & termios.ICANON

    def type(self, text: str) -> None:
        """Type, key by key but quickly."""
        self._pty.write(text.encode())

    def press(self, *names: str) -> None:
        """Keys by name: those of KEYS, `ctrl-x`, `alt-x`, or one character."""
        for name in names:
            self.type(_key(name))

    def paste(self, text: str) -> None:
        """Paste as terminals do that mark it."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def send(self, text: str) -> None:
        """Type a line and Enter."""
        self.type(text)
        self.press("enter")

    def screen(self) -> str:
        """What the window shows: its lines without the blanks at their ends."""
        with self._changed:
            return self._emulator.shown()

    def scrollback(self) -> str:
        """The lines that left the window at its top."""
        with self._changed:
            return self._emulator.scrolled()

    def all(self) -> str:
        """Scrollback and window."""
        with self._changed:
            above = self._emulator.scrolled()
            return f"{above}\n{self._emulator.shown()}" if above else self._emulator.shown()

    def rows(self) -> list[list[Cell]]:
        """All cells of the window, line by line."""
        with self._changed:
            return self._emulator.rows()

    def cells(self, text: str) -> list[Cell]:
        """The cells of the last place in the window that shows `text`, with their styles."""
        with self._changed:
            return self._emulator.cells(text)

    def row(self, number: int) -> list[Cell]:
        """The cells of a line of the window, from 0."""
        with self._changed:
            return self._emulator.row(number)

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and line, from 0."""
        with self._changed:
            return self._emulator.cursor.x, self._emulator.cursor.y

    @property
    def alternate(self) -> bool:
        """Whether the program shows its second screen, as a pager does."""
        with self._changed:
            return self._emulator.alternate

    @property
    def title(self) -> str:
        with self._changed:
            return self._emulator.title

    def wait_for(self, what: Found, *, seconds: float = SECONDS) -> str:
        """Until the window shows a text or a pattern, or a condition holds; the window's text."""
        return self._wait(lambda: self._holds(what, self.screen), f"{what} is shown", seconds)

    def wait_all(self, what: Found, *, seconds: float = SECONDS) -> str:
        """As `wait_for`, anywhere in scrollback and window."""
        return self._wait(lambda: self._holds(what, self.all), f"{what} was shown", seconds)

    def wait_gone(self, what: str, *, seconds: float = SECONDS) -> str:
        """Until the window shows the text no more."""
        return self._wait(lambda: what not in self.screen(), f"{what} is gone", seconds)

    def settled(self, quiet: float = 0.5, *, seconds: float = SECONDS) -> str:
        """Until nothing was written for a while: what a golden screen is taken of."""
        began = time.monotonic()

        def still() -> bool:
            return not self.alive or time.monotonic() - max(self.heard_at, began) >= quiet

        self._wait(still, "it keeps still", seconds)
        return self.screen()

    def count(self, text: str) -> int:
        """How often a text stands in scrollback and window."""
        return self.all().count(text)

    def resize(self, columns: int, lines: int) -> None:
        with self._changed:
            self._emulator.resize(lines, columns)
        self._pty.resize(columns, lines)

    def kill9(self) -> None:
        """The program dies at once, and the window with it."""
        self._pty.kill()
        self._pty.wait(SECONDS)

    def signal(self, number: int) -> None:
        self._pty.kill(number)

    def hang_up(self) -> None:
        """Somebody closes the window."""
        self._pty.hang_up()

    def wait_until_dead(self, seconds: float = SECONDS) -> None:
        """Wait for the program to be gone, however it ends."""
        self._pty.wait(seconds)

    def ended(self, seconds: float = SECONDS) -> int:
        """Wait for the program to end by itself; its exit code."""
        self._wait(lambda: not self.alive, "it ends", seconds)
        self._wait(lambda: time.monotonic() - self.heard_at > 0.1, "it keeps still", seconds)
        return self._pty.wait(1)

    def close(self) -> None:
        self._pty.close()

    def _heard(self, data: bytes, at: float) -> None:
        self._ready.wait()
        with self._changed:
            self.raw += data
            self.heard_at = at
            self._emulator.feed(data)
            self._changed.notify_all()

    def _holds(self, what: Found, text: Callable[[], str]) -> bool:
        if isinstance(what, str):
            return what in text()
        if isinstance(what, re.Pattern):
            return bool(what.search(text()))
        return bool(what())

    def _wait(self, holds: Callable[[], bool], what: str, seconds: float) -> str:
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until or (not self.alive and self._over()):
                if holds():
                    break
                raise AssertionError(f"{what}: not within {seconds:g} s\n{self._report()}")
            with self._changed:
                self._changed.wait(0.05)
        return self.screen()

    def _over(self) -> bool:
        """Whether a program that ended has nothing more to say."""
        return time.monotonic() - self.heard_at > 1.0

    def _report(self) -> str:
        state = "runs" if self.alive else f"ended with {self._pty.process.returncode}"
        lines = self.all().splitlines()[-120:]
        edge = "-" * 40
        return f"the program {state}; it shows\n{edge}\n" + "\n".join(lines) + f"\n{edge}"


def _key(name: str) -> str:
    if name in KEYS:
        return KEYS[name]
    kind, _, rest = name.partition("-")
    if kind == "ctrl" and rest:
        return chr(ord(rest.upper()) & 0x1F)
    if kind == "alt" and rest:
        return f"\x1b{KEYS.get(rest, rest)}"
    assert len(name) == 1, f"no key {name}"
    return name
