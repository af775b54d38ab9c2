"""The turns of a session: each prompt with what it began from and what came of it, on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qwright.sandbox.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt. `before` and `after` are commits of checkpoints; "" while not known."""

    number: int
    """From 1, in the order in which they were asked."""
    prompt: str
    mark: int
    """Where the transcript stood before it; see `Transcript.mark`."""
    before: str = ""
    after: str = ""
    undone: bool = False
    """Whether its changes were taken out again."""
    yours: bool = False
    """Whether they were taken out of the user's files too, who had accepted them."""
    forgotten: bool = False
    """Whether it was taken out of the conversation."""

    @property
    def changed(self) -> bool:
        """Whether files differ after it."""
        return bool(self.before and self.after) and self.before != self.after


_FIRST = {"number", "prompt", "mark"}
"""What the first line of a turn holds at least."""


class Turns:
    """An append-only file of turns and their changes; a torn last line is ignored."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._all: dict[int, Turn] = {}
        for line in _lines(file):
            known = self._all.get(line["number"])
            if known or _FIRST.issubset(line):
                self._all[line["number"]] = replace(known, **line) if known else Turn(**line)

    @property
    def all(self) -> list[Turn]:
        return list(self._all.values())

    @property
    def standing(self) -> list[Turn]:
        """Those whose changes are in the files."""
        return [turn for turn in self._all.values() if turn.changed and not turn.undone]

    @property
    def redoable(self) -> Turn | None:
        """The one that was undone last; None once another prompt changed files."""
        found: Turn | None = None
        for turn in reversed(self._all.values()):
            if turn.changed and not turn.undone:
                break
            found = turn if turn.changed and not turn.forgotten else found
        return found

    def begin(self, prompt: str, mark: int, before: str) -> Turn:
        """Write down that a prompt was sent. Raises WorkspaceError."""
        turn = Turn(len(self._all) + 1, prompt, mark, before)
        self._append(asdict(turn))
        self._all[turn.number] = turn
        return turn

    def update(self, turn: Turn, **changes: Any) -> Turn:
        """Write down what is known of a turn now. Raises WorkspaceError."""
        changed = replace(self._all[turn.number], **changes)
        self._append({"number": turn.number, **changes})
        self._all[turn.number] = changed
        return changed

    def _append(self, line: dict[str, Any]) -> None:
        text = json.dumps(line) + "\n"
        try:
            with self._file.open("a+b") as log:
                # What a killed process wrote last may lack its end.
                if log.tell() and not _ends_a_line(self._file):
                    text = "\n" + text
                log.write(text.encode())
                log.flush()
                os.fsync(log.fileno())
        except OSError as error:
            raise WorkspaceError(f"cannot write {self._file}: {error.strerror}") from error


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as log:
        log.seek(-1, os.SEEK_END)
        return log.read(1) == b"\n"


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """What is known of turns, line by line; fields of another version are left out."""
    if not file.exists():
        return
    for line in file.read_bytes().splitlines():
        try:
            value = json.loads(line)
            found = {key: value[key] for key in Turn.__dataclass_fields__ if key in value}
        except (ValueError, TypeError):
            continue
        if "number" in found:
            yield found
