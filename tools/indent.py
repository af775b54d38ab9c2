"""A uniform difference of indentation between what was written and what a file has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_UNITS = (4, 2, 8, 3)
"""Widths of one level of indentation, likeliest first."""


@dataclass(frozen=True, slots=True)
class Reindent:
    """How written indentation becomes the file's: converted, then made deeper or shallower."""

    convert: Callable[[str], str]
    add: str = ""
    remove: str = ""

    def apply(self, lines: list[str]) -> list[str] | None:
        """The lines as the file would have them; None when one is not indented enough."""
        done: list[str] = []
        for line in lines:
            indent = self.indent(indent_of(line)) if line.strip() else ""
            if indent is None:
                return None
            done.append(indent + line.lstrip(" \t") if line.strip() else "")
        return done

    def indent(self, written: str) -> str | None:
        indent = self.convert(written)
        if not indent.startswith(self.remove):
            return None
        return self.add + indent.removeprefix(self.remove)


def indent_of(line: str) -> str:
    """The spaces and tabs a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def reindent(written: list[str], there: list[str], put: list[str]) -> Reindent | None:
    """The one change of indentation that turns every written line into the line there.

    `put` are further lines written in the same hand, which decide what a level is where the
    first two leave it open. None when no uniform change does it.
    """
    pairs = [
        (indent_of(ours), indent_of(theirs))
        for ours, theirs in zip(written, there, strict=True)
        if ours.strip()
    ]
    found = [shift for convert in _conversions(pairs, put) if (shift := _uniform(pairs, convert))]
    return min(found, key=lambda shift: bool(shift.add or shift.remove), default=None)


def _conversions(pairs: list[tuple[str, str]], put: list[str]) -> list[Callable[[str], str]]:
    ours = [ours for ours, _ in pairs] + [indent_of(line) for line in put if line.strip()]
    theirs = [theirs for _, theirs in pairs]
    tabs_ours, tabs_theirs = ("\t" in "".join(indents) for indents in (ours, theirs))
    if tabs_theirs and not tabs_ours:
        widths = sorted(_UNITS, key=lambda unit: any(len(one) % unit for one in ours))
        return [_to_tabs(width) for width in widths]
    if tabs_ours and any(theirs) and not tabs_theirs:
        return [_to_spaces(width) for width in _UNITS]
    return [str]


def _to_tabs(width: int) -> Callable[[str], str]:
    return lambda indent: "\t" * (len(indent) // width) + " " * (len(indent) % width)


def _to_spaces(width: int) -> Callable[[str], str]:
    return lambda indent: indent.expandtabs(width)


def _uniform(pairs: list[tuple[str, str]], convert: Callable[[str], str]) -> Reindent | None:
    ours, theirs = convert(pairs[0][0]), pairs[0][1]
    if theirs.endswith(ours):
        shift = Reindent(convert, add=theirs[: len(theirs) - len(ours)])
    elif ours.endswith(theirs):
        shift = Reindent(convert, remove=ours[: len(ours) - len(theirs)])
    else:
        return None
    return shift if all(shift.indent(a) == b for a, b in pairs) else None
