"""Where the text of an edit lies in a file: exactly, or when only whitespace differs.

Every way returns what to replace and with what. The next way is tried only when one finds
nothing, so a match that is less than exact never hides an exact one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from qwright.tools.indent import Reindent, reindent

How = Literal["exact", "line_ends", "whitespace", "indentation", "line_numbers"]

_CRLF = re.compile("\r\n")
_BARE_LF = re.compile("(?<!\r)\n")
_NUMBER = re.compile(r" *(\d{1,9})(?:\t|$)")
_TABBED = re.compile(r" *\d{1,9}\t")


@dataclass(frozen=True, slots=True)
class Match:
    """Replace `text[start:end]` by `new`. `at` is where the whole of the old text begins."""

    start: int
    end: int
    new: str
    at: int


@dataclass(frozen=True, slots=True)
class Found:
    """All places of the first way that found any. They may overlap."""

    matches: tuple[Match, ...]
    how: How = "exact"

    @property
    def literal(self) -> bool:
        """Whether every place holds the text itself, line ends aside."""
        return self.how in ("exact", "line_ends")


def find(text: str, old: str, new: str) -> Found:
    """Find `old` in `text`. `old` is not empty; no match gives an empty `matches`."""
    found = _find(text, old, new)
    if found.matches:
        return found
    plain = _without_numbers(old)
    if plain is None:
        return found
    return replace(_find(text, plain, _strip_numbers(new)), how="line_numbers")


def _find(text: str, old: str, new: str) -> Found:
    if matches := tuple(_exact(text, old, new)):
        return Found(matches)
    if matches := tuple(_line_ends(text, old, new)):
        return Found(matches, "line_ends")
    lines = _Lines(text)
    for block in _blocks(old, new):
        if matches := tuple(lines.trailing(block)):
            return Found(matches, "whitespace")
    for block in _blocks(old, new):
        if matches := tuple(lines.indented(block)):
            return Found(matches, "indentation")
    return Found(())


def _positions(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _exact(text: str, old: str, new: str) -> Iterator[Match]:
    literal = "\r" in old or "\r" not in text
    for at in _positions(text, old):
        if literal:
            yield Match(at, at + len(old), new, at)
            continue
        # A match may begin at the LF of a CRLF; its CR belongs to the same line end.
        start = at - 1 if text[at] == "\n" and text[at - 1 : at] == "\r" else at
        yield Match(start, at + len(old), _with_ends(new, _newline(text, at)), at)


def _line_ends(text: str, old: str, new: str) -> Iterator[Match]:
    """The same text with other line ends; lines that old and new share are left alone."""
    flat, want, put = (part.replace("\r\n", "\n") for part in (text, old, new))
    if flat == text and want == old:
        return
    ends = [found.start() - index for index, found in enumerate(_CRLF.finditer(text))]
    head, tail = _shared(want, put)
    for at in _positions(flat, want):
        start, end = at + head, at + len(want) - tail
        origin, start, end = (place + bisect_left(ends, place) for place in (at, start, end))
        core = put[head : len(put) - tail]
        yield Match(start, end, _with_ends(core, _newline(text, start)), origin)


def _shared(old: str, new: str) -> tuple[int, int]:
    """How many characters of whole lines the two have in common at their start and end."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head, tail = _common(a, b)
    return sum(map(len, a[:head])), sum(map(len, a[len(a) - tail :]))


def _common(a: list[str], b: list[str]) -> tuple[int, int]:
    most = min(len(a), len(b))
    head = next((i for i in range(most) if a[i] != b[i]), most)
    most -= head
    tail = next((i for i in range(most) if a[-1 - i] != b[-1 - i]), most)
    return head, tail


