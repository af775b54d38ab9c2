"""A markdown table, laid out in the width there is; where there is none, as one entry a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from rich.text import Text

from qwright.agent.render.ink import columns, styled, wrapped
from qwright.agent.render.markup import inline
from qwright.agent.render.theme import Theme

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_CELL = re.compile(r"(?<!\\)\|")
_GAP = 2
_NARROWEST = 8
"""Cells of a column below which a table is no longer read across."""


def is_row(line: str) -> bool:
    """Whether the line can be part of a table."""
    return line.lstrip().startswith("|") and line.count("|") > 1


def is_rule(line: str) -> bool:
    """Whether the line is what parts a table's head from its rows."""
    return "-" in line and _RULE.match(line) is not None


def table(lines: Sequence[str], width: int, theme: Theme) -> list[Text]:
    """Draw the head, the rule and the rows, whose lines hold them in that order."""
    sides: list[_Side] = [_side(cell) for cell in _cells(lines[1])]
    rows = [[inline(cell, theme) for cell in _cells(line)] for line in (lines[0], *lines[2:])]
    count = max(map(len, rows))
    rows = [[*row, *[Text()] * (count - len(row))] for row in rows]
    wanted = [max(columns(row[at].plain) for row in rows) for at in range(count)]
    widths = _shared(wanted, width - _GAP * (count - 1))
    if theme.spoken or (min(widths) < min(_NARROWEST, *wanted) and count > 1):
        return _entries(rows, width, theme)
    head, *body = rows
    for cell in head:
        cell.stylize(theme["strong"])
    drawn = _row(head, widths, sides)
    drawn.append(styled((" " * _GAP).join("─" * size for size in widths), theme["dim"]))
    for row in body:
        drawn += _row(row, widths, sides)
    return drawn


_Side = Literal["left", "right", "center"]


def _side(rule: str) -> _Side:
    if rule.endswith(":"):
        return "center" if rule.startswith(":") else "right"
    return "left"


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(bare)]


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """What each column gets: the widest give way first."""
    widths = [max(size, 1) for size in wanted]
    while sum(widths) > room and max(widths) > 1:
        widest = max(widths)
        second = max((size for size in widths if size < widest), default=1)
        many = widths.count(widest)
        less = max(min(widest - second, (sum(widths) - room) // many), 1)
        for at, size in enumerate(widths):
            if size == widest and sum(widths) > room:
                widths[at] = size - less
    return widths


def _row(cells: Sequence[Text], widths: Sequence[int], sides: Sequence[_Side]) -> list[Text]:
    broken = [wrapped(cell, size) for cell, size in zip(cells, widths, strict=True)]
    drawn: list[Text] = []
    for number in range(max(map(len, broken))):
        line = Text()
        for at, (parts, size) in enumerate(zip(broken, widths, strict=True)):
            part = parts[number].copy() if number < len(parts) else Text()
            part.align(sides[at] if at < len(sides) else "left", size)
            line.append(" " * _GAP if at else "").append_text(part)
        line.rstrip()
        drawn.append(line)
    return drawn


def _entries(rows: Sequence[Sequence[Text]], width: int, theme: Theme) -> list[Text]:
    """Each row as lines "head: cell"."""
    head, *body = rows
    drawn: list[Text] = []
    for row in body:
        if drawn:
            drawn.append(Text())
        for name, cell in zip(head, row, strict=True):
            if cell:
                label = styled(f"{name.plain}: ", theme["strong"])
                drawn += wrapped(label.append_text(cell), width, "", "  ")
    return drawn
