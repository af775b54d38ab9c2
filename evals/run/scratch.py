"""Folders for the time of a block, which a later process takes away after a kill."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from qwright.sandbox.locks import FileLock

_LOCK = ".lock"


@contextmanager
def scratch(parent: Path, prefix: str = "") -> Generator[Path]:
    """A new folder under `parent`; those of the same prefix whose process is dead go first."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent, prefix)
    token = secrets.token_hex(4)
    # Named as it will be only once it is locked: what is swept is never half made.
    making, folder = parent / f".{prefix}{token}", parent / f"{prefix}{token}"
    making.mkdir(mode=0o700)
    with FileLock(making / _LOCK) as lock:
        lock.try_acquire()
        making.rename(folder)
        try:
            yield folder
        finally:
            _remove(folder)


def sweep(parent: Path, prefix: str = "") -> None:
    """Take away what killed processes have left."""
    for folder in parent.glob(f"{prefix}*"):
        if folder.name.startswith(".") or not (folder / _LOCK).is_file():
            continue
        try:
            with FileLock(folder / _LOCK) as lock:
                if lock.try_acquire():
                    _remove(folder)
        except OSError:  # another user's, or gone meanwhile
            continue


def remove(folder: Path) -> None:
    """A folder and all that is in it, also where an agent has taken our rights to some of it."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.is_dir() and not folder.is_symlink():
        os.chmod(folder, 0o700)
        for above, folders, _ in os.walk(folder):
            for name in folders:
                if not os.path.islink(f"{above}/{name}"):
                    os.chmod(f"{above}/{name}", 0o700)
        shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path) -> None:
    """The lock goes last: what somebody still writes into can be swept another time."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != _LOCK:
            entry.unlink()
    if [entry.name for entry in folder.iterdir()] == [_LOCK]:
        shutil.rmtree(folder, ignore_errors=True)
