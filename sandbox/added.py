"""Folders that the user adds for the agent to read: copied into the checkout, never a result."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from qwright.sandbox.checkout import files_inside
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.openat2 import open_beneath
from qwright.sandbox.scan import ADDED
from qwright.sandbox.seed import copy_files
from qwright.sandbox.session_dir import Session
from qwright.sandbox.tree import shown

MOST_FILES = 20_000
MOST_BYTES = 500_000_000


def add_directory(session: Session, directory: Path) -> str:
    """Copy a folder to `.added/NAME` in the checkout and return that path.

    What git ignores, secrets and `.git` are left out; files lose their write permission. The copy
    is in no checkpoint and no result. Raises WorkspaceError: no folder, too large, added already.
    """
    directory = directory.expanduser().resolve()
    if not directory.is_dir():
        raise WorkspaceError(f"{shown(str(directory))}: no such directory")
    state = state_dir().resolve()
    if state.is_relative_to(directory) or directory.is_relative_to(state):
        raise WorkspaceError(f"{shown(str(directory))} holds qwright's own files: add another one")
    paths = files_inside(directory)
    _require_small(directory, paths)
    # Copied where the container cannot reach, and only then moved, in one step, to where it can.
    staging = session.path / "adding"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=0o755)
        _copy(directory, staging, paths, session.record.owner)
        _move_in(session, staging, directory.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return f"{ADDED}/{directory.name}"


def _require_small(directory: Path, paths: Sequence[str]) -> None:
    size = sum(_sizes(directory, paths))
    if len(paths) > MOST_FILES or size > MOST_BYTES:
        raise WorkspaceError(
            f"{shown(str(directory))} holds {len(paths):,} files of {size / 1e6:,.0f} MB, over "
            f"{MOST_FILES:,} or {MOST_BYTES / 1e6:.0f} MB are not copied: add a smaller folder"
        )


def _sizes(directory: Path, paths: Sequence[str]) -> Iterator[int]:
    for path in paths:
        try:
            state = os.lstat(directory / path)
        except OSError:
            continue
        if stat.S_ISREG(state.st_mode):
            yield state.st_size


def _copy(
    directory: Path, target: Path, paths: Sequence[str], owner: tuple[int, int] | None
) -> None:
    if owner is not None:
        os.chown(target, *owner)
    for copied in copy_files(directory, target, paths, owner):
        place = target / copied.path
        if not place.is_symlink():
            place.chmod(0o555 if copied.mode & 0o111 else 0o444)


def _move_in(session: Session, staging: Path, name: str) -> None:
    root = os.open(session.path / "ws", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        above = _folder(root, session.record.owner)
        try:
            os.rename(staging, name, dst_dir_fd=above)
        finally:
            os.close(above)
    except OSError as error:
        raise WorkspaceError(
            f"{ADDED}/{shown(name)} cannot be made ({error.strerror}): was it added already?"
        ) from error
    finally:
        os.close(root)


def _folder(root: int, owner: tuple[int, int] | None) -> int:
    try:
        os.mkdir(ADDED, dir_fd=root)
        if owner is not None:
            os.chown(ADDED, *owner, dir_fd=root, follow_symlinks=False)
    except FileExistsError:
        pass
    return open_beneath(root, ADDED, os.O_RDONLY | os.O_DIRECTORY, links=False)
