"""The whole of a session, every call open: what Ctrl-O shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from qwright.agent import events as ev
from qwright.agent.render.theme import Theme
from qwright.agent.repl.view import View

_LINES = 5_000
_BYTES = 3_000_000
"""Of a long log, the end: several times what fills the lines."""


def transcript_pages(events_file: Path, width: int, theme: Theme) -> list[str]:
    """The last 5,000 lines of a session's log as ANSI lines of at most `width` cells."""
    paper = _Paper(width)
    view = View(paper, theme, compact=False)
    for event in _last_events(events_file):
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


def _last_events(file: Path) -> Iterator[ev.Event]:
    """The events at the end of a log; lines that a kill or another version left are skipped."""
    if not file.exists():
        return
    with file.open("rb") as log:
        log.seek(max(file.stat().st_size - _BYTES, 0))
        if log.tell():
            log.readline()
        for line in log:
            try:
                yield ev.parse_event(line)
            except ValidationError:
                continue
