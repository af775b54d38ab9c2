"""Markdown as it is being written: a line that was given out never changes.

Each line is final at its newline, except that a table waits for its end. So what is committed
depends on the text alone, never on how it was cut into deltas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.text import Text

from qwright.agent.language import say
from qwright.agent.render.highlight import Highlighter
from qwright.agent.render.ink import draw, folded, styled, wrapped
from qwright.agent.render.markup import inline
from qwright.agent.render.table import is_row, is_rule, table
from qwright.agent.render.theme import Theme
from qwright.tools.sanitise import sanitise

_FENCE = re.compile(r"(\s*)(`{3,}|~{3,})\s*([^`]*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$")
_TASK = re.compile(r"\[([ xX])\]\s+")
_QUOTE = re.compile(r" {0,3}((?:>\s?)+)(.*)$")
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*$")
_TAIL = 1_500
"""Characters of an unfinished line that are looked at, or twice that: as much as can be seen."""
_TAIL_ROWS = 30
"""Rows of an unfinished table, likewise."""
_CODE_INDENT = 2
_MEASURE = 100
"""Cells of a line of prose, however wide the terminal is: longer ones are hard to read."""


@dataclass(frozen=True, slots=True)
class _Fence:
    indent: int
    mark: str
    code: Highlighter

    def closed_by(self, line: str) -> bool:
        bare = line.strip()
        return bare.startswith(self.mark) and not bare.strip(self.mark[0])


class MarkdownStream:
    """One answer of the model. Lines are `width` cells at most."""

    def __init__(self, width: int, theme: Theme, indent: int = 0) -> None:
        """`indent` blanks before every line come on top of the width."""
        self.resize(width)
        self._theme = theme
        self._indent = indent
        self._line = ""
        """What has come of the present line."""
        self._fence: _Fence | None = None
        self._rows: list[str] = []
        """Lines that are a table or may become one."""
        self._last = ""
        """The kind of the last line given out; empty at the beginning."""
        self._gap = False
        self._items: list[tuple[int, int]] = []
        """The list items that are open: where they stand in the source, where their text does."""

    def resize(self, width: int) -> None:
        """From here on lines are `width` cells at most."""
        self._width = width
        self._measure = min(width, _MEASURE)

    def feed(self, text: str) -> str:
        """Take more of the answer. Returns what is final now, as ANSI lines."""
        *complete, rest = text.split("\n")
        if not complete:
            self._line += rest
            return ""
        complete[0] = self._line + complete[0]
        self._line = rest
        drawn: list[Text] = []
        for line in complete:
            drawn += self._complete(sanitise(line))
        return draw(drawn, self._theme, self._indent)

    def tail(self) -> str:
        """The unfinished line or table as it looks at present."""
        return draw(self._unfinished(), self._theme, self._indent)

    def end(self) -> str:
        """What was unfinished; the answer is over and the next one begins."""
        drawn = self._complete(sanitise(self._line)) if self._line.strip() else []
        drawn += self._table_done()
        self._line, self._fence, self._gap, self._last, self._items = "", None, False, "", []
        return draw(drawn, self._theme, self._indent)

    def _unfinished(self) -> list[Text]:
        # In steps, so that words do not move with every character that comes.
        line = sanitise(self._line[max(len(self._line) // _TAIL - 1, 0) * _TAIL :])
        items = list(self._items)
        kind, drawn = self._at_present(line)
        self._items = items
        return [Text(), *drawn] if drawn and self._parted(kind) else drawn

    def _at_present(self, line: str) -> tuple[str, list[Text]]:
        """What an unfinished line, and a table before it, would be if this were all."""
        if fence := self._fence:
            if not line.strip() or fence.closed_by(line):
                return "code", []
            code = fence.code.unfinished(_dedented(line, fence.indent))
            return "code", self._code(fence.indent, code)
        if not self._rows:
            return ("", []) if not line.strip() or _FENCE.match(line) else self._prose(line)
        rows = [*self._rows, line] if is_row(line) else self._rows
        drawn = self._table([*rows[:2], *rows[2:][-_TAIL_ROWS:]])
        apart = line.strip() and not is_row(line)
        return "table", [*drawn, Text(), *self._prose(line)[1]] if apart else drawn

    def _complete(self, line: str) -> list[Text]:
        if self._fence:
            return self._in_fence(self._fence, line)
        if is_row(line):
            self._rows.append(line)
            return []
        return [*self._table_done(), *self._outside(line)]

    def _outside(self, line: str) -> list[Text]:
        """A line that belongs to no fence and no table."""
        if not line.strip():
            self._gap = True
            return []
        if found := _FENCE.match(line):
            language = found[3].split(" ")[0].strip("{}.").lower()
            code = Highlighter(self._theme, language=language)
            self._fence = _Fence(len(found[1].expandtabs(4)), found[2], code)
            self._gap = True
            return []
        return self._given(*self._prose(line))

    def _in_fence(self, fence: _Fence, line: str) -> list[Text]:
        if fence.closed_by(line):
            self._fence = None
            self._gap = True
            return []
        code = fence.code.line(_dedented(line, fence.indent))
        return self._given("code", self._code(fence.indent, code))

    def _table_done(self) -> list[Text]:
        if not self._rows:
            return []
        rows, self._rows = self._rows, []
        self._gap = True
        drawn = self._given("table", self._table(rows))
        self._gap = True
        return drawn

    def _given(self, kind: str, drawn: list[Text]) -> list[Text]:
        """What is now final, a blank line before it where it is to stand apart."""
        gap = [Text()] if self._parted(kind) else []
        self._last, self._gap = kind, kind == "heading"
        return [*gap, *drawn]

    def _parted(self, kind: str) -> bool:
        if not self._last or (kind == self._last and kind in ("item", "code")):
            return False
        return self._gap or kind in ("heading", "table")

    def _table(self, rows: list[str]) -> list[Text]:
        if len(rows) > 1 and is_rule(rows[1]):
            return table(rows, self._width, self._theme)
        return [line for row in rows for line in wrapped(Text(row.strip()), self._width)]

    def _code(self, indent: int, code: Text) -> list[Text]:
        margin = " " * min(indent + _CODE_INDENT, self._width // 3)
        parts = folded(code, self._width - len(margin))
        return [Text(margin).append_text(part) for part in parts] if code else [Text()]

    def _prose(self, line: str) -> tuple[str, list[Text]]:
        """The kind of a line outside fences and tables, and how it looks."""
        if found := _HEADING.match(line):
            text = inline(found[2], self._theme)
            text.stylize(self._theme["strong"])
            return "heading", wrapped(text, self._measure)
        if _RULE.match(line):
            return "rule", [] if self._theme.spoken else [
                styled("─" * min(self._width, 40), self._theme["dim"])
            ]
        if found := _QUOTE.match(line):
            bar = styled(self._theme.bar, self._theme["dim"])
            return "quote", wrapped(inline(found[2], self._theme), self._measure, bar, bar)
        if found := _ITEM.match(line):
            return "item", self._item(len(found[1].expandtabs(4)), found[2], found[3])
        return "text", self._text(line)

    def _item(self, indent: int, mark: str, text: str) -> list[Text]:
        while self._items and self._items[-1][0] >= indent:
            self._items.pop()
        bullet = mark if mark[-1] in ".)" else "◦" if self._items else "•"
        if task := _TASK.match(text):
            bullet, text = self._box(task[1] != " "), text[task.end() :]
        first = f"{self._margin()}{bullet} "
        self._items.append((indent, len(first)))
        return wrapped(inline(text, self._theme), self._measure, first, " " * len(first))

    def _text(self, line: str) -> list[Text]:
        """A line of a paragraph; one that is indented goes on an item of a list."""
        if not line[0].isspace():
            self._items = []
        margin = self._margin()
        return wrapped(inline(line.strip(), self._theme), self._measure, margin, margin)

    def _box(self, ticked: bool) -> str:
        if self._theme.spoken:
            return say("view.step_done" if ticked else "view.step_left") + ":"
        return "✓" if ticked else "○"

    def _margin(self) -> str:
        return " " * min(self._items[-1][1] if self._items else 0, self._width // 3)


def _dedented(line: str, indent: int) -> str:
    """A line of a fence that stands indented, as it would be without."""
    line = line.expandtabs(4)
    return line[min(indent, len(line) - len(line.lstrip())) :]
