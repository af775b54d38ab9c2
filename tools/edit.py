"""edit: replace text in a file, exactly or where only whitespace differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.change import details, warning
from qwright.tools.closest import closest
from qwright.tools.files import diff_of, on_files, require_present
from qwright.tools.match import Found, Match, find
from qwright.tools.sanitise import shown_name
from qwright.tools.text import FileText, decode, kind_of, numbered, split_lines
from qwright.tools.truncate import cut_line

if TYPE_CHECKING:
    from qwright.sandbox.tree import Tree
    from qwright.sandbox.workspace import Workspace

_SHOWN = 12
"""Lines of the result or of the closest region that a model is shown."""


class Edit(Tool):
    """Replace old_string, copied from the file and occurring once, by new_string."""

    name: ClassVar[str] = "edit"
    may_write: ClassVar[bool] = True
    path: str = Field(description="Relative path")
    old_string: str = Field(description="Exact text to replace, with enough lines to be unique")
    new_string: str = Field(description="Text to put there")
    replace_all: bool = Field(default=False, description="Replace every occurrence")

    async def run(self, workspace: Workspace) -> ToolResult:
        return await on_files(workspace, self._edit)

    async def preview(self, workspace: Workspace) -> str:
        return await diff_of(workspace, self._edit)

    def _edit(self, tree: Tree) -> ToolResult:
        path = tree.normalise(self.path)
        if self.old_string == self.new_string:
            return error("edit: old_string and new_string are the same; nothing to do.")
        if not self.old_string and not tree.exists(path):
            return self._create(tree, path)
        require_present(tree, path)
        data = tree.read(path)
        file = decode(data)
        if file is None:
            return error(f"{shown_name(path)}: {kind_of(data)}; edit works on text only.")
        if not self.old_string and file.text:
            return error("edit: old_string is empty. Give the text to replace, or use write_file.")
        return self._replace(tree, path, file)

    def _create(self, tree: Tree, path: str) -> ToolResult:
        tree.write(path, self.new_string.encode())
        text = f"Created {shown_name(path)}."
        text += warning(path, None, self.new_string, "The file was written")
        return ToolResult(text, details(path, None, self.new_string) | {"match": "exact"})

    def _replace(self, tree: Tree, path: str, file: FileText) -> ToolResult:
        if self.old_string:
            found = find(file.text, self.old_string, self.new_string)
        else:
            found = Found((Match(0, 0, self.new_string, 0),))
        if not found.matches:
            return self._not_found(path, file.text)
        if len(found.matches) > 1 and not (self.replace_all and found.literal):
            return self._several(path, file.text, found)
        after = _apply(file.text, found.matches)
        if after == file.text:
            return error(f"edit: {shown_name(path)} already reads so; nothing was changed.")
        try:
            data = file.encode(after)
        except UnicodeEncodeError as bad:
            char = ascii(after[bad.start])
            return error(f"{shown_name(path)} is {file.encoding}, which has no {char}.")
        tree.write(path, data)
        text = self._told(path, after, found) + warning(path, file.text, after, "The edit was made")
        return ToolResult(text, details(path, file.text, after) | {"match": found.how})

    def _told(self, path: str, after: str, found: Found) -> str:
        match, *others = found.matches
        if others:
            return f"Edited {shown_name(path)}: {len(_apart(found.matches))} replacements."
        first = after.count("\n", 0, match.start)
        last = after.count("\n", 0, match.start + len(match.new))
        lines = split_lines(after)
        begin, stop = max(first - 1, 0), min(last + 2, len(lines))
        how = "" if found.how == "exact" else f" (matched by {found.how.replace('_', ' ')})"
        return f"Edited {shown_name(path)}{how}:\n{_excerpt(lines[begin:stop], begin + 1)}"

    def _several(self, path: str, text: str, found: Found) -> ToolResult:
        count = len(found.matches)
        lines = [text.count("\n", 0, match.at) + 1 for match in found.matches[:10]]
        places = ", ".join(map(str, lines)) + (", ..." if count > 10 else "")
        where = f"{count:,} places in {shown_name(path)}: lines {places}"
        if not found.literal:
            return error(
                f"edit: old_string is not there exactly; with other whitespace it fits {where}. "
                "Copy one of them exactly."
            )
        return error(
            f"edit: old_string is in {where}. Add more surrounding lines to it, "
            "or set replace_all to true."
        )

    def _not_found(self, path: str, text: str) -> ToolResult:
        said = f"edit: old_string is not in {shown_name(path)}; nothing was changed."
        if len(self.new_string) > 20 and self.new_string in text:
            line = text.count("\n", 0, text.index(self.new_string)) + 1
            return error(f"{said} new_string is already there, at line {line}.")
        wanted = split_lines(self.old_string)
        near = closest(split_lines(text), wanted)
        if near is None:
            return error(f"{said} Nothing in it looks like old_string: read the file again.")
        last = near.first + len(near.lines) - 1
        said += f" Closest are lines {near.first}-{last}, {near.likeness:.0f}% alike:\n"
        said += _excerpt(near.lines, near.first)
        if near.differs is not None:
            said += f"\nLine {near.first + near.differs} is the first that differs; you wrote:\n"
            said += f"\t{cut_line(wanted[near.differs])}"
        return error(f"{said}\nCopy the file's text, without line numbers, into old_string.")


def _excerpt(lines: list[str], first: int) -> str:
    shown = numbered([cut_line(line, 200) for line in lines[:_SHOWN]], first)
    more = len(lines) - _SHOWN
    return f"{shown}\n[... {more:,} more lines]" if more > 0 else shown


def _apart(matches: tuple[Match, ...]) -> list[Match]:
    """The matches that do not overlap one before them."""
    kept: list[Match] = []
    for match in matches:
        if not kept or match.start >= kept[-1].end:
            kept.append(match)
    return kept


def _apply(text: str, matches: tuple[Match, ...]) -> str:
    parts: list[str] = []
    at = 0
    for match in _apart(matches):
        parts += (text[at : match.start], match.new)
        at = match.end
    return "".join((*parts, text[at:]))
