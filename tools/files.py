"""What the file tools share: errors of paths as results, and what a wrong path may have meant."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree
from qwright.tools.base import ToolResult, error
from qwright.tools.sanitise import shown_name

if TYPE_CHECKING:
    from qwright.sandbox.workspace import Workspace

_SEARCHED = 20_000
"""Entries of the tree looked at for a name like the one asked for."""


async def on_files(workspace: Workspace, act: Callable[[Tree], ToolResult]) -> ToolResult:
    """Run `act` in a thread; a path it cannot use becomes a result with `is_error`."""
    try:
        return await asyncio.to_thread(act, workspace.tree)
    except PathError as problem:
        return error(f"{problem}.")


async def diff_of(workspace: Workspace, act: Callable[[Tree], ToolResult]) -> str:
    """The diff that `act` would make: it runs, and what it writes goes nowhere."""
    try:
        result = await asyncio.to_thread(act, _Unwritten(workspace.tree.root))
    except PathError:
        return ""
    return str(result.details.get("diff", ""))


class _Unwritten(Tree):
    def write(
        self, path: str, data: bytes, *, executable: bool | None = None, over_link: bool = False
    ) -> None:
        del path, data, executable, over_link


def require_present(tree: Tree, path: str) -> None:
    """Raise PathError, with the closest names there are, when nothing lies at `path`."""
    if not tree.exists(path):
        raise PathError(f"{shown_name(path)}: no such file. {_suggestion(tree, path)}")


def is_directory(tree: Tree, path: str) -> bool:
    """Whether `path` is a directory, or a link to one inside the workspace."""
    kind = tree.kind(path)
    if kind != "link":
        return kind == "directory"
    try:
        tree.list(path)
    except PathError:
        return False
    return True


def _suggestion(tree: Tree, path: str) -> str:
    close = _close_files(tree, tree.normalise(path))
    if close:
        return f"Did you mean {' or '.join(map(shown_name, close))}?"
    above = posixpath.dirname(tree.normalise(path)) or "."
    if tree.kind(above) != "directory":
        above = "."
    names = [_name(entry.path, entry.kind) for entry in tree.list(above)[:15]]
    return f"Present in {above}: {', '.join(names) or 'nothing'}"


def _close_files(tree: Tree, path: str) -> list[str]:
    from rapidfuzz import fuzz, process

    wanted = posixpath.basename(path)
    names = {
        entry.path: posixpath.basename(entry.path)
        for entry in tree.walk(limit=_SEARCHED)
        if entry.kind == "file"
    }
    found = process.extract(wanted, names, scorer=fuzz.ratio, score_cutoff=70, limit=20)
    ranked = sorted(found, key=lambda one: (-one[1], -fuzz.ratio(path, one[2]), one[2]))
    return [where for _, _, where in ranked[:3]]


def _name(path: str, kind: str) -> str:
    return shown_name(posixpath.basename(path)) + ("/" if kind == "directory" else "")


def listing(tree: Tree, path: str, limit: int = 200) -> str:
    """One name a line, directories first with a slash; at most `limit` names, then a count."""
    entries = [entry for entry in tree.list(path) if posixpath.basename(entry.path) != ".git"]
    lines = [_name(entry.path, entry.kind) for entry in entries[:limit]]
    if len(entries) > limit:
        lines.append(f"[... {len(entries) - limit:,} more of {len(entries):,}]")
    return "\n".join(lines) or "(empty directory)"
