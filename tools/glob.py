"""glob: find files by the pattern of their path."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.files import is_directory, on_files, require_present
from qwright.tools.sanitise import shown_name

if TYPE_CHECKING:
    from qwright.sandbox.tree import Entry, Tree
    from qwright.sandbox.workspace import Workspace

_SHOWN = 200
_SEARCHED = 100_000
_ALTERNATIVES = 64
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


class Glob(Tool):
    """Find files by pattern, e.g. `src/**/*.py`. Hidden files are left out."""

    name: ClassVar[str] = "glob"
    pattern: str = Field(description="Glob; without / it matches names at any depth")
    path: str = Field(default=".", description="Directory to search")

    async def run(self, workspace: Workspace) -> ToolResult:
        return await on_files(workspace, self._find)

    def _find(self, tree: Tree) -> ToolResult:
        require_present(tree, self.path)
        if not is_directory(tree, self.path):
            return error(f"{shown_name(self.path)}: is not a directory.")
        patterns = _patterns(self.pattern, tree.mount)
        if any(".." in parts or parts[0] == "/" for parts in patterns):
            return error(f"glob: the pattern {shown_name(self.pattern)} leads outside.")
        base = tree.normalise(self.path)
        entries = list(tree.walk(base, limit=_SEARCHED))
        found = sorted(_matching(entries, base, patterns))
        lines = [shown_name(path) for path in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(
                f"[... {len(found) - _SHOWN:,} more of {len(found):,}; narrow the pattern]"
            )
        if not found:
            lines.append(f"No files match {shown_name(self.pattern)}.")
        if len(entries) == _SEARCHED:
            lines.append(f"[only the first {_SEARCHED:,} entries were searched; give a path]")
        return ToolResult("\n".join(lines), {"count": len(found)})


def _patterns(pattern: str, mount: str) -> list[tuple[str, ...]]:
    """The segments of each alternative that the braces of `pattern` stand for."""
    pattern = pattern.removeprefix(mount + "/").removeprefix("./")
    pending, done = [pattern], list[str]()
    while pending:
        current = pending.pop()
        braces = _BRACES.search(current)
        if braces is None or len(pending) + len(done) >= _ALTERNATIVES:
            done.append(current)
            continue
        head, tail = current[: braces.start()], current[braces.end() :]
        pending += [head + choice + tail for choice in braces[1].split(",")]
    return [_segments(one) for one in done]


def _segments(pattern: str) -> tuple[str, ...]:
    if pattern.startswith("/"):
        return ("/",)
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    return ("**", *parts) if len(parts) == 1 and parts[0] != "**" else tuple(parts or ["**"])


def _matching(entries: list[Entry], base: str, patterns: list[tuple[str, ...]]) -> Iterator[str]:
    for entry in entries:
        parts = tuple(posixpath.relpath(entry.path, base).split("/"))
        if entry.kind != "directory" and any(_match(parts, one) for one in patterns):
            yield entry.path


def _match(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether the path matches; `**` stands for any number of visible directories."""
    reached = {0}
    for part in parts:
        following: set[int] = set()
        for at in reached:
            following |= _step(part, pattern, at)
        reached = following
    return any(all(one == "**" for one in pattern[at:]) for at in reached)


def _step(part: str, pattern: tuple[str, ...], at: int) -> set[int]:
    if at == len(pattern):
        return set()
    if pattern[at] == "**":
        following = _step(part, pattern, at + 1)
        return following if part.startswith(".") else following | {at}
    if part.startswith(".") and not pattern[at].startswith("."):
        return set()
    return {at + 1} if _segment(pattern[at]).match(part) else set()


@lru_cache(maxsize=256)
def _segment(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
