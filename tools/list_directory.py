"""list_directory: what lies in one directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.files import is_directory, listing, on_files, require_present
from qwright.tools.sanitise import shown_name

if TYPE_CHECKING:
    from qwright.sandbox.tree import Tree
    from qwright.sandbox.workspace import Workspace


class ListDirectory(Tool):
    """List a directory. Subdirectories end in /."""

    name: ClassVar[str] = "list_directory"
    path: str = Field(default=".", description="Relative path")

    async def run(self, workspace: Workspace) -> ToolResult:
        return await on_files(workspace, self._list)

    def _list(self, tree: Tree) -> ToolResult:
        require_present(tree, self.path)
        if not is_directory(tree, self.path):
            return error(f"{shown_name(self.path)}: is a file; use read_file.")
        return ToolResult(listing(tree, self.path), {"path": tree.normalise(self.path)})
