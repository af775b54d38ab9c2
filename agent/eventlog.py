"""A session's events on disk, one JSON line each; read again on resume and by /export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from qwright.agent.events import Event, RunFinished, Tokens, parse_event
from qwright.sandbox.errors import WorkspaceError


class EventLog:
    """Appends to `file`; what is written is there even when this process is killed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log: TextIO | None = None

    def append(self, event: Event) -> None:
        """Raises WorkspaceError where nothing more can be written."""
        try:
            if self._log is None:
                self._log = self._file.open("a", encoding="utf-8", errors="backslashreplace")
            self._log.write(event.model_dump_json() + "\n")
            self._log.flush()
        except OSError as error:
            raise WorkspaceError(f"{self._file} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None


def read_events(file: Path) -> Iterator[Event]:
    """The events of a log, oldest first; lines that a kill or another version left are skipped."""
    return _parsed(_lines(file, 0))


def read_last_events(file: Path, size: int = 2_000_000) -> Iterator[Event]:
    """Those in the last `size` bytes: what a person looks back at, however long the session is."""
    return _parsed(_lines(file, size))


def _lines(file: Path, last: int) -> Iterator[bytes]:
    """Whole lines, those in the last bytes where `last` is not 0."""
    if not file.exists():
        return
    with file.open("rb") as log:
        before = file.stat().st_size - last
        if last and before > 0:
            log.seek(before)
            log.readline()
        yield from log


def _parsed(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield parse_event(line)
        except ValidationError:
            continue


def spent(file: Path) -> tuple[Tokens, float | None]:
    """Tokens and US dollars of all finished runs in a log; None where a cost is not known."""
    tokens, cost = Tokens(), 0.0
    known = True
    # Few lines are of this kind, and reading one takes a thousand times longer than passing it.
    for event in _parsed(line for line in _lines(file, 0) if b"run_finished" in line):
        if isinstance(event, RunFinished):
            tokens = tokens.plus(event.tokens)
            known = known and event.cost is not None
            cost += event.cost or 0.0
    return tokens, cost if known else None
