"""One file per tool the model can call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from qwright.tools.base import Tool
from qwright.tools.edit import Edit
from qwright.tools.glob import Glob
from qwright.tools.grep_search import GrepSearch
from qwright.tools.list_directory import ListDirectory
from qwright.tools.read_file import ReadFile
from qwright.tools.run_shell_command import RunShellCommand
from qwright.tools.todo_write import TodoWrite
from qwright.tools.write_file import WriteFile


def _by_name(*tools: type[Tool]) -> Mapping[str, type[Tool]]:
    return MappingProxyType({tool.name: tool for tool in tools})


SMALL_TOOLS = _by_name(ReadFile, Edit, WriteFile, RunShellCommand)
"""For small local models: few names, little prompt."""
ALL_TOOLS = _by_name(
    ReadFile, Edit, WriteFile, ListDirectory, Glob, GrepSearch, RunShellCommand, TodoWrite
)
"""Every tool, by the name a model calls it by."""
_ROOM_FOR_A_PLAN = 8_192


def tools_for(kind: Literal["small", "full"], context: int) -> Mapping[str, type[Tool]]:
    """What a model with a window of `context` tokens is offered.

    A narrow window has no room for a list of steps that is sent again with every change.
    """
    if kind == "small":
        return SMALL_TOOLS
    if context >= _ROOM_FOR_A_PLAN:
        return ALL_TOOLS
    return MappingProxyType(
        {name: tool for name, tool in ALL_TOOLS.items() if tool is not TodoWrite}
    )
