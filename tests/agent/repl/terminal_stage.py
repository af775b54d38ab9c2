"""A `Terminal` on a screen of the tests' emulator, with keys from a pipe."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input

from qwright.agent.repl.completion import CommandInfo, Completer
from qwright.agent.repl.screen_output import ScreenOutput
from qwright.agent.repl.terminal import Terminal
from tests.emulator import Emulator

COMMANDS = (
    CommandInfo("help", ("?",), "", "Show help"),
    CommandInfo("model", (), "[NAME]", "Choose the model"),
    CommandInfo("clear", ("new", "reset"), "", "A new session"),
    CommandInfo("rename", (), "TITLE", "Name the session"),
)
UP, DOWN, LEFT, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[6~"
ESC, ENTER, TAB, SHIFT_TAB, BACKSPACE = "\x1b", "\r", "\t", "\x1b[Z", "\x7f"


def control(letter: str) -> str:
    return chr(ord(letter.upper()) - 64)


def pasted(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


class Recorder:
    """Handlers that write down what was called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.submissions: list[str] = []
        self.queued: list[str] = []
        self.breaks = False
        """Ctrl-O runs into a bug."""
        self.leaves: Callable[[], None] | None = None

    def submitted(self, text: str) -> None:
        self.submissions.append(text)

    def interrupted(self) -> None:
        self.calls.append("interrupted")

    def rewind(self) -> None:
        self.calls.append("rewind")

    def mode_cycled(self) -> None:
        self.calls.append("mode_cycled")

    def opened(self) -> None:
        if self.breaks:
            raise ZeroDivisionError
        self.calls.append("opened")

    def todos(self) -> None:
        self.calls.append("todos")

    def left(self) -> None:
        self.calls.append("left")
        if self.leaves:
            self.leaves()

    def drew_back(self) -> str | None:
        return self.queued.pop() if self.queued else None

    def began(self) -> None:
        self.calls.append("began")


class _Wire(io.StringIO):
    """What the terminal writes, to the emulator; and the writes one by one."""

    encoding = "utf-8"

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        super().__init__()
        self._feed = feed
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        self._feed(text.encode())
        return len(text)


class Stage:
    """The terminal, what was called, and what is to be seen."""

    def __init__(self, pipe: PipeInput, tmp: Path, width: int, height: int, **how: object) -> None:
        self.handlers = Recorder()
        self.size = Size(rows=height, columns=width)
        self.emulator = Emulator(width, height, lambda answer: None)
        self.wire = _Wire(self.emulator.feed)
        self._pipe = pipe
        editing: Literal["emacs", "vi"] = "vi" if how.get("vi") else "emacs"
        arguments = _broken if how.get("breaks") else _arguments
        self.completer = Completer(tmp, lambda: COMMANDS, arguments)
        self.terminal = Terminal(
            self.handlers,
            self.completer,
            history=tmp / ".history",
            editing=editing,
            screen_reader=bool(how.get("screen_reader")),
            colours=not how.get("plain"),
            input=pipe,
            output=ScreenOutput(self.wire, lambda: self.size, "xterm-256color"),
        )
        self.handlers.leaves = self.terminal.leave

    def resize(self, width: int, height: int = 24) -> None:
        """The terminal's window is another size; its program is told by the next key."""
        self.emulator.resize(height, width)
        self.size = Size(rows=height, columns=width)

    def send(self, *keys: str) -> None:
        """Keys in one go, as fast as a terminal can send them."""
        self._pipe.send_text("".join(keys))

    def close(self) -> None:
        """As a terminal whose window was closed."""
        self._pipe.close()

    async def type(self, *keys: str) -> None:
        """Keys one after the other, each handled before the next."""
        for key in keys:
            self.send(key)
            await asyncio.sleep(0.06)

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait until something holds; AssertionError with the screen when it never does."""
        for _ in range(300):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{what}\n{self.text}")

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text, f"{text!r} was never shown")

    async def hides(self, text: str) -> None:
        await self.until(lambda: text not in self.text, f"{text!r} was never taken away")

    @property
    def text(self) -> str:
        """The screen."""
        return self.emulator.shown()

    @property
    def everything(self) -> str:
        """Scrollback and screen."""
        return f"{self.emulator.scrolled()}\n{self.text}".lstrip("\n")


def _arguments(name: str, typed: str) -> list[str]:
    return ["qwen2.5-coder", "qwen3-coder"] if name == "model" else []


def _broken(name: str, typed: str) -> list[str]:
    raise ZeroDivisionError


@asynccontextmanager
async def stage(
    tmp: Path, width: int = 80, height: int = 24, **how: object
) -> AsyncGenerator[Stage]:
    """A running terminal; it has left at the end."""
    with create_pipe_input() as pipe:
        staged = Stage(pipe, tmp, width, height, **how)
        staged.send(str(how.get("early", "")))
        running = asyncio.create_task(staged.terminal.run())
        await asyncio.sleep(0.1)
        try:
            yield staged
        finally:
            staged.terminal.leave()
            await running
