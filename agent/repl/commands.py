"""All slash commands: the table, what a typed line means, and running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl import (
    commands_back,
    commands_model,
    commands_project,
    commands_result,
    commands_session,
    commands_settings,
    commands_state,
    help_page,
)
from qwright.agent.repl.columns import one_line
from qwright.agent.repl.command import Command, CommandError, Context
from qwright.agent.repl.completion import CommandInfo
from qwright.agent.repl.custom import CustomCommand, Loaded, load
from qwright.sandbox.errors import QwrightError

if TYPE_CHECKING:
    from qwright.agent.repl.app import Repl

BUILT_IN: tuple[Command, ...] = (
    *commands_result.COMMANDS,
    *commands_project.COMMANDS,
    *commands_back.COMMANDS,
    *commands_session.COMMANDS,
    *commands_state.COMMANDS,
    *commands_model.COMMANDS,
    *commands_settings.COMMANDS,
)
_LEAVING = ("exit", "quit", ":q", ":q!", ":wq")
"""Typed bare, as in other programs."""
_CLOSE = 60
"""Likeness, of 100, from which a command is suggested for one that is not."""


class Commands:
    """The commands of one REPL: those of qwright, then the person's and the project's own."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl
        help_command = Command(
            "help",
            self._help,
            "interface",
            ("?", "h"),
            takes=True,
            complete=self._names,
            while_busy=True,
        )
        self.all = (*BUILT_IN, help_command)
        self._named = {name: one for one in self.all for name in (one.name, *one.aliases)}
        self._custom = Loaded({})
        self._told = 0
        self.reload()

    def reload(self) -> None:
        """Read the custom commands anew, and say once how many of the project are not allowed."""
        self._custom = load(self._context().chat.directory)
        waiting = self._custom.untrusted
        if waiting and waiting != self._told:
            self._repl.view.say(many("commands.untrusted", waiting), "hint")
        self._told = waiting

    def is_command(self, text: str) -> bool:
        """Whether it is `/name` or a bare `exit`. A path such as /etc/hosts is no command."""
        first = text.split(maxsplit=1)[0] if text.strip() else ""
        return text.strip() in _LEAVING or (len(first) > 1 and first.rfind("/") == 0)

    def runs_now(self, text: str) -> bool:
        """Whether a line is a command that need not wait for the agent."""
        if not self.is_command(text):
            return False
        known = self._named.get(_parsed(text)[0])
        return known is not None and known.while_busy

    async def run(self, text: str) -> None:
        """Run a line for which `is_command` holds. Raises QwrightError."""
        name, argument = _parsed(text)
        command = self._named.get(name)
        custom = None if command else self._custom_command(name)
        if custom:
            self._repl.submit(custom.prompt(argument), shown=f"/{name} {argument}".rstrip())
            return
        if command is None or command.echoes:
            self._repl.view.prompt(text.strip())
        if command is None:
            raise CommandError(self._unknown(name))
        try:
            await command.run(self._context(), argument)
        except QwrightError:
            if not command.echoes:  # it would have shown a prompt in its place
                self._repl.view.prompt(text.strip())
            raise

    def _custom_command(self, name: str) -> CustomCommand | None:
        self.reload()
        return self._custom.commands.get(name)

    def _unknown(self, name: str) -> str:
        from rapidfuzz import process

        found = process.extractOne(
            name, [*self._named, *self._custom.commands], score_cutoff=_CLOSE
        )
        if found:
            return say("commands.did_you_mean", name=name, nearest=found[0])
        return say("commands.unknown_command", name=name)

    def infos(self) -> Sequence[CommandInfo]:
        """For the completion, each command once."""
        known = [CommandInfo(one.name, one.aliases, one.hint, one.description) for one in self.all]
        return [*known, *(_info(one) for one in self._others())]

    def arguments(self, name: str, typed: str) -> Sequence[str]:
        """The whole arguments that fit what has been typed of a command's."""
        command = self._named.get(name)
        return command.complete(self._context(), typed) if command and command.complete else ()

    def _others(self) -> Iterator[CustomCommand]:
        return (one for name, one in self._custom.commands.items() if name not in self._named)

    def _context(self) -> Context:
        chat = self._repl.chat
        assert chat, "commands exist once the chat is open"
        return Context(chat, self._repl.terminal, self._repl.view, self._repl)

    async def _help(self, context: Context, argument: str) -> None:
        name = argument.removeprefix("/").lower()
        self.reload()
        if not name:
            context.view.say(help_page.page(self.all, tuple(self._others()), context.width))
        elif known := self._named.get(name) or self._custom.commands.get(name):
            context.view.say(help_page.about(known))
        else:
            raise CommandError(self._unknown(name))

    def _names(self, context: Context, typed: str) -> Sequence[str]:
        names = (one.name for one in self.infos())
        return [name for name in names if name.startswith(typed.removeprefix("/"))]


def _parsed(text: str) -> tuple[str, str]:
    """The name in lower case without its slash, and what follows."""
    text = text.strip()
    if text in _LEAVING:
        return "exit", ""
    first, *rest = text.split(maxsplit=1)
    return first.removeprefix("/").lower(), "".join(rest)


def _info(custom: CustomCommand) -> CommandInfo:
    return CommandInfo(
        custom.name, (), one_line(custom.hint, 40), one_line(custom.description, 200)
    )
