"""What a unified diff says, file by file and line by line, with the words that changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Literal

Sign = Literal["+", "-", " ", "…"]
Marks = tuple[tuple[int, int], ...]
"""Parts of a line: from character, to character."""
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_WORDS = re.compile(r"\w+|\s+|.")
_SILENT = (
    "index ",
    "GIT binary patch",
    "similarity index",
    "dissimilarity index",
    "new file mode 100644",
    "deleted file mode 100644",
)
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that draw nothing."""
_COMPARED = 400
"""Characters of a line beyond which its words are not compared."""
_ALIKE = 0.5
"""How alike two lines must be for their words to be told apart."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file's diff; `sign` "…" stands for lines left out between hunks."""

    sign: Sign
    number: int = 0
    text: str = ""
    marks: Marks = ()
    """What changed within the line."""


@dataclass(slots=True)
class FileDiff:
    """What a diff says about one file."""

    path: str = ""
    rows: list[Row] = field(default_factory=list[Row])
    note: str = ""
    """What git says besides its lines: binary, a new mode, renamed."""

    @property
    def added(self) -> int:
        return sum(row.sign == "+" for row in self.rows)

    @property
    def removed(self) -> int:
        return sum(row.sign == "-" for row in self.rows)


def read_diff(diff: str) -> list[FileDiff]:
    """Read git's unified diff or a plain one; tabs are expanded, what would not show is named."""
    reader = _Reader()
    for line in diff.split("\n"):
        reader.read(line)
    for file in reader.files:
        file.rows = _marked(_shown(file.rows))
    return reader.files


def revealed(text: str) -> str:
    """`text` with a name in place of whatever a terminal would hide, reorder or obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() and character not in _BLANK:
        return character
    return f"<{ord(character):02X}>" if ord(character) < 256 else f"<U+{ord(character):04X}>"


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Nothing hidden, but for the returns of a file all of whose lines end in one."""
    bare = [row.text.removesuffix("\r") for row in rows]
    if any(row.sign != "…" and row.text == text for row, text in zip(rows, bare, strict=True)):
        bare = [row.text for row in rows]
    return [replace(row, text=revealed(text)) for row, text in zip(rows, bare, strict=True)]


class _Reader:
    """Knows by the hunk's counts whether a line is of the file or about it."""

    def __init__(self) -> None:
        self.files: list[FileDiff] = []
        self._old = self._new = 0
        """The numbers of the next line on either side."""
        self._left = [0, 0]
        """Lines of either side that the hunk still has."""

    def read(self, line: str) -> None:
        if any(self._left):
            self._row(line)
        elif found := _HUNK.match(line):
            self._hunk(found)
        elif line.startswith("diff --git "):
            self.files.append(FileDiff(_name(line.rpartition(" b/")[2])))
        elif line.startswith(("--- ", "+++ ")):
            self._named(line)
        elif line and self.files and not line.startswith(("\\", *_SILENT)):
            file = self.files[-1]
            if not file.rows:
                file.note = f"{file.note}, {line}".removeprefix(", ")

    def _named(self, line: str) -> None:
        if line.startswith("--- ") and (not self.files or self.files[-1].rows):
            self.files.append(FileDiff())
        name = line[4:].split("\t")[0]
        if name != "/dev/null":
            self.files[-1].path = _name(name)

    def _hunk(self, found: re.Match[str]) -> None:
        if not self.files:
            self.files.append(FileDiff())
        file = self.files[-1]
        if file.rows:
            file.rows.append(Row("…"))
        self._old, self._new = int(found[1]), int(found[3])
        self._left = [int(found[2] or 1), int(found[4] or 1)]

    def _row(self, line: str) -> None:
        sign, text = line[:1] or " ", line[1:].expandtabs(4)
        rows = self.files[-1].rows
        if sign == "\\":
            return
        if sign == "-":
            rows.append(Row("-", self._old, text))
        elif sign == "+":
            rows.append(Row("+", self._new, text))
        else:
            rows.append(Row(" ", self._new, text))
        self._passed(sign != "+", sign != "-")

    def _passed(self, old: bool, new: bool) -> None:
        self._old += old
        self._new += new
        self._left = [max(self._left[0] - old, 0), max(self._left[1] - new, 0)]


def _name(name: str) -> str:
    return re.sub(r"^[ab]/", "", name.strip('"'))


def _marked(rows: Sequence[Row]) -> list[Row]:
    """Where as many lines were removed as put in their place, mark what differs in each."""
    marked = list(rows)
    start = 0
    while start < len(marked):
        middle = _run(marked, start, "-")
        end = _run(marked, middle, "+")
        if middle - start == end - middle:
            for index in range(start, middle):
                other = index + middle - start
                before, after = _differing(marked[index].text, marked[other].text)
                marked[index] = replace(marked[index], marks=before)
                marked[other] = replace(marked[other], marks=after)
        start = max(end, start + 1)
    return marked


def _run(rows: Sequence[Row], start: int, sign: Sign) -> int:
    while start < len(rows) and rows[start].sign == sign:
        start += 1
    return start


def _differing(before: str, after: str) -> tuple[Marks, Marks]:
    if max(len(before), len(after)) > _COMPARED:
        return (), ()
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return (), ()
    codes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        tuple(_span(old, code[1], code[2]) for code in codes if code[1] != code[2]),
        tuple(_span(new, code[3], code[4]) for code in codes if code[3] != code[4]),
    )


def _span(words: Sequence[str], start: int, end: int) -> tuple[int, int]:
    at = sum(map(len, words[:start]))
    return at, at + sum(map(len, words[start:end]))
