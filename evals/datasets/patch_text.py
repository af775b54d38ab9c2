"""Patches as text: made from two versions of a file, and asked which files they touch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_LETTERS = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11}


@dataclass(frozen=True, slots=True)
class Touched:
    """The files of a patch, in its order."""

    before: tuple[str, ...]
    """That exist without it: changed, deleted or renamed away."""
    after: tuple[str, ...]
    """That exist with it: changed, new or renamed to."""

    @property
    def new(self) -> tuple[str, ...]:
        return tuple(path for path in self.after if path not in self.before)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.before, *self.after)))


def file_patch(path: str, old: str | None, new: str | None, *, executable: bool = False) -> str:
    """A git patch of one text file; None: not there. "" when nothing differs."""
    if old == new:
        return ""
    mode = "100755" if executable else "100644"
    kind = f"new file mode {mode}\n" if old is None else ""
    kind = f"deleted file mode {mode}\n" if new is None else kind
    sides = (
        "/dev/null" if old is None else f"a/{path}",
        "/dev/null" if new is None else f"b/{path}",
    )
    lines = difflib.unified_diff(_lines(old), _lines(new), *sides)
    body = "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)
    return f"diff --git a/{path} b/{path}\n{kind}{body}"


def touched(patch: str) -> Touched:
    """Which files a git patch touches; binary files and pure renames too."""
    before, after = dict[str, None](), dict[str, None]()
    for section in _sections(patch):
        old, new = _names(section)
        if old:
            before[old] = None
        if new:
            after[new] = None
    return Touched(tuple(before), tuple(after))


_NO_END = "\\ No newline at end of file\n"


def _lines(text: str | None) -> list[str]:
    # Only "\n" ends a line for git: splitlines would cut at form feeds and more.
    return re.findall(r"[^\n]*\n|[^\n]+", text or "")


def _sections(patch: str) -> Iterator[list[str]]:
    """The head lines of each file's part: what lies in hunks can look like anything."""
    head: list[str] = []
    old = new = 0
    for line in patch.split("\n"):
        if old > 0 or new > 0:
            old -= line[:1] in ("-", " ", "")
            new -= line[:1] in ("+", " ", "")
            continue
        hunk = _HUNK.match(line)
        if hunk:
            old, new = int(hunk[1] or 1), int(hunk[2] or 1)
        elif line.startswith("diff --git "):
            if head:
                yield head
            head = [line]
        elif head or line.startswith("--- "):
            head.append(line)
    if head:
        yield head


def _names(head: list[str]) -> tuple[str, str]:
    """The file before and after, "" where it is not there."""
    said: dict[str, str] = {}
    for line in head:
        for word in ("--- ", "+++ ", "rename from ", "rename to ", "copy to "):
            if line.startswith(word):
                said[word] = unquoted(line.removeprefix(word))
    whole = _from_header(head[0])
    old = said.get("rename from ") or _side(said.get("--- "), "a/", whole)
    new = said.get("rename to ") or said.get("copy to ") or _side(said.get("+++ "), "b/", whole)
    if any(line.startswith("new file mode") for line in head):
        old = ""
    if any(line.startswith("deleted file mode") for line in head):
        new = ""
    return old, new


def _side(name: str | None, prefix: str, otherwise: str) -> str:
    if name is None:
        return otherwise
    return "" if name == "/dev/null" else name.removeprefix(prefix)


def _from_header(line: str) -> str:
    """The name in "diff --git a/X b/X", which is the same twice unless other lines tell."""
    both = line.removeprefix("diff --git ")
    if both.startswith('"'):
        return unquoted(both[: both.index('" ') + 1] if '" ' in both else both).removeprefix("a/")
    return both[2 : len(both) // 2]


def unquoted(name: str) -> str:
    """A name as git prints it: in quotes when it has odd characters; a tab may follow it."""
    if not name.startswith('"'):
        return name.split("\t")[0].rstrip("\r")
    inner = name[1 : name.rindex('"')]
    out = bytearray()
    at = 0
    for found in _ESCAPE.finditer(inner):
        out += inner[at : found.start()].encode()
        code = found[1]
        octal = len(code) == 3
        out.append(int(code, 8) if octal else _LETTERS.get(code, ord(code[0]) & 0xFF))
        at = found.end()
    return (bytes(out) + inner[at:].encode()).decode(errors="surrogateescape")
