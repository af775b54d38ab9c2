"""A screen that keeps what is drawn on it, a clock that is set, and golden texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from qwright.agent.events import Event
from qwright.agent.render.theme import Theme, load
from qwright.agent.repl.view import View

DARK = load("dark", {"TERM": "xterm-256color", "COLORTERM": "truecolor"})
PLAIN = load("plain", {})
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_GOLDEN = Path(__file__).parent / "golden"


def unstyled(ansi: str) -> str:
    return _STYLE.sub("", ansi)


@dataclass
class Paper:
    """What is committed, and everything that was live."""

    width: int = 100
    height: int = 30
    committed: str = ""
    live: str = ""
    commits: int = 0
    lives: list[str] = field(default_factory=list[str])

    def commit(self, ansi: str) -> None:
        assert ansi.endswith("\n")
        self.committed += ansi
        self.commits += 1

    def set_live(self, ansi: str) -> None:
        self.live = ansi
        self.lives.append(ansi)

    def set_status(self, left: str, right: str) -> None:
        raise AssertionError("the status line is not the view's")


class Stage:
    """A view, what it draws on, and its clock."""

    def __init__(
        self, width: int = 100, theme: Theme = PLAIN, *, screen_reader: bool = False
    ) -> None:
        self.paper = Paper(width)
        self.now = 1000.0
        self.view = View(self.paper, theme, screen_reader=screen_reader, clock=lambda: self.now)

    def play(self, events: Iterable[Event], seconds: float = 0.05) -> str:
        """Show events, `seconds` apart. Returns all that was committed, without colours."""
        for event in events:
            self.view.show(event)
            self.now += seconds
        return self.shown

    @property
    def shown(self) -> str:
        return unstyled(self.paper.committed)

    @property
    def live(self) -> str:
        return unstyled(self.paper.live)


def golden(name: str, text: str) -> None:
    """Compare with a golden text; QWRIGHT_GOLDEN=write makes it, after a look at the difference."""
    file = _GOLDEN / f"{name}.txt"
    if os.environ.get("QWRIGHT_GOLDEN") == "write":
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")
