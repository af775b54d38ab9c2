"""pyte's screen with what terminals have beside it: scrollback and a second screen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyte
from pyte.screens import Char, Cursor, StaticDefaultDict
from wcwidth import wcwidth

Line = StaticDefaultDict[int, Char]
ALTERNATE = {47, 1047, 1049}
# pyte reads these as styles or draws their last letter: the keyboard protocols of newer terminals.
_PRIVATE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]")
_UNFINISHED = re.compile(rb"\x1b(\[([<=>][0-9;]*)?)?$")


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of a screen and how it looks; colours by pyte's names or as hex digits."""

    text: str
    colour: str
    background: str
    bold: bool
    reverse: bool


class Emulator(pyte.Screen):
    """`answer` gets what a terminal sends back by itself, such as the cursor's place."""

    lines: int
    columns: int

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        self._answer = answer
        self._above: list[Line] = []
        self._kept: tuple[dict[int, Line], Cursor] | None = None
        self._carry = b""
        self.bells = 0
        super().__init__(columns, lines)
        self._stream = pyte.ByteStream(self)

    @property
    def alternate(self) -> bool:
        return self._kept is not None

    def feed(self, data: bytes) -> None:
        data = self._carry + data
        cut = _UNFINISHED.search(data)
        self._carry = data[cut.start() :] if cut else b""
        self._stream.feed(_PRIVATE.sub(b"", data[: len(data) - len(self._carry)]))

    def shown(self) -> str:
        lines = [line.rstrip() for line in self.display]
        return "\n".join(lines).rstrip("\n")

    def scrolled(self) -> str:
        return "\n".join(self._text(line) for line in self._above)

    def rows(self) -> list[list[Cell]]:
        return [[_cell(line[column]) for column in range(self.columns)] for line in self._lines()]

    def cells(self, text: str) -> list[Cell]:
        """Cells of the last place that shows `text`, which must be of narrow characters."""
        for number in reversed(range(self.lines)):
            at = self.display[number].rfind(text)
            if at >= 0:
                row = self.buffer[number]
                return [_cell(row[column]) for column in range(at, at + len(text))]
        raise AssertionError(f"{text!r} is not shown")

    def row(self, number: int) -> list[Cell]:
        """The cells of a line."""
        return [_cell(self.buffer[number][column]) for column in range(self.columns)]

    def _lines(self) -> list[Line]:
        return [self.buffer[number] for number in range(self.lines)]

    def draw(self, data: str) -> None:
        # pyte would drop all that follows a character without width.
        seen = [char for char in data if wcwidth(char) > 0 or unicodedata.combining(char)]
        super().draw("".join(seen))

    def index(self) -> None:
        if self.cursor.y == self.lines - 1 and self.margins is None and not self.alternate:
            self._above.append(self.buffer[0])
        super().index()

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        if how == 3:
            self._above.clear()
        else:
            super().erase_in_display(how, *args, **kwargs)

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private") and ALTERNATE & set(modes) and self._kept is None:
            self._kept = (dict(self.buffer), Cursor(self.cursor.x, self.cursor.y))
            self.buffer.clear()
            self.cursor_position()
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private") and ALTERNATE & set(modes) and self._kept is not None:
            lines, cursor = self._kept
            self._kept = None
            self.buffer.clear()
            self.buffer.update(lines)
            self.cursor.x, self.cursor.y = cursor.x, cursor.y
            self.ensure_hbounds()
            self.ensure_vbounds()
        super().reset_mode(*modes, **kwargs)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """As xterm: lines that do not fit leave at the top, only as many as the cursor needs."""
        lines, columns = lines or self.lines, columns or self.columns
        leaving = max(self.cursor.y - lines + 1, 0)
        for _ in range(leaving):
            if not self.alternate:
                self._above.append(self.buffer[0])
            for row in range(self.lines - 1):
                self.buffer[row] = self.buffer[row + 1]
            self.buffer.pop(self.lines - 1, None)
        for row in [row for row in self.buffer if row >= lines]:
            del self.buffer[row]
        for line in self.buffer.values():
            for column in [column for column in line if column >= columns]:
                del line[column]
        self.cursor.y -= leaving
        self.lines, self.columns = lines, columns
        self.set_margins()
        self.ensure_hbounds()

    def bell(self, *args: Any) -> None:
        self.bells += 1

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    def _text(self, line: Line) -> str:
        end = max(line, default=-1) + 1
        return "".join(line[column].data for column in range(end)).rstrip()


def _cell(char: Char) -> Cell:
    return Cell(char.data, char.fg, char.bg, char.bold, char.reverse)
