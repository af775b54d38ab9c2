"""Styled text as rows of a terminal: what prompt-toolkit draws, cut to a width."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.layout.controls import GetLinePrefixCallable, UIContent, UIControl
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.utils import get_cwidth

from qwright.tools.sanitise import sanitise

Row = StyleAndTextTuples

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_REVERSED, _HIDDEN = "7", {"5", "6", "8"}
_TAB = 4
MARK = "\u276f"
"""Before the input and what is chosen: a heavy angle."""


def only_style(ansi: str, *, reverse: bool = True) -> str:
    """`ansi` made safe to show: nothing but text, line breaks, tabs and styles.

    Styles that hide or blink go too, and without `reverse` also that of the dialogs' titles.
    """
    if "\x1b" not in ansi:
        return sanitise(ansi)
    kept, at = "", 0
    for style in _SGR.finditer(ansi):
        kept += sanitise(ansi[at : style.start()]) + _allowed(style[1], reverse)
        at = style.end()
    return kept + sanitise(ansi[at:])


def _allowed(codes: str, reverse: bool) -> str:
    parts = codes.split(";")
    if parts[0] in ("38", "48"):  # A colour: its numbers are no codes of their own.
        return f"\x1b[{codes}m"
    kept = [part for part in parts if part not in _HIDDEN and (reverse or part != _REVERSED)]
    return f"\x1b[{';'.join(kept)}m" if kept else ""


def plain(ansi: str) -> str:
    """The text alone."""
    return _SGR.sub("", only_style(ansi))


def rows(ansi: str, width: int) -> list[Row]:
    """`ansi` as rows of at most `width` cells; a style goes on over line breaks."""
    found: list[Row] = []
    style = ""
    for line in ansi.removesuffix("\n").split("\n"):
        found.extend(_wrapped(style + line, width))
        for code in _SGR.finditer(line):
            style = "" if code[1] in ("", "0") else style + code[0]
    return found


@lru_cache(maxsize=512)
def _wrapped(line: str, width: int) -> list[Row]:
    return wrap(to_formatted_text(ANSI(line.expandtabs(_TAB))), width)


def wrap(fragments: Row, width: int) -> list[Row]:
    """One line as rows of at most `width` cells, neighbours of the same style joined."""
    wrapped: list[Row] = [[]]
    used = 0
    for style, text, *_ in fragments:
        for character in text:
            cells = get_cwidth(character)
            if used + cells > width and used:
                wrapped.append([])
                used = 0
            used += cells
            _add(wrapped[-1], style, character)
    return wrapped


def _add(row: Row, style: str, text: str) -> None:
    if row and row[-1][0] == style:
        text = row[-1][1] + text
        row.pop()
    row.append((style, text))


def cells(row: Row) -> int:
    """How many columns a row takes."""
    return sum(get_cwidth(text) for _, text, *_ in row)


def cells_of(drawn: Mapping[int, Char]) -> int:
    """How many columns a row of the screen takes, without blanks at its end."""
    return max(
        (column + cell.width for column, cell in drawn.items() if cell.char != " "), default=0
    )


def cut(row: Row, width: int) -> Row:
    """The row, shortened to `width` cells with an ellipsis where it is longer."""
    if cells(row) <= width:
        return row
    return [*wrap(row, max(width - 1, 1))[0], ("", "…")] if width > 1 else []


def edges(left: str, right: str, width: int) -> Row:
    """One row with `left` at its start and `right` at its end; `left` gives way first."""
    start = to_formatted_text(ANSI(only_style(left).replace("\n", " ")))
    end = cut(to_formatted_text(ANSI(only_style(right).replace("\n", " "))), width)
    start = cut(start, width - cells(end) - (2 if end else 0))
    gap = width - cells(start) - cells(end)
    return [*start, ("", " " * gap), *end] if end else start


class Rows(UIControl):
    """Draws the rows that a callback gives for the width there is, as many as fit."""

    def __init__(self, draw: Callable[[int], Sequence[Row]], *, focusable: bool = False) -> None:
        self._draw = draw
        self._focusable = focusable

    def is_focusable(self) -> bool:
        return self._focusable

    def preferred_height(
        self,
        width: int,
        max_available_height: int,
        wrap_lines: bool,
        get_line_prefix: GetLinePrefixCallable | None,
    ) -> int:
        return len(self._draw(width))

    def create_content(self, width: int, height: int) -> UIContent:
        drawn = self._draw(width)
        return UIContent(
            get_line=lambda number: list(drawn[number]), line_count=len(drawn), show_cursor=False
        )
