"""grep_search: ripgrep in the container, grep where the image has no ripgrep."""

from __future__ import annotations

import asyncio
import re
import shlex
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.sandbox.errors import PathError
from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.files import require_present
from qwright.tools.sanitise import sanitise, shown_name
from qwright.tools.truncate import LIMIT, cut_line

if TYPE_CHECKING:
    from qwright.sandbox.base import CommandResult
    from qwright.sandbox.tree import Tree
    from qwright.sandbox.workspace import Workspace

_TIMEOUT = 30.0
_READ = 1_000_000
"""Bytes of matches read; what is beyond is only said to exist."""
_SHOWN = 100
"""Matches shown."""
_WIDTH = 250
_RG = (
    "rg --no-config --line-number --with-filename --no-heading --null --color=never "
    "--no-require-git --no-messages --sort=path --max-columns=2000 --max-columns-preview"
)
_GREP = "grep -rnHIsE --null --color=never --exclude-dir=.git"
_MATCH = re.compile(r"(?P<path>[^\0\n]+)\0(?P<line>\d+):(?P<text>.*)")
_ERROR = re.compile(r"^(?:rg|grep|error): *(.+)$", re.MULTILINE)


class GrepSearch(Tool):
    """Search file contents with a regex (ripgrep). Gives line numbers and lines per file."""

    name: ClassVar[str] = "grep_search"
    pattern: str = Field(description="Regex")
    path: str = Field(default=".", description="File or directory")
    glob: str = Field(default="", description="Only these files, e.g. *.py")

    async def run(self, workspace: Workspace) -> ToolResult:
        """Search. Raises SandboxError when the container is gone."""
        if not self.pattern:
            return error("grep_search: the pattern is empty.")
        if "\0" in self.pattern + self.glob:
            return error("grep_search: a pattern cannot contain NUL.")
        if len(self.pattern) + len(self.glob) > 10_000:
            return error("grep_search: the pattern is too long.")
        try:
            path = await asyncio.to_thread(self._place, workspace.tree)
        except PathError as problem:
            return error(f"{problem}.")
        done = await workspace.run(self._command(path), timeout=_TIMEOUT, output_limit=_READ)
        return self._result(done)

    def _place(self, tree: Tree) -> str:
        require_present(tree, self.path)
        return tree.normalise(self.path)

    def _command(self, path: str) -> str:
        glob = self.glob.removeprefix("./")
        rg, grep = _RG, _GREP
        if glob:
            rg += f" --glob={shlex.quote(glob)}"
            grep += f" --include={shlex.quote(glob.rsplit('/', 1)[-1])}"
        # Plain grep knows no \d; taken literally it would find nothing and say so.
        plain = self.pattern.replace("\\d", "[0-9]")
        place = shlex.quote(path)
        return (
            "if command -v rg >/dev/null; then "
            f"{rg} -e {shlex.quote(self.pattern)} -- {place}; "
            f"else {grep} -e {shlex.quote(plain)} -- {place}; fi"
        )

    def _result(self, done: CommandResult) -> ToolResult:
        found = [match for line in done.output.split("\n") if (match := _MATCH.match(line))]
        if done.timed_out:
            return error(f"grep_search: took over {_TIMEOUT:.0f} s; give a path or a glob.")
        if not found and done.exit_code not in (0, 1):
            return error(f"grep_search: {_reason(done.output)}")
        if not found:
            return ToolResult(f"No matches for {shown_name(self.pattern)}.", {"matches": 0})
        more = "more than " if done.dropped_bytes else ""
        files = len({match["path"] for match in found})
        head = f"{more}{len(found):,} match{'es' if len(found) != 1 else ''} in {files:,} file"
        head += "s" if files != 1 else ""
        return ToolResult(f"{head}\n{_grouped(found)}", {"matches": len(found), "files": files})


def _grouped(found: list[re.Match[str]]) -> str:
    lines: list[str] = []
    path, room, shown = "", LIMIT, 0
    for match in found[:_SHOWN]:
        new = [] if match["path"] == path else [shown_name(match["path"].removeprefix("./"))]
        new.append(f"{match['line']}:{cut_line(sanitise(match['text']), _WIDTH)}")
        room -= sum(map(len, new)) + len(new)
        if room < 0:
            break
        path, shown = match["path"], shown + 1
        lines += new
    if shown < len(found):
        lines.append(f"[... {len(found) - shown:,} more; narrow the search]")
    return "\n".join(lines)


def _reason(output: str) -> str:
    """The engine's own words for why it could not search, on one line."""
    said = _ERROR.findall(output)
    reason = said[-1] if said else " ".join(output.split())
    return f"{sanitise(reason)[:300] or 'the search failed'}."
