"""One file per tool the model can call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
