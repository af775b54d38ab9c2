"""Whose process listens at a port of this machine, as the kernel tells it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"
_FIRST_PERSON = 1000
"""User ids below it are the system's own, such as that of a service called ollama."""


def is_another_persons(port: int) -> bool:
    """Whether somebody else who uses this machine listens there.

    Not known where another kernel listens, as behind WSL or a container's forwarded port: False.
    """
    rows = [row for table in _TABLES for row in _rows(table)]
    return any(is_stranger(uid, os.getuid()) for uid in owners(rows, port))


def owners(rows: Iterable[str], port: int) -> set[int]:
    """User ids of who listens at `port`, by the rows of the kernel's tables of sockets."""
    found: set[int] = set()
    for row in rows:
        fields = row.split()
        listens = len(fields) > 7 and fields[3] == _LISTENS
        if listens and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(int(fields[7]))
    return found


def is_stranger(uid: int, own: int) -> bool:
    """Whether `uid` is a person's, and not that of the one who asks."""
    return uid >= _FIRST_PERSON and uid != own


def _rows(table: Path) -> list[str]:
    try:
        return table.read_text("ascii").splitlines()[1:]
    except OSError:
        return []
