"""Styled lines: made harmless, wrapped and cut by the cells they take, drawn as ANSI text.

Only colour and weight are ever emitted, and every line ends as it began: without either.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text

from qwright.agent.render.theme import Theme
from qwright.tools.sanitise import sanitise

_SYSTEMS = {4: ColorSystem.STANDARD, 8: ColorSystem.EIGHT_BIT, 24: ColorSystem.TRUECOLOR}


def draw(lines: Iterable[Text], theme: Theme, indent: int = 0) -> str:
    """The lines as ANSI text, each ended by a newline; an empty one is not indented."""
    margin = " " * indent
    return "".join(f"{margin}{_ansi(line, theme)}\n" if line else "\n" for line in lines)


def one_line(text: str) -> str:
    """Harmless text on one line, runs of blanks as they are."""
    return sanitise(text).replace("\n", " ").replace("\t", " ").strip()


def code_line(text: str) -> str:
    """A harmless line of code or output, tabs as the blanks they show as."""
    return sanitise(text).expandtabs(4).replace("\n", " ").rstrip()


def styled(text: str, style: str) -> Text:
    """A line in one style, which what is appended to it does not take over."""
    return Text().append(text, style or None)


def wrapped(text: Text, width: int, first: str | Text = "", rest: str | Text = "") -> list[Text]:
    """Break between words into lines of `width` cells, the hanging prefixes included."""
    room = max(width - cell_len(str(first)), 8)
    lines = text.wrap(_console(), room, overflow="fold") if text else [text]
    for line in lines:
        line.rstrip()
    return [_prefixed(line, first if number == 0 else rest) for number, line in enumerate(lines)]


def folded(text: Text, width: int) -> list[Text]:
    """Break anywhere, every blank kept: for code."""
    if cell_len(text.plain) <= width:
        return [text]
    cuts: list[int] = []
    used = 0
    for index, character in enumerate(text.plain):
        size = cell_len(character)
        if used + size > width:
            cuts.append(index)
            used = 0
        used += size
    return list(text.divide(cuts))


def cut(text: str, width: int) -> str:
    """At most `width` cells of one line, "…" in place of what is missing at its end."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, max(width - 1, 0)).rstrip()}…" if width > 0 else ""


def cut_start(text: str, width: int) -> str:
    """At most `width` cells from its end, "…" before them where something is missing."""
    if cell_len(text) <= width:
        return text
    return f"…{_last_cells(text, width - 1)}" if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """At most `width` cells; of a long path its end matters most, so more of that is kept."""
    if cell_len(text) <= width:
        return text
    if width < 8:
        return cut(text, width)
    room = (width - 1) * 3 // 5
    tail = _last_cells(text, room)
    slash = tail.find("/", 0, room // 2)  # a folder's name is left out rather than cut
    return f"{set_cell_size(text, width - 1 - room).rstrip()}…{tail[max(slash, 0) :]}"


def columns(text: str) -> int:
    """The cells that `text` takes."""
    return cell_len(text)


def _last_cells(text: str, width: int) -> str:
    kept = text[-width:] if width > 0 else ""
    while cell_len(kept) > width:
        kept = kept[1:]
    return kept


def _prefixed(line: Text, prefix: str | Text) -> Text:
    if not prefix:
        return line
    head = prefix.copy() if isinstance(prefix, Text) else Text(prefix)
    return head.append_text(line)


def _ansi(line: Text, theme: Theme) -> str:
    system = _SYSTEMS.get(theme.depth)
    if system is None:
        return _harmless(line.plain)
    drawn: list[str] = []
    for text, style, _ in line.render(_console()):
        text = _harmless(text)
        drawn.append(style.render(text, color_system=system) if style else text)
    return "".join(drawn)


def _harmless(text: str) -> str:
    """The last word on what reaches a terminal, whoever forgot to say it before."""
    return sanitise(text).replace("\n", " ")


@cache
def _console() -> Console:
    """For what rich only does with one at hand; nothing is printed to it."""
    return Console(quiet=True, width=1000, color_system=None, legacy_windows=False)
