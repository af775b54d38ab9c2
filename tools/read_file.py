"""read_file: a file's lines, numbered, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.files import is_directory, listing, on_files, require_present
from qwright.tools.sanitise import shown_name
from qwright.tools.text import decode, kind_of, numbered, split_lines
from qwright.tools.truncate import cut_line

if TYPE_CHECKING:
    from qwright.sandbox.tree import Tree
    from qwright.sandbox.workspace import Workspace

_LINES = 400
_PAGE = 24_000
"""Characters shown at once, however many lines were asked for."""


class ReadFile(Tool):
    """Read a file. Lines come numbered; the numbers and the tab are not part of the file."""

    name: ClassVar[str] = "read_file"
    path: str = Field(description="Relative path")
    # No bounds: a grammar cannot hold a model to them, and 0 or -1 has a meaning all the same.
    offset: int = Field(default=1, description="First line, from 1")
    limit: int = Field(default=_LINES, description="How many lines")

    async def run(self, workspace: Workspace) -> ToolResult:
        return await on_files(workspace, self._read)

    def _read(self, tree: Tree) -> ToolResult:
        require_present(tree, self.path)
        if is_directory(tree, self.path):
            text = f"{shown_name(self.path)} is a directory:\n{listing(tree, self.path)}"
            return ToolResult(text, {"path": tree.normalise(self.path)})
        data = tree.read(self.path)
        file = decode(data)
        if file is None:
            return error(f"{shown_name(self.path)}: {kind_of(data)}, {len(data):,} bytes; no text.")
        return self._page(split_lines(file.text), file.note, tree.normalise(self.path))

    def _page(self, lines: list[str], note: str, path: str) -> ToolResult:
        first, total = max(self.offset, 1), len(lines)
        if first > max(total, 1):
            return error(f"{shown_name(path)} has {total} lines; there is no line {first}.")
        limit = self.limit if self.limit > 0 else _LINES
        page = _fit(lines[first - 1 : first - 1 + limit])
        last = first + len(page) - 1
        foot = _foot(first, last, total, note)
        text = f"{numbered(page, first)}\n{foot}" if page else foot
        return ToolResult(text, {"path": path, "first": first, "last": last, "lines": total})


def _fit(lines: list[str]) -> list[str]:
    """Cut long lines, and the page at its limit; at least one line stays."""
    page: list[str] = []
    room = _PAGE
    for line in map(cut_line, lines):
        room -= len(line) + 8
        if page and room < 0:
            break
        page.append(line)
    return page


def _foot(first: int, last: int, total: int, note: str) -> str:
    if total == 0:
        where = "empty file"
    elif first == 1 and last == total:
        where = f"end of file, {total} line{'s' if total > 1 else ''}"
    elif last == total:
        where = f"lines {first}-{last} of {total}, end of file"
    else:
        where = f"lines {first}-{last} of {total}; to go on: offset={last + 1}"
    return f"[{where}{'; ' + note if note else ''}]"
