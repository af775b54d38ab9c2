"""What is finished: blocks of lines, one mark each in the gutter, a blank line where they part."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol

from rich.text import Text

from qwright.agent.language import say
from qwright.agent.render.ink import draw, styled
from qwright.agent.render.theme import Role, Theme

INDENT = 2
"""Cells of the gutter that the marks stand in."""
Block = Literal["", "prompt", "text", "tool", "note", "end"]
Mark = Literal["", "prompt", "tool", "good", "bad", "again", "notice", "aside", "stopped"]
_MARKS: Mapping[Mark, tuple[str, Role, str]] = {
    "": ("", "dim", ""),
    "prompt": ("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", "accent", "view.you"),
    "tool": ("●", "good", ""),
    "good": ("✓", "good", ""),
    "bad": ("✗", "bad", "view.error"),
    "again": ("↻", "warn", ""),
    "notice": ("!", "warn", "view.notice"),
    "aside": ("⇣", "dim", ""),
    "stopped": ("■", "warn", ""),
}
"""Of each mark: the sign, its colour, and the word that a screen reader says in its place."""


class Screen(Protocol):
    """Where a view draws; `Terminal` is one."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def commit(self, ansi: str) -> None: ...

    def set_live(self, ansi: str) -> None: ...

    def set_status(self, left: str, right: str) -> None: ...


class Sheet:
    """Lays out blocks and commits them to the screen."""

    def __init__(self, screen: Screen, theme: Theme) -> None:
        """For a theme that is spoken there is no gutter, and words stand for marks."""
        self.theme = theme
        self.last: Block = ""
        """The kind of the block that was committed last."""
        self._screen = screen
        self._held: list[str] | None = None

    @property
    def room(self) -> int:
        """Cells of a line besides the gutter; the last column stays free."""
        return max(self._screen.width - INDENT - 1, 16)

    @property
    def holding(self) -> bool:
        return self._held is not None

    @property
    def indent(self) -> int:
        return 0 if self.theme.spoken else INDENT

    def put(self, block: Block, lines: Sequence[Text], mark: Mark = "") -> None:
        """Commit lines, if there are any; the mark stands beside the first."""
        if not lines:
            return
        sign, role, word = _MARKS[mark]
        if self.theme.spoken and word:
            lines = [Text(f"{say(word)}: ").append_text(lines[0]), *lines[1:]]
        drawn = draw(lines, self.theme, self.indent)
        if sign and not self.theme.spoken:
            sign = draw([styled(f"{sign} ", self.theme[role])], self.theme)[:-1]
            drawn = sign + drawn[INDENT:] if drawn.startswith(" ") else f"{sign}{drawn}"
        self.write(block, drawn)

    def write(self, block: Block, ansi: str) -> None:
        """Commit what is drawn already, set off from a block of another kind."""
        if not ansi:
            return
        if self.last and (block != self.last or block == "prompt"):
            ansi = f"\n{ansi}"
        self.last = block
        if self._held is not None:
            self._held.append(ansi)
        else:
            self._screen.commit(ansi)

    @contextmanager
    def held(self) -> Generator[None]:
        """Commit everything from here on at once, in the end."""
        self._held = []
        try:
            yield
        finally:
            ansi, self._held = "".join(self._held), None
            if ansi:
                self._screen.commit(ansi)
