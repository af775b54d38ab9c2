"""What a slash command is, and what it acts on."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qwright.agent.language import say
from qwright.agent.repl.ports import Choosable, ReplPort, TerminalPort, ViewPort
from qwright.sandbox.errors import QwrightError

if TYPE_CHECKING:
    from qwright.agent.chat import Chat

Group = Literal["work", "back", "session", "model", "safety", "project", "interface"]


class CommandError(QwrightError):
    """A command was given what it cannot take. The message is in the person's language."""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a command may need. Made anew for each command."""

    chat: Chat
    terminal: TerminalPort
    view: ViewPort
    repl: ReplPort

    @property
    def width(self) -> int:
        """Columns of a table: the view sets it in by two."""
        return max(20, self.terminal.width - 2)


Run = Callable[[Context, str], Awaitable[None]]
"""Takes what stood behind the command's name, without spaces around it. Raises QwrightError."""
Complete = Callable[[Context, str], Sequence[str]]
"""The whole arguments that fit what has been typed of them. Quick: called at every key."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. Its help is the text `commands.<name>`, its hint `commands.<name>_hint`."""

    name: str
    run: Run
    group: Group
    aliases: tuple[str, ...] = ()
    takes: bool = False
    """Whether it takes an argument; then there is a hint."""
    complete: Complete | None = None
    while_busy: bool = False
    """Whether it may run while the agent works: it changes neither files nor conversation."""
    echoes: bool = True
    """Whether the line is shown as it was typed; a prompt sent in its place shows itself."""

    @property
    def description(self) -> str:
        return say(f"commands.{self.name}")

    @property
    def hint(self) -> str:
        return say(f"commands.{self.name}_hint") if self.takes else ""


def among(*words: str) -> Complete:
    """Completion out of a fixed list."""
    return lambda context, typed: [word for word in words if word.startswith(typed.lower())]


def no_argument(argument: str, name: str) -> None:
    """Raises CommandError for a command that takes nothing and was given something."""
    if argument:
        raise CommandError(say("commands.takes_nothing", name=name))


def one_of(argument: str, words: Sequence[str], name: str) -> str:
    """The word of `words` that was meant. Raises CommandError."""
    word = argument.lower()
    if word not in words:
        raise CommandError(
            say("commands.not_one_of", name=name, given=argument, known=", ".join(words))
        )
    return word


def words(argument: str) -> list[str]:
    """An argument split as a shell splits it; by blanks where its quotes do not fit."""
    try:
        return shlex.split(argument)
    except ValueError:
        return argument.split()


async def pick(
    context: Context,
    title: str,
    options: Sequence[Choosable],
    *,
    body: str = "",
    start: int = 0,
) -> int | None:
    """Let the person choose; None when they leave without. Long lists are filtered by typing."""
    return await context.terminal.choose(
        title, options, body=body, digits=len(options) <= 9, start=start
    )


async def confirmed(context: Context, title: str, yes: str, *, body: str = "") -> bool:
    """Whether the person says yes; the way out is the other option, and Esc."""
    options = [Choosable(yes), Choosable(say("commands.cancel"))]
    return await pick(context, title, options, body=body) == 0
