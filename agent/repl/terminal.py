"""The terminal of the REPL: finished lines scroll away above, the input stays below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prompt_toolkit.application.run_in_terminal import in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.output import ColorDepth

from qwright.agent.language import say
from qwright.agent.repl.completion import Completer
from qwright.agent.repl.dialogs import QUIET, Dialog, Option, OptionLike
from qwright.agent.repl.drawing import only_style
from qwright.agent.repl.editor import edited
from qwright.agent.repl.handlers import Handlers
from qwright.agent.repl.history import PromptHistory
from qwright.agent.repl.inline import Inline
from qwright.agent.repl.keys import ESCAPE_SECONDS, TWICE, bindings
from qwright.agent.repl.layout import STYLE, Arrangement
from qwright.agent.repl.pager import Pager
from qwright.agent.repl.prompt import Prompt, surface
from qwright.agent.repl.question import Question
from qwright.agent.repl.screen_output import ScreenOutput
from qwright.sandbox.errors import QwrightError
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from qwright.agent.policy import Mode

_EARLY = 0.05
"""Seconds after the start in which keys were typed before it."""
FRAME = 1 / 30
"""Seconds between two drawings of what the agent does; keys are drawn at once."""


class Terminal:
    """Input, dialogs, and what is drawn around them.

    `commit`, `set_*` and `leave` may be called before `run` and after it; everything belongs to
    the thread of the event loop.
    """

    def __init__(
        self,
        handlers: Handlers,
        completer: Completer,
        *,
        history: Path,
        editing: Literal["emacs", "vi"] = "emacs",
        screen_reader: bool = False,
        colours: bool = True,
        input: Input | None = None,
        output: ScreenOutput | None = None,
    ) -> None:
        self.handlers = handlers
        self.busy, self.early = False, True
        self.screen_reader = screen_reader
        self.mode: Mode = "auto"
        self.live, self.hint_text = "", ""
        self.status = ("", "")
        self.queue: Sequence[str] = ()
        self.prompt = Prompt(completer, PromptHistory(history), self._touch)
        self.dialog: Dialog | None = None
        self.question: Question | None = None
        self.question_buffer = Buffer(multiline=True)
        self._output = output or ScreenOutput.standard()
        self._input = input or create_input()
        self._arrangement = Arrangement(self)
        self._app = self._application(editing, colours)
        self._pending: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._hint_timer: asyncio.TimerHandle | None = None
        self._painted = 0.0
        self._quiet_until = 0.0
        self._away = self._began = self._left = False
        self._bug: Exception | None = None
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def _application(self, editing: Literal["emacs", "vi"], colours: bool) -> Inline:
        app = Inline(
            layout=self._arrangement.layout,
            key_bindings=bindings(self),
            style=STYLE,
            include_default_pygments_style=False,
            color_depth=None if colours else ColorDepth.DEPTH_1_BIT,
            editing_mode=EditingMode.VI if editing == "vi" else EditingMode.EMACS,
            cursor=ModalCursorShapeConfig(),
            erase_when_done=True,
            max_render_postpone_time=None,
            terminal_size_polling_interval=None,
            input=self._input,
            output=self._output,
        )
        app.ttimeoutlen = ESCAPE_SECONDS
        app.key_processor.before_key_press += self._on_key
        return app

    @property
    def width(self) -> int:
        return self._output.get_size().columns

    @property
    def height(self) -> int:
        return self._output.get_size().rows

    @property
    def editing(self) -> Literal["emacs", "vi"]:
        """The keys of the input; can be changed at any time."""
        return "vi" if self._app.editing_mode == EditingMode.VI else "emacs"

    @editing.setter
    def editing(self, editing: Literal["emacs", "vi"]) -> None:
        self._app.editing_mode = EditingMode.VI if editing == "vi" else EditingMode.EMACS

    @property
    def typing(self) -> bool:
        """Keys go to the input, not to a dialog or a question."""
        return self.dialog is None and self.question is None

    @property
    def drafting(self) -> bool:
        """Whether something is typed and not submitted yet."""
        return bool(self.prompt.text)

    @property
    def alone(self) -> bool:
        """The key that is being handled came alone: Esc, and not Alt with another key."""
        return not self._app.key_processor.input_queue

    async def run(self) -> None:
        """Take input until `leave`, or until the terminal is closed.

        What a key's handler raises ends it, and is raised here when the screen is tidy.
        """
        if self._left:
            return
        loop = asyncio.get_running_loop()
        previous = loop.get_exception_handler()
        loop.set_exception_handler(self._on_bug)
        try:
            self._app.pre_run_callables.append(self._write_pending)
            loop.call_later(_EARLY, setattr, self, "early", False)
            await self._app.run_async(set_exception_handler=False)
        except EOFError:
            self.handlers.left()
        finally:
            loop.set_exception_handler(previous)
            self._end()
        if self._bug:
            raise self._bug

    def _on_bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error: object = context.get("exception")
        if "future" in context and not loop.get_debug():
            return  # Work that was given up may end in an error that nobody waits for.
        if not isinstance(error, Exception):
            return loop.default_exception_handler(context)
        self._bug = self._bug or error
        self.leave()

    def leave(self) -> None:
        """End `run`; questions that are open get no answer."""
        self._left = True
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    def _end(self) -> None:
        self._left = True
        for timer in filter(None, (self._timer, self._hint_timer)):
            timer.cancel()
        if self.dialog:
            self.dialog.finish(None)
        elif self.question:
            self.question.finish(given=False)
        self._write_pending()

    def commit(self, ansi: str) -> None:
        """Finished lines, above the input, for ever."""
        if not ansi:
            return
        self._pending.append(only_style(ansi) + ("" if ansi.endswith("\n") else "\n"))
        if self._left:
            self._write_pending()
        else:
            self._touch()

    def set_live(self, ansi: str) -> None:
        """What changes, just above the input: at most a third of the height, its last lines."""
        if ansi != self.live:
            self.live = only_style(ansi)
            self._touch()

    def set_status(self, left: str, right: str) -> None:
        if (left, right) != self.status:
            self.status = (left, right)
            self._touch()

    def set_queue(self, prompts: Sequence[str]) -> None:
        """What will be sent after this turn."""
        self.queue = tuple(prompts)
        self._touch()

    def set_mode(self, mode: Mode) -> None:
        """Colours the mark before the input."""
        self.mode = mode
        self._touch()

    def set_title(self, title: str) -> None:
        """The title of the terminal's window."""
        self._output.send_title(sanitise(title).replace("\n", " "))

    def copy(self, text: str) -> None:
        """Into the clipboard, by the terminal. Longer texts are cut."""
        self._output.send_clipboard(text)

    def bell(self) -> None:
        """Ring: something waits for an answer."""
        self._output.send_bell()

    def insert(self, text: str) -> None:
        """Into the input, at the cursor."""
        self.prompt.insert(sanitise(text))
        self._touch()

    def hint(self, text: str) -> None:
        """Show `text` in place of the status line for a moment."""
        self.hint_text = text
        if self._hint_timer:
            self._hint_timer.cancel()
        if text:
            self._hint_timer = asyncio.get_running_loop().call_later(TWICE, self.hint, "")
        self._touch()

    def clear(self) -> None:
        """Empty the screen but for the input; the scrollback stays."""
        self._app.clear()

    async def choose(
        self,
        title: str,
        options: Sequence[OptionLike],
        *,
        body: str = "",
        digits: bool = True,
        start: int = 0,
    ) -> int | None:
        """The index of the option that was chosen in an inline list; None on Esc.

        With a `body` (an approval) keys count only after a pause: see `dialogs.QUIET`.
        """
        async with self._one_at_a_time:
            if self._left:
                return None
            dialog = Dialog(title, options, body, digits=digits, start=start)
            self.dialog, dialog.answered = dialog, self._back_to_input
            self._app.layout.focus(self._arrangement.dialog)
            self._paint()
            self._quiet_until = asyncio.get_running_loop().time() + QUIET
            if self.screen_reader:
                self.commit(dialog.plain())
            try:
                return await dialog.answer
            finally:
                self._back_to_input()

    async def ask(self, label: str, text: str = "") -> str | None:
        """What is typed for `label`, beginning with `text`; None on Esc."""
        async with self._one_at_a_time:
            if self._left:
                return None
            question = Question(label, text, self.question_buffer)
            self.question, question.answered = question, self._back_to_input
            self._app.layout.focus(self._arrangement.question)
            self._paint()
            try:
                return await question.answer
            finally:
                self._back_to_input()

    def _back_to_input(self) -> None:
        self.dialog = self.question = None
        self._app.layout.focus(self._arrangement.input)
        self._touch()

    async def page(self, ansi_lines: Sequence[str], title: str) -> None:
        """Show the lines in the alternate screen until they are left."""
        async with self._handed_over():
            pager = Pager([only_style(line) for line in ansi_lines], sanitise(title))
            await pager.run(self._input, self._output, self._app.color_depth)

    async def edit(self, text: str, suffix: str = ".md") -> str:
        """`text` as it comes back from the user's editor. Raises ConfigError without one."""
        async with self._handed_over():
            return await edited(text, suffix)

    @asynccontextmanager
    async def _handed_over(self) -> AsyncGenerator[None]:
        """Give the terminal away; what is committed meanwhile is written afterwards."""
        async with self._one_at_a_time:
            self._away = True
            try:
                async with in_terminal():
                    yield
            finally:
                self._away = False
                self._touch()

    def suspend(self) -> None:
        """Ctrl-Z: back to the shell until `fg`."""
        # Not the group: a child that is stopped between vfork and exec would hold us for ever.
        self._app.suspend_to_background(suspend_group=False)

    def search_history(self) -> None:
        """Ctrl-R: what was typed before, narrowed by typing, into the input."""
        self._start(self._searched())

    async def _searched(self) -> None:
        entries = list(dict.fromkeys(reversed(self.prompt.history.entries)))
        options = [Option(" ".join(entry.split())[:500]) for entry in entries]
        chosen = await self.choose(say("terminal.history_title"), options, digits=False)
        if chosen is not None:
            self.prompt.set(entries[chosen])

    def edit_prompt(self) -> None:
        """Ctrl-G: the input in the user's editor."""
        self._start(self._edited())

    async def _edited(self) -> None:
        try:
            self.prompt.set((await self.edit(self.prompt.whole)).rstrip("\n"))
        except QwrightError as error:
            self.hint(str(error))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(surface)

    def vi_normal(self) -> None:
        """Esc in vi's insert mode."""
        self._app.vi_state.input_mode = InputMode.NAVIGATION
        self.prompt.buffer.cursor_left()

    def too_early(self) -> bool:
        """Whether a key may have been meant for what was there before the dialog."""
        if self.dialog is None or not self.dialog.guarded:
            return False
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            return False
        self._quiet_until = now + QUIET
        return True

    def kept(self, text: str) -> None:
        """A character that came too early for the dialog stays in the input."""
        if text.isprintable():
            self.prompt.insert(text)

    def _on_key(self, _: object) -> None:
        if not self._began:
            self._began = True
            self.prompt.completer.warm()
            self.handlers.began()

    def _touch(self) -> None:
        """Draw soon, at most every FRAME."""
        if self._timer is None and self._app.is_running and not self._away:
            loop = asyncio.get_running_loop()
            wait = max(self._painted + FRAME - loop.time(), 0)
            self._timer = loop.call_later(wait, self._paint)

    def _paint(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._away or not self._app.is_running:
            return
        if self._output.gone:
            self.handlers.left()
        text = "".join(self._pending)
        self._pending.clear()
        self._app.above(text)
        self._painted = asyncio.get_running_loop().time()

    def _write_pending(self) -> None:
        """What was committed, where no input is drawn."""
        with self._output.held():
            self._output.write_raw("".join(self._pending).replace("\n", "\r\n"))
        self._pending.clear()
