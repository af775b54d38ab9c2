"""What was typed before, for the arrow keys and the search: a bounded file of JSON lines."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LONGEST = 10_000
"""Entries the file keeps. It is cut when a tenth more have come."""
_LONGEST_ENTRY = 100_000
"""Characters of an entry: a whole file that was pasted is not worth keeping."""


class PromptHistory:
    """The prompts of all sessions, and a place in them for Up and Down.

    The file is read at the first use. A file that cannot be read or written costs the history,
    never the prompt.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries: list[str] | None = None
        self._place = 0
        self._draft = ""

    @property
    def entries(self) -> list[str]:
        """Oldest first; what was typed twice in a row counts once."""
        if self._entries is None:
            self._entries = _read(self._file)
            self._place = len(self._entries)
        return self._entries

    def add(self, text: str) -> None:
        """Remember `text`, here and in the file, and go back to the end."""
        entries = self.entries
        if text and len(text) <= _LONGEST_ENTRY and (not entries or entries[-1] != text):
            entries.append(text)
            del entries[:-LONGEST]
            with suppress(OSError):
                _append(self._file, text)
        self.rest()

    def rest(self) -> None:
        """Forget the place: Up begins at the newest again."""
        self._place = len(self.entries)
        self._draft = ""

    def older(self, current: str) -> str | None:
        """The entry before; `current` is kept for coming back. None at the oldest."""
        entries = self.entries
        if self._place == len(entries):
            self._draft = current
        if self._place == 0:
            return None
        self._place -= 1
        return entries[self._place]

    def newer(self) -> str | None:
        """The entry after, at the end what had been typed; None there already."""
        entries = self.entries
        if self._place >= len(entries):
            return None
        self._place += 1
        return self._draft if self._place == len(entries) else entries[self._place]


def _read(file: Path) -> list[str]:
    try:
        lines = file.read_bytes().splitlines()[-LONGEST:]
    except OSError:
        return []
    entries: list[str] = []
    for line in lines:
        with suppress(ValueError):  # A line that a full disk cut off.
            entry: object = json.loads(line)
            if isinstance(entry, str):
                entries.append(entry)
    return entries


def _append(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(file) as opened:
        lines = opened.read().splitlines(keepends=True)
        if len(lines) > LONGEST + LONGEST // 10:
            opened.seek(0)
            opened.truncate()
            opened.writelines(lines[-LONGEST:])
        elif lines and not lines[-1].endswith(b"\n"):
            opened.write(b"\n")
        opened.write(json.dumps(text).encode() + b"\n")


@contextmanager
def _locked(file: Path) -> Generator[BinaryIO]:
    """The file for reading and appending, no other process in it meanwhile; only the user reads."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
