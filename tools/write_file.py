"""write_file: make a file, or replace all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.change import details, warning
from qwright.tools.files import diff_of, is_directory, on_files
from qwright.tools.sanitise import shown_name
from qwright.tools.text import FileText, decode, split_lines

if TYPE_CHECKING:
    from qwright.sandbox.tree import Tree
    from qwright.sandbox.workspace import Workspace

_COMPARED = 2_000_000
"""Bytes above which the file that is replaced is not compared."""


class WriteFile(Tool):
    """Write a whole file, new or replaced. Parent directories are made."""

    name: ClassVar[str] = "write_file"
    may_write: ClassVar[bool] = True
    path: str = Field(description="Relative path")
    content: str = Field(description="The whole content")

    async def run(self, workspace: Workspace) -> ToolResult:
        return await on_files(workspace, self._write)

    async def preview(self, workspace: Workspace) -> str:
        return await diff_of(workspace, self._write)

    def _write(self, tree: Tree) -> ToolResult:
        path = tree.normalise(self.path)
        before, after = None, FileText(self.content)
        if tree.exists(path):
            if is_directory(tree, path):
                return error(f"{shown_name(path)}: is a directory; give a file's path.")
            before = _text_of(tree, path)
            after = _alike(before, self.content) if before else after
            if before == after:
                return error(f"{shown_name(path)} already has this content; nothing was changed.")
        tree.write(path, after.encode(after.text))
        return self._told(path, before, after)

    def _told(self, path: str, before: FileText | None, after: FileText) -> ToolResult:
        old = before.text if before else None
        lines = len(split_lines(after.text))
        count = f"{lines} line{'s' if lines != 1 else ''}"
        was = f", was {len(split_lines(old))}" if old is not None else ""
        verb = "Wrote" if old is None else "Replaced"
        text = f"{verb} {shown_name(path)} ({count}{was})."
        text += warning(path, old, after.text, "The file was written")
        return ToolResult(text, details(path, old, after.text))


def _text_of(tree: Tree, path: str) -> FileText | None:
    """What is to be replaced, where it is text that can be shown in a diff."""
    found = tree.stat(path)
    if found is None or found.st_size > _COMPARED:
        return None
    return decode(tree.read(path, _COMPARED))


def _alike(before: FileText, content: str) -> FileText:
    """`content` with the line ends and the encoding of the file it replaces, where they fit."""
    if before.newline == "\r\n" and "\r" not in content:
        content = content.replace("\n", "\r\n")
    try:
        before.encode(content)
    except UnicodeEncodeError:
        return FileText(content)
    return FileText(content, before.encoding, before.mark)
