"""What could be meant by what is typed: commands, their arguments, and paths."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwright.agent.repl.paths import PathIndex

MOST = 50
"""Suggestions of one list."""
_MENTION = re.compile(r"(?:^|[\s(\[{<])@(?P<part>(?:\\.|[^\s\\])*)$")
_WORD = re.compile(r"(?P<part>(?:\\.|[^\s\\])+)$")
_COMMAND = re.compile(r"/(?P<name>\S*)$")
_ARGUMENTS = re.compile(r"/(?P<name>\S+) +(?P<rest>[^\n]*)$")
_ESCAPED = re.compile(r"([\s\\\"'`])")


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """A command as the list shows it; `name` and `aliases` without the slash."""

    name: str
    aliases: tuple[str, ...] = ()
    hint: str = ""
    """Of its arguments: "[NAME]"."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text` takes the place of the input from `start` to the cursor."""

    start: int
    text: str
    shown: str
    detail: str = ""
    kind: Literal["command", "argument", "path"] = "path"
    goes_on: bool = False
    """More may follow without a blank: a folder."""
    aliases: tuple[str, ...] = ()
    waits: bool = False
    """A command that is nothing without its arguments."""

    def also(self, typed: str) -> bool:
        """Whether `typed` is this already, under another name."""
        return self.kind == "command" and typed.removeprefix("/") in self.aliases


Arguments = Callable[[str, str], Sequence[str]]
"""What could follow a command: its name, and what of its arguments is typed."""


class Completer:
    """Suggestions for the input. `commands` is asked each time: custom ones come and go."""

    def __init__(
        self,
        root: Path | None,
        commands: Callable[[], Sequence[CommandInfo]] = tuple,
        arguments: Arguments = lambda name, rest: (),
    ) -> None:
        self._index = PathIndex(root) if root else None
        self._commands = commands
        self._arguments = arguments
        self.renewed: Callable[[], None] = lambda: None
        """To be called when other commands hold: whoever shows a list asks for it anew."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="completion")

    def refresh(self) -> None:
        """The files may have changed: list them anew at the next path."""
        if self._index:
            self._index.refresh()

    def warm(self) -> None:
        """Begin to list the files now, so that the first path finds them."""
        if self._index:
            self._index.start()

    async def suggest(self, before: str, *, asked: bool = False) -> list[Suggestion]:
        """For the text before the cursor, best first. `asked`: by Tab, so any word may be a path.

        Paths are searched in a thread, so that keys never wait.
        """
        if found := _COMMAND.match(before):
            return self._named(found["name"])
        if found := _ARGUMENTS.match(before):
            return self._argued(found) or await self._mentioned(before, asked)
        return await self._mentioned(before, asked)

    def _named(self, part: str) -> list[Suggestion]:
        ranked = [(rank, info) for info in self._commands() if (rank := _rank(info, part)) >= 0]
        ranked.sort(key=lambda pair: (pair[0], pair[1].name if part else ""))
        return [_command(info, part) for _, info in ranked[:MOST]]

    def _argued(self, found: re.Match[str]) -> list[Suggestion]:
        rest = found["rest"].lower()
        values = [
            value
            for value in self._arguments(found["name"], found["rest"])
            if rest in value.lower() and value != found["rest"]
        ]
        values.sort(key=lambda value: not value.lower().startswith(rest))
        return [
            Suggestion(found.start("rest"), value, value, kind="argument")
            for value in values[:MOST]
        ]

    async def _mentioned(self, before: str, asked: bool) -> list[Suggestion]:
        found = _MENTION.search(before) or (_WORD.search(before) if asked else None)
        if not found or not self._index:
            return []
        part = re.sub(r"\\(.)", r"\1", found["part"])
        loop = asyncio.get_running_loop()
        paths = await loop.run_in_executor(self._thread, self._index.find, part, MOST)
        start = found.start("part")
        return [_path(start, path) for path in paths if path != part or path[-1] != "/"]


def _rank(info: CommandInfo, part: str) -> int:
    """How well a command fits, 0 best; -1 when it does not."""
    part = part.lower()
    if info.name.startswith(part):
        return 0
    if any(alias.startswith(part) for alias in info.aliases):
        return 1
    if part in info.name:
        return 2
    return -1


def _command(info: CommandInfo, part: str) -> Suggestion:
    names = ", ".join(alias for alias in info.aliases if part and alias.startswith(part))
    shown = f"/{info.name}" + (f" ({names})" if names else "") + (f" {info.hint}" * bool(info.hint))
    return Suggestion(
        start=0,
        text=f"/{info.name}",
        shown=shown,
        detail=info.description,
        kind="command",
        aliases=info.aliases,
        waits=bool(info.hint) and not info.hint.startswith("["),
    )


def _path(start: int, path: str) -> Suggestion:
    return Suggestion(start, _ESCAPED.sub(r"\\\1", path), path, goes_on=path.endswith("/"))


class Menu:
    """The list under the input, and what is chosen in it."""

    def __init__(self) -> None:
        self.items: list[Suggestion] = []
        self.index = 0
        self.moved = False
        """Somebody has walked in it: Enter takes what is chosen."""

    def show(self, items: list[Suggestion]) -> None:
        self.items, self.index, self.moved = items, 0, False

    def close(self) -> None:
        self.show([])

    def move(self, by: int) -> None:
        if self.items:
            self.index = (self.index + by) % len(self.items)
            self.moved = True

    @property
    def chosen(self) -> Suggestion | None:
        return self.items[self.index] if self.items else None