def _newline(text: str, start: int) -> str:
    """The line end used where `start` lies: the next one, else the last one before."""
    end = text.find("\n", start)
    if end < 0:
        end = text.rfind("\n", 0, start)
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def _with_ends(new: str, newline: str) -> str:
    return _BARE_LF.sub("\r\n", new) if newline == "\r\n" else new


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole lines to look for and to put. `put` None removes the lines with their ends."""

    old: list[str]
    put: list[str] | None


def _blocks(old: str, new: str) -> Iterator[_Block]:
    """The edit as whole lines; then, if it differs, without blank lines at its edges."""
    if not old.strip():
        return
    want, put = (part.replace("\r\n", "\n").split("\n") for part in (old, new))
    if want[-1] == "" and len(want) > 1:
        want.pop()
        if put == [""]:
            yield from (_Block(lines, None) for lines in (want, _stripped(want)))
            return
        if put[-1] == "":
            put.pop()
    yield _Block(want, put)
    if not want[0].strip() or not want[-1].strip():
        yield _Block(_stripped(want), _stripped(put))


def _stripped(lines: list[str]) -> list[str]:
    """Without the blank lines at both ends."""
    full = [i for i, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1] if full else lines[:1]


class _Lines:
    """A text's lines (split at LF, a CR stays with its line) and where each begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.bare = [line.strip() for line in self.lines]

    def trailing(self, block: _Block) -> Iterator[Match]:
        """Places where only whitespace at line ends differs."""
        want = [line.rstrip() for line in block.old]
        for i in self._candidates(block):
            if [line.rstrip() for line in self.lines[i : i + len(want)]] == want:
                yield self._match(i, block, block.put)

    def indented(self, block: _Block) -> Iterator[Match]:
        """Places where besides the indentation differs in the same way on every line."""
        for i in self._candidates(block):
            lines = self.lines[i : i + len(block.old)]
            shift = reindent(block.old, lines, block.put or [])
            put = shift.apply(block.put) if shift and block.put is not None else None
            if shift and (put is not None or block.put is None):
                yield self._match(i, block, put, shift)

    def _candidates(self, block: _Block) -> Iterator[int]:
        want = [line.strip() for line in block.old]
        for i in range(len(self.bare) - len(want) + 1):
            if self.bare[i] == want[0] and self.bare[i : i + len(want)] == want:
                yield i

    def _match(
        self, i: int, block: _Block, put: list[str] | None, shift: Reindent | None = None
    ) -> Match:
        count, at = len(block.old), self.starts[i]
        if put is None:
            return Match(at, min(self.starts[i + count], len(self.text)), "", at)
        # Lines that the edit only quotes keep the file's own bytes.
        head, tail = _common(block.old, block.put or [])
        cr = "\r" if _newline(self.text, at) == "\r\n" else ""
        own = self.lines[i : i + count]
        lines = [
            *own[:head],
            *(line + cr for line in put[head : len(put) - tail]),
            *own[count - tail :],
        ]
        return Match(at, self._line_end(i + count - 1), "\n".join(lines).removesuffix("\r"), at)

    def _line_end(self, index: int) -> int:
        end = self.starts[index] + len(self.lines[index])
        return end - 1 if self.lines[index].endswith("\r") else end


def _without_numbers(old: str) -> str | None:
    """`old` without the line numbers `read_file` shows, when every line has its own."""
    lines = old.removesuffix("\n").split("\n")
    found = [_NUMBER.match(line) for line in lines]
    numbers = [int(one[1]) for one in found if one is not None]
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(lines))):
        return None
    plain = "\n".join(map(_after_number, lines)) + old[len(old.removesuffix("\n")) :]
    return plain if plain.strip() else None


def _strip_numbers(new: str) -> str:
    """`new` without numbers before a tab; bare ones go only where every line is numbered."""
    lines = new.split("\n")
    if all(_NUMBER.match(line) for line in lines if line):
        return "\n".join(map(_after_number, lines))
    return "\n".join(_after_number(line) if _TABBED.match(line) else line for line in lines)


def _after_number(line: str) -> str:
    found = _NUMBER.match(line)
    return line[found.end() :] if found else line
