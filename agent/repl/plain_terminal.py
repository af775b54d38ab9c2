"""The REPL's terminal where nothing can be drawn: TERM=dumb, an editor's shell, a pipe."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from qwright.agent.language import say
from qwright.agent.repl.completion import Completer
from qwright.agent.repl.dialogs import QUIET, Dialog, OptionLike
from qwright.agent.repl.drawing import plain
from qwright.agent.repl.editor import edited
from qwright.agent.repl.handlers import Handlers
from qwright.agent.repl.history import PromptHistory
from qwright.agent.repl.keys import Twice
from qwright.agent.repl.terminal import Terminal
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from qwright.agent.policy import Mode

_MARK = "> "
_PAUSE = 0.1
"""Seconds without a new line before the mark is shown."""


def draws_nothing() -> bool:
    """Whether this terminal (or what stands for it) takes only plain lines."""
    term = os.environ.get("TERM", "")
    return term in ("", "dumb", "unknown") or not (sys.stdin.isatty() and sys.stdout.isatty())


def open_terminal(
    handlers: Handlers,
    completer: Completer,
    *,
    history: Path,
    editing: Literal["emacs", "vi"],
    screen_reader: bool,
    colours: bool,
) -> Terminal | PlainTerminal:
    """What fits the terminal there is."""
    if draws_nothing():
        return PlainTerminal(handlers, completer, history=history)
    return Terminal(
        handlers,
        completer,
        history=history,
        editing=editing,
        screen_reader=screen_reader,
        colours=colours,
    )


class PlainTerminal:
    """As `Terminal`, in plain lines: whole lines in, whole lines out, Ctrl-C interrupts."""

    def __init__(
        self,
        handlers: Handlers,
        completer: Completer,
        *,
        history: Path,
        lines: TextIO | None = None,
        output: TextIO | None = None,
    ) -> None:
        self.handlers = handlers
        self.completer = completer
        self.editing: Literal["emacs", "vi"] = "emacs"
        self.height = 24
        self._history = PromptHistory(history)
        self._lines, self._output = lines or sys.stdin, output or sys.stdout
        self._busy = self._began = False
        self._marked = False
        self._marking: asyncio.TimerHandle | None = None
        self._unfinished = ""
        self._answers: asyncio.Queue[str | None] | None = None
        """Where lines go while something is asked."""
        self._deaf_until = 0.0
        self._ended: asyncio.Event = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    @property
    def width(self) -> int:
        try:
            return os.get_terminal_size(self._output.fileno()).columns or 80
        except OSError:
            return 80

    @property
    def busy(self) -> bool:
        return self._busy

    @busy.setter
    def busy(self, busy: bool) -> None:
        self._busy = busy
        self._mark_soon()

    @property
    def drafting(self) -> bool:
        """Whether something is typed and not submitted yet."""
        return bool(self._unfinished)

    async def run(self) -> None:
        """Take lines until `leave`, or until there are no more."""
        loop = asyncio.get_running_loop()
        control_c = Twice()
        with suppress(NotImplementedError, RuntimeError):  # Not in the main thread.
            loop.add_signal_handler(signal.SIGINT, self._interrupt, control_c)
        self._mark_soon()
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        await self._ended.wait()
        with suppress(NotImplementedError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)

    def leave(self) -> None:
        self._give_up()
        self._ended.set()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own: a read cannot be given up."""
        with suppress(OSError, RuntimeError):  # The terminal, or the loop, is gone.
            for line in self._lines:
                loop.call_soon_threadsafe(self._take, line.rstrip("\n"))
            loop.call_soon_threadsafe(self._closed)

    def _closed(self) -> None:
        self._give_up()
        self.handlers.left()

    def _take(self, line: str) -> None:
        if not self._began:
            self._began = True
            self.handlers.began()
        if asyncio.get_running_loop().time() < self._deaf_until:
            return
        line = sanitise(line)
        self._marked = False
        if self._answers is not None:
            self._answers.put_nowait(line)
        elif line.endswith("\\"):
            self._unfinished += line[:-1] + "\n"
        else:
            self._submit(self._unfinished + line)

    def _submit(self, text: str) -> None:
        self._unfinished = ""
        if text.strip():
            self._history.add(text)
            self.handlers.submitted("/help" if text == "?" else text)
        self._mark_soon()

    def _interrupt(self, control_c: Twice) -> None:
        if self._answers is not None:
            self._give_up()
        elif control_c.pressed():
            self.handlers.left()
        elif self._busy:
            self.handlers.interrupted()
        else:
            self.commit(say("terminal.leave_hint"))

    def commit(self, ansi: str) -> None:
        """Finished lines, without their colours."""
        text = plain(ansi)
        if not text:
            return
        self._write(("\n" if self._marked else "") + text + ("" if text.endswith("\n") else "\n"))
        self._marked = False
        self._mark_soon()

    def _mark_soon(self) -> None:
        """Show that a line can be typed, once nothing more is written."""
        if self._marking:
            self._marking.cancel()
        with suppress(RuntimeError):  # Before the loop runs.
            self._marking = asyncio.get_running_loop().call_later(_PAUSE, self._mark)

    def _mark(self) -> None:
        if not (self._busy or self._marked or self._answers or self._ended.is_set()):
            self._marked = True
            self._write(_MARK)

    def _write(self, text: str) -> None:
        try:
            self._output.write(text)
            self._output.flush()
        except OSError:
            self.leave()

    def set_live(self, ansi: str) -> None:
        """Nothing that changes can be shown."""

    def set_status(self, left: str, right: str) -> None:
        """Nothing that changes can be shown."""

    def set_queue(self, prompts: Sequence[str]) -> None:
        """Nothing that changes can be shown."""

    def set_mode(self, mode: Mode) -> None:
        """Nothing that changes can be shown."""

    def set_title(self, title: str) -> None:
        """There is no window to name."""

    def copy(self, text: str) -> None:
        """There is no clipboard to reach."""

    def bell(self) -> None:
        self._write("\x07")

    def insert(self, text: str) -> None:
        """There is no input to change: show the text, to be typed or copied."""
        self.commit(text)

    async def choose(
        self,
        title: str,
        options: Sequence[OptionLike],
        *,
        body: str = "",
        digits: bool = True,
        start: int = 0,
    ) -> int | None:
        """The index of the option whose number (or key) was entered; None for an empty line."""
        dialog = Dialog(title, options, body, digits=True, start=start)
        async with self._asking() as answers:
            self.commit(dialog.plain())
            while not dialog.answer.done():
                self._ask(say("terminal.choose_number"), guarded=bool(body))
                entered = await answers.get()
                if not entered:
                    return None
                dialog.type(entered.strip())
            return dialog.answer.result()

    async def ask(self, label: str, text: str = "") -> str | None:
        """What is entered; `text` for an empty line, None where there is none."""
        async with self._asking() as answers:
            if text:
                self.commit(sanitise(text))
            self._ask(f"{sanitise(label)}: ")
            entered = await answers.get()
            return entered or (text or None if entered is not None else None)

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[asyncio.Queue[str | None]]:
        """Lines are answers, not prompts."""
        async with self._one_at_a_time:
            self._answers = asyncio.Queue()
            if self._ended.is_set():
                self._give_up()
            try:
                yield self._answers
            finally:
                self._answers = None

    def _ask(self, prompt: str, *, guarded: bool = False) -> None:
        self._write(prompt)
        self._deaf_until = asyncio.get_running_loop().time() + QUIET if guarded else 0.0

    def _give_up(self) -> None:
        if self._answers is not None:
            self._answers.put_nowait(None)

    async def page(self, ansi_lines: Sequence[str], title: str) -> None:
        """All lines, one after the other."""
        self.commit("\n".join([sanitise(title), *ansi_lines]))

    async def edit(self, text: str, suffix: str = ".md") -> str:
        """`text` as it comes back from the user's editor. Raises ConfigError without one."""
        return await edited(text, suffix)
