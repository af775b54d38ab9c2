"""The REPL: what was typed goes to the chat, its events come out on the screen.

`Repl.run` lives as long as the person stays. One task takes prompts off a queue and works on them
one by one; keys are handled meanwhile, so that prompts can be queued and work interrupted.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qwright.agent import events as ev
from qwright.agent.language import say, translated
from qwright.agent.policy import MODES, Decision, Mode, Request
from qwright.agent.render.theme import load
from qwright.agent.render.toolline import many
from qwright.agent.repl.command import CommandError
from qwright.agent.repl.completion import CommandInfo, Completer
from qwright.agent.repl.plain_terminal import open_terminal
from qwright.agent.repl.view import View
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.errors import QwrightError

if TYPE_CHECKING:
    from qwright.agent.chat import Chat
    from qwright.agent.config import Config
    from qwright.agent.repl.commands import Commands
    from qwright.sandbox.bridge import Hunk

T = TypeVar("T")
TICK = 0.1
"""Seconds between two looks at the clock while the agent works."""
_STATUS_TICKS = 10
_TELLING = (ev.UsageReported, ev.CheckpointMade, ev.Compacted, ev.RunFinished)
"""Events after which the status line says something else."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to work on."""

    text: str
    shown: str = ""
    """Stands for the text on the screen: what a custom command's file says, which is a prompt for
    the model whatever it begins with, and never a command."""
    verify: bool = False

    @property
    def typed(self) -> str:
        """What stands in the input when it comes back there: a command, or the whole text."""
        return self.shown if self.shown.startswith("/") else self.text


