"""What the commands need of the terminal, the view and the REPL around them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from qwright.agent.policy import Mode

if TYPE_CHECKING:
    from qwright.agent.events import Event, StopReason
    from qwright.agent.render.theme import Theme
    from qwright.sandbox.bridge import Hunk

T = TypeVar("T")
Style = Literal["info", "good", "bad", "hint"]
Editing = Literal["emacs", "vi"]


@dataclass(frozen=True, slots=True)
class Choosable:
    """One line of a picker. `key` chooses it at once."""

    label: str
    detail: str = ""
    key: str = ""


class TerminalPort(Protocol):
    """See `agent/repl/terminal.py`."""

    @property
    def width(self) -> int: ...
    @property
    def editing(self) -> Editing: ...
    @editing.setter
    def editing(self, editing: Editing) -> None: ...
    async def choose(
        self,
        title: str,
        options: Sequence[Choosable],
        *,
        body: str = "",
        digits: bool = True,
        start: int = 0,
    ) -> int | None: ...
    async def ask(self, label: str, text: str = "") -> str | None: ...
    async def edit(self, text: str, suffix: str = ".md") -> str: ...
    def insert(self, text: str) -> None: ...
    def copy(self, text: str) -> None: ...
    def leave(self) -> None: ...


class ViewPort(Protocol):
    """See `agent/repl/view.py`."""

    @property
    def theme(self) -> Theme: ...
    @property
    def todos(self) -> str: ...
    def prompt(self, text: str) -> None: ...
    def say(self, text: str, style: Style = "info") -> None: ...
    def progress(self, text: str) -> None: ...
    def diff(self, patch: str, limit: int = 0) -> None: ...
    def restyle(self, theme: str) -> None: ...
    def replay(self, events: Iterable[Event]) -> None: ...


class ReplPort(Protocol):
    """See `agent/repl/app.py`."""

    def submit(self, prompt: str, *, shown: str = "", verify: bool = False) -> None: ...
    async def show(self, events: AsyncGenerator[Event]) -> StopReason | None: ...
    async def during(self, text: str, work: Coroutine[object, object, T]) -> T: ...
    async def accept(self, chosen: Collection[Hunk] | None = None) -> None: ...
    def set_mode(self, mode: Mode) -> None: ...
    def refresh(self) -> None: ...
