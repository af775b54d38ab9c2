"""What a running server leaves for other processes to find it: a record and a private key file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from qwright.sandbox.dirs import cache_dir, state_dir


@dataclass(frozen=True, slots=True)
class Record:
    """Written by the server once it can answer; the record's name is the server's name."""

    name: str
    pid: int
    base_url: str
    context: int
    """Tokens."""
    settings: str
    """Digest of all that makes two servers of one model differ."""
    started: float
    """Seconds since the epoch."""
    engine: str = ""
    """Version of the engine: what one saves, another need not be able to restore."""


def servers_dir() -> Path:
    """Records, keys, locks and logs; mode 0700."""
    path = state_dir() / "servers"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def prefixes_dir(name: str) -> Path:
    """Where the server of this name keeps what its /slots endpoint saves."""
    return cache_dir() / "prefixes" / name


def record_path(name: str) -> Path:
    return servers_dir() / f"{name}.json"


def key_path(record: Path) -> Path:
    return record.with_suffix(".key")


def log_path(record: Path) -> Path:
    return record.with_suffix(".log")


def read_record(path: Path) -> Record | None:
    """The record, or None where there is none that can be read."""
    try:
        return Record(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def read_key(record: Path) -> str | None:
    try:
        return key_path(record).read_text("utf-8")
    except OSError:
        return None


def write_record(path: Path, record: Record, key: str) -> None:
    """Make the server known: the key first, then the record, each in one step."""
    write_private(key_path(path), key)
    write_private(path, json.dumps(asdict(record)))


def write_private(path: Path, text: str) -> None:
    """Put a file with mode 0600 in place; it is never there half-written or readable by others."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def forget(path: Path, pid: int) -> None:
    """Remove the record and its key, unless another server has taken the name since."""
    record = read_record(path)
    if record is None or record.pid == pid:
        path.unlink(missing_ok=True)
        key_path(path).unlink(missing_ok=True)
