"""The page of /help: keys and commands in groups, sixty columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import get_args

from qwright.agent.language import say
from qwright.agent.repl.columns import one_line, table
from qwright.agent.repl.command import Command, Group
from qwright.agent.repl.custom import CustomCommand

_KEYS = (
    ("Enter", "enter"),
    ("Ctrl-J, \\ Enter", "newline"),
    ("@path", "mention"),
    ("!command", "shell"),
    ("Esc", "interrupt"),
    ("Esc Esc", "rewind"),
    ("Shift-Tab", "mode"),
    ("Ctrl-O", "open"),
    ("Ctrl-T", "todos"),
    ("Ctrl-R", "history"),
    ("Ctrl-G", "editor"),
    ("Ctrl-L", "clear"),
    ("Ctrl-D", "leave"),
)
_NAME = 15
"""Columns of the names in all groups."""


def page(commands: Sequence[Command], custom: Sequence[CustomCommand], width: int) -> str:
    """Everything that can be typed, with a line each."""
    return "\n".join(_lines(commands, custom, width))


def _lines(
    commands: Sequence[Command], custom: Sequence[CustomCommand], width: int
) -> Iterator[str]:
    yield say("commands.help_keys")
    yield _indented([(key, say(f"commands.key_{name}")) for key, name in _KEYS], width)
    for group in get_args(Group):
        yield ""
        yield say(f"commands.group_{group}")
        rows = [(f"/{one.name}", one.description) for one in commands if one.group == group]
        yield _indented(rows, width)
    if custom:
        yield ""
        yield say("commands.group_custom")
        yield _indented([(f"/{one.name}", one.description) for one in custom], width)
    yield ""
    yield say("commands.help_more")


def _indented(rows: Sequence[tuple[str, str]], width: int) -> str:
    padded = [(f"{name:<{_NAME}}", text) for name, text in rows]
    return indent(table(padded, width - 2), "  ")


def about(command: Command | CustomCommand) -> str:
    """One command: how it is typed, what it does, its other names."""
    lines = [one_line(f"/{command.name} {command.hint}"), one_line(command.description)]
    if isinstance(command, Command) and command.aliases:
        names = ", ".join(f"/{name}" for name in command.aliases)
        lines.append(say("commands.also_called", names=names))
    return "\n".join(lines)
