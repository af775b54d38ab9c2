"""The saved states of prompt prefixes on the disk: found, kept, and bounded in number and size."""

from __future__ import annotations

import os
import secrets
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import pack

MOST_FILES = 12
MOST_BYTES = 1 << 30
_ABANDONED = 3600.0
"""Seconds after which a file that was never finished is nobody's any more."""
_CHUNK = 1 << 20
_HEAD = 256
"""Bytes; where in these a state's tokens begin differs between versions of the engine."""


@dataclass(frozen=True, slots=True)
class PrefixFiles:
    """A folder of files `KEY-CHECKSUM.bin`, which the engine writes and reads by name.

    A file gets its name only once it is whole, and is used only while its checksum is right: a
    file that was cut off ends the engine, and one with wrong bytes makes the model talk nonsense.
    All methods block.
    """

    directory: Path

    def find(self, key: str) -> str | None:
        """The name of the whole file with this key; a damaged one is deleted."""
        for path in self.directory.glob(f"{key}-*.bin"):
            try:
                if path.stem.rpartition("-")[2] == _checksum(path):
                    os.utime(path)
                    return path.name
            except OSError:
                continue
            self.drop(path.name)
        return None

    def fresh(self) -> str:
        """A name under which the engine may write; `keep` or `drop` it."""
        return f"unfinished-{secrets.token_hex(8)}"

    def keep(self, name: str, key: str, tokens: Sequence[int]) -> bool:
        """Give a written file its key if it holds the state of just these tokens."""
        path = self.directory / name
        try:
            whole = _holds(path, tokens)
            if whole:
                path.replace(self.directory / f"{key}-{_checksum(path)}.bin")
        except OSError:
            whole = False
        self.drop(name)
        self._tidy()
        return whole

    def drop(self, name: str) -> None:
        with suppress(OSError):
            (self.directory / name).unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Delete what was used longest ago, of all models, and what was never finished."""
        found: list[tuple[float, int, Path]] = []
        for path in self.directory.parent.glob("*/*"):
            with suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        kept, size = 0, 0
        for mtime, length, path in sorted(found, reverse=True):
            kept, size = kept + 1, size + length
            abandoned = path.suffix != ".bin" and time.time() - mtime > _ABANDONED
            if kept > MOST_FILES or size > MOST_BYTES or abandoned:
                with suppress(OSError):
                    path.unlink()


def _checksum(path: Path) -> str:
    # It guards against accidents only, and 20 MB of it cost the first token some milliseconds.
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return f"{found:08x}"


def _holds(path: Path, tokens: Sequence[int]) -> bool:
    wanted = pack(f"<I{len(tokens)}i", len(tokens), *tokens)
    with path.open("rb") as file:
        return wanted in file.read(_HEAD + len(wanted))
