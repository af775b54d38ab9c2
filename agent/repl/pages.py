"""The whole of a session, every call open: what Ctrl-O shows."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from qwright.agent import events as ev
from qwright.agent.eventlog import read_last_events
from qwright.agent.render.theme import Theme
from qwright.agent.repl.view import View

_LINES = 5_000


def transcript_pages(events_file: Path, width: int, theme: Theme) -> list[str]:
    """The last 5,000 lines of a session's log as ANSI lines of at most `width` cells."""
    paper = _Paper(width)
    view = View(paper, theme, compact=False)
    for event in read_last_events(events_file):
        if isinstance(event, ev.RunStarted):
            view.prompt(event.prompt)
        view.show(event)
    view.settle()
    return list(paper.lines)


class _Paper:
    """A screen without a terminal, that keeps what it is given."""

    height = 24

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: deque[str] = deque(maxlen=_LINES)

    def commit(self, ansi: str) -> None:
        self.lines += ansi.removesuffix("\n").split("\n")

    def set_live(self, ansi: str) -> None:
        pass

    def set_status(self, left: str, right: str) -> None:
        pass