class Repl:
    """Handles keys, works on prompts one by one, asks for approval."""

    def __init__(self, settings: Config, directory: Path) -> None:
        plain = settings.theme == "plain" or bool(os.environ.get("NO_COLOR"))
        self._completer = Completer(directory, self._command_infos, self._arguments)
        self.terminal = open_terminal(
            self,
            self._completer,
            history=state_dir() / "history",
            editing=settings.editing,
            screen_reader=settings.screen_reader,
            colours=not plain,
        )
        theme = load("plain" if plain else settings.theme)
        self.view = View(self.terminal, theme, screen_reader=settings.screen_reader)
        self.chat: Chat | None = None
        """None until it is open: the person can type before that."""
        self._commands: Commands | None = None
        self._mode: Mode = settings.mode
        self._queue: deque[Prompt] = deque()
        self._working = False
        """Whether a prompt or command is being worked on, or is still ending."""
        self._more = asyncio.Event()
        self._opened = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._slow: asyncio.Task[Any] | None = None
        """What a command waits for."""
        self._bug: BaseException | None = None

    async def run(self, open_chat: Callable[[Repl], Awaitable[Chat]]) -> None:
        """Stay until the person leaves. What nobody foresaw is raised after the screen is tidy."""
        self.terminal.set_mode(self._mode)
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.terminal.leave)
        self._spawn(self._open(open_chat))
        self._spawn(self._work())
        try:
            await self.terminal.run()
        finally:
            await self._end()
        if self._bug:
            raise self._bug

    async def _open(self, open_chat: Callable[[Repl], Awaitable[Chat]]) -> None:
        # In a thread, so that keys are drawn meanwhile: it is what takes longest.
        commands = await asyncio.to_thread(import_module, "qwright.agent.repl.commands")
        self.chat = await open_chat(self)
        self.chat.policy.mode = self._mode
        self._commands = commands.Commands(self)
        self._completer.renewed()
        self._opened.set()
        self.refresh()

    async def _end(self) -> None:
        # Impatience must not leave a container behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)
        if self.chat:
            self._say_farewell(self.chat)
            await self.chat.close()

    def _say_farewell(self, chat: Chat) -> None:
        """How to come back; nothing after a look around."""
        if chat.turns.all:
            self.view.settle()
            if count := chat.results.changed:
                self.view.say(many("repl.kept_for_later", count), "hint")
            self.view.say(say("repl.farewell", session=chat.session.record.id), "hint")

    # Work, one prompt after the other.

    def submit(self, prompt: str, *, shown: str = "", verify: bool = False) -> None:
        """Work on a prompt as soon as those before it are done."""
        self._queue.append(Prompt(prompt, shown, verify))
        self._show_queue()
        self._more.set()

    async def _work(self) -> None:
        await self._opened.wait()
        while True:
            await self._more.wait()
            while self._queue:
                prompt = self._queue.popleft()
                self._show_queue()
                self._working = True
                try:
                    await self._do(prompt)
                except QwrightError as error:
                    self.view.say(str(error), "bad")
                self._working = False
                self.refresh()
            self._more.clear()

    async def _do(self, prompt: Prompt) -> None:
        chat, commands = self._need()
        if not prompt.shown and commands.is_command(prompt.text):
            await commands.run(prompt.text)
        elif not prompt.shown and prompt.text.startswith("!"):
            self.view.prompt(prompt.text)
            await self.show(chat.shell(prompt.text[1:].strip()))
        else:
            self.view.prompt(prompt.shown or prompt.text)
            reason = await self.show(chat.send(prompt.text, verify=prompt.verify))
            await self._after(reason)

    async def _after(self, reason: ev.StopReason | None) -> None:
        """Offer what was done, and give the session its name."""
        from qwright.agent.repl import applying

        chat, _ = self._need()
        self._completer.refresh()
        for line in chat.unrecorded():
            self.view.say(translated(line), "hint")
        if chat.setting.config.title and not chat.session.record.title:
            self._spawn(self._name())
        await applying.offer(self, finished=reason == "done")

    async def _name(self) -> None:
        chat, _ = self._need()
        session = chat.session
        with suppress(QwrightError):  # the next prompt says what is wrong with the model
            title = await chat.suggest_title()
            # Meanwhile the person may have named it, or gone to another.
            if chat.session is session and not session.record.title:
                chat.set_title(title)
                self.refresh()

    async def show(self, events: AsyncGenerator[ev.Event]) -> ev.StopReason | None:
        """Draw events until they end; Esc interrupts them. Returns why they ended, if they say."""
        reason: ev.StopReason | None = None
        async with self._at_work(), aclosing(events):
            async for event in events:
                self.view.show(event)
                if isinstance(event, _TELLING):
                    self.refresh()
                reason = event.reason if isinstance(event, ev.RunFinished) else reason
        return reason

    async def during(self, text: str, work: Coroutine[object, object, T]) -> T:
        """What a command's own slow `work` gives; Esc ends it. `text` is shown meanwhile.

        Raises CommandError when it was ended.
        """
        if self.terminal.busy:
            return await work
        self._slow = asyncio.create_task(work)
        try:
            async with self._at_work():
                self.view.progress(text)
                await asyncio.wait((self._slow,))
        finally:
            self._slow.cancel()
            self.view.progress("")
        if self._slow.cancelled():
            raise CommandError(say("commands.given_up"))
        return self._slow.result()

    @asynccontextmanager
    async def _at_work(self) -> AsyncGenerator[None]:
        self.terminal.busy = True
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            self.terminal.busy = False
            ticking.cancel()
            self.view.settle()

    async def _tick(self) -> None:
        for tick in count(1):
            await asyncio.sleep(TICK)
            self.view.tick()
            if tick % _STATUS_TICKS == 0:
                self.refresh()

    async def accept(self, chosen: Collection[Hunk] | None = None) -> None:
        """Apply what is pending, or these hunks; a conflict is asked about."""
        from qwright.agent.repl import applying

        await applying.accept(self, chosen)

    async def approve(self, request: Request) -> Decision:
        """Ask the person about a call; see `Approver`."""
        from qwright.agent.repl import approval

        return await approval.ask(self.terminal, self.view, request)

    # Keys; see `terminal.Handlers`.

    def submitted(self, text: str) -> None:
        """Enter: now, or after what is being worked on."""
        commands = self._commands
        if self.terminal.busy and commands and commands.runs_now(text):
            self._spawn(self._at_once(text))
        elif text.strip():
            self.submit(text.strip())

    async def _at_once(self, text: str) -> None:
        try:
            await self._need()[1].run(text)
        except QwrightError as error:
            self.view.say(str(error), "bad")

    def interrupted(self) -> None:
        """Esc while the agent works: what was queued comes back into the input."""
        if self._slow:
            self._slow.cancel()
        if self.chat:
            self.chat.interrupt()
        if self._queue:
            self.terminal.insert("\n".join(one.typed for one in self._queue))
            self._queue.clear()
            self._show_queue()

    def rewind(self) -> None:
        """Esc twice; nothing while something is still ending."""
        if not self._working:
            self.submit("/rewind")

    def mode_cycled(self) -> None:
        self.set_mode(MODES[(MODES.index(self._mode) + 1) % len(MODES)])

    def set_mode(self, mode: Mode) -> None:
        """From the next call on, also of an answer that is being worked on."""
        self._mode = mode
        if self.chat:
            self.chat.policy.mode = mode
        self.terminal.set_mode(mode)
        self.refresh()

    def opened(self) -> None:
        """Ctrl-O: the whole session, every call open."""
        self._spawn(self._page())

    async def _page(self) -> None:
        from qwright.agent.repl.pages import transcript_pages

        if self.chat:
            file = self.chat.session.path / "events.jsonl"
            width, theme = self.terminal.width, self.view.theme
            lines = await asyncio.to_thread(transcript_pages, file, width, theme)
            await self.terminal.page(lines, say("repl.transcript"))

    def todos(self) -> None:
        self.view.say(self.view.todos or say("repl.no_todos"), "info")

    def left(self) -> None:
        self.terminal.leave()

    def drew_back(self) -> str | None:
        """Up on an empty line: the prompt that was queued last, for editing."""
        if not self._queue:
            return None
        last = self._queue.pop()
        self._show_queue()
        return last.typed

    def began(self) -> None:
        """The first key: the model's server and the container start while the person types."""
        self._spawn(self._begin())

    async def _begin(self) -> None:
        await self._opened.wait()
        chat, _ = self._need()
        chat.begin()
        while chat.status().sandbox == "starting":
            await asyncio.sleep(1)
            self.refresh()

    # What is around them.

    def _command_infos(self) -> Sequence[CommandInfo]:
        return self._commands.infos() if self._commands else ()

    def _arguments(self, name: str, typed: str) -> Sequence[str]:
        return self._commands.arguments(name, typed) if self._commands else ()

    def refresh(self) -> None:
        """Draw the status line anew."""
        from qwright.agent.repl.status import status_line

        if self.chat:
            left, right = status_line(self.chat, self.view.theme).render(self.terminal.width)
            self.terminal.set_status(left, right)

    @property
    def busy(self) -> bool:
        return self.terminal.busy

    @property
    def occupied(self) -> bool:
        """Whether the person is about something else already: more is queued, or half typed."""
        return bool(self._queue or self.terminal.drafting)

    def progress(self, text: str) -> None:
        """What takes long before the agent can work: its last word stands in the live line."""
        self.view.progress(text)

    def _need(self) -> tuple[Chat, Commands]:
        assert self.chat
        assert self._commands
        return self.chat, self._commands

    def _show_queue(self) -> None:
        self.terminal.set_queue([one.shown or one.text for one in self._queue])

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """An error that nobody awaits ends the REPL, instead of leaving it deaf."""
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error:
            self._bug = self._bug or error
            self.terminal.leave()
