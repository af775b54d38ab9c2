"""A person at the REPL's commands: a real chat and view, and a terminal that answers by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from qwright.agent import events as ev
from qwright.agent.chat import Chat
from qwright.agent.choice import choose
from qwright.agent.config import Config
from qwright.agent.policy import Decision, Mode, Request
from qwright.agent.render.theme import load
from qwright.agent.repl import applying
from qwright.agent.repl.app import Repl
from qwright.agent.repl.commands import Commands
from qwright.agent.repl.dialogs import OptionLike
from qwright.agent.repl.view import View
from qwright.agent.setting import Setting
from qwright.agent.workplace import Place
from qwright.sandbox.bridge import Hunk
from qwright.sandbox.session_dir import Session
from tests.e2e.house import MODEL, VERIFY, House
from tests.e2e.scripted_server import Server

T = TypeVar("T")


@dataclass
class Dialog:
    title: str
    labels: list[str]
    body: str
    start: int


@dataclass
class Terminal:
    """Answers: the label (or key) of an option to choose, a line to give, None for Esc."""

    answers: list[str | None] = field(default_factory=list[str | None])
    width: int = 80
    height: int = 24
    editing: Literal["emacs", "vi"] = "emacs"
    dialogs: list[Dialog] = field(default_factory=list[Dialog])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    inserted: list[str] = field(default_factory=list[str])
    copied: list[str] = field(default_factory=list[str])
    written: list[str] = field(default_factory=list[str])
    has_left: bool = False

    def commit(self, ansi: str) -> None:
        self.written.append(ansi)

    def set_live(self, ansi: str) -> None: ...
    def set_status(self, left: str, right: str) -> None: ...

    async def choose(
        self,
        title: str,
        options: Sequence[OptionLike],
        *,
        body: str = "",
        digits: bool = True,
        start: int = 0,
    ) -> int | None:
        self.dialogs.append(Dialog(title, [one.label for one in options], body, start))
        answer = self.answers.pop(0)
        if answer is None:
            return None
        fitting = [n for n, one in enumerate(options) if answer in (one.key, one.label)]
        fitting += [n for n, one in enumerate(options) if answer in one.label]
        return fitting[0]

    async def ask(self, label: str, text: str = "") -> str | None:
        self.asked.append((label, text))
        return self.answers.pop(0)

    async def edit(self, text: str, suffix: str = ".md") -> str:
        self.asked.append((suffix, text))
        answer = self.answers.pop(0)
        return text if answer is None else answer

    def insert(self, text: str) -> None:
        self.inserted.append(text)

    def copy(self, text: str) -> None:
        self.copied.append(text)

    def leave(self) -> None:
        self.has_left = True


class Always:
    """Says yes to every call."""

    async def approve(self, request: Request) -> Decision:
        return Decision("once")


class Seat:
    """`type` runs a command line and returns what it made the screen show."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.terminal = Terminal()
        self.view = View(self.terminal, load("plain"))
        self.submitted: list[tuple[str, str, bool]] = []
        self.modes: list[Mode] = []
        self.waited: list[str] = []
        self.commands = Commands(cast(Repl, self))

    async def type(self, line: str, *answers: str | None) -> str:
        self.terminal.answers = list(answers)
        before = len(self.terminal.written)
        assert self.commands.is_command(line)
        await self.commands.run(line)
        assert not self.terminal.answers, "not all that was prepared was asked"
        return "".join(self.terminal.written[before:])

    async def send(self, prompt: str) -> None:
        await self.show(self.chat.send(prompt))

    def submit(self, prompt: str, *, shown: str = "", verify: bool = False) -> None:
        self.submitted.append((prompt, shown, verify))

    async def show(self, events: AsyncGenerator[ev.Event]) -> ev.StopReason | None:
        reason: ev.StopReason | None = None
        async with aclosing(events):
            async for event in events:
                self.view.show(event)
                reason = event.reason if isinstance(event, ev.RunFinished) else reason
        return reason

    async def during(self, text: str, work: Coroutine[object, object, T]) -> T:
        self.waited.append(text)
        return await work

    async def accept(self, chosen: Collection[Hunk] | None = None) -> None:
        await applying.accept(cast(Repl, self), chosen)

    def set_mode(self, mode: Mode) -> None:
        self.modes.append(mode)
        self.chat.policy.mode = mode

    def refresh(self) -> None: ...


Work = Callable[[Seat], Coroutine[Any, Any, None]]


@dataclass
class Room:
    """The user's repository with a scripted model."""

    house: House
    server: Server

    def sit(self, work: Work, session: Session | None = None) -> None:
        """Run `work` at a chat of its own."""

        async def whole() -> None:
            chat = self.chat(session)
            try:
                await work(Seat(chat))
            finally:
                await chat.close()

        asyncio.run(whole())

    def chat(self, session: Session | None = None) -> Chat:
        chosen = choose(MODEL, self.server.url)
        setting = Setting(self.house.repo, Config(), chosen, Place(), verify=VERIFY)
        return Chat(
            setting, session or Session.create(self.house.repo), Always(), lambda text: None
        )

    def file(self, name: str) -> bytes:
        return (self.house.repo / name).read_bytes()
