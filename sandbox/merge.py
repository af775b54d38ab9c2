"""Three-way merge of one path: the common ancestor, the user's file, and the other side's."""

from __future__ import annotations

import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from qwright.sandbox.plumbing import GitFailedError, Plumbing

LINK = 0o120000
PLAIN = 0o100644
EXECUTABLE = 0o100755


@dataclass(frozen=True, slots=True)
class FileState:
    """A file or link as git knows it: mode PLAIN, EXECUTABLE or LINK, and its bytes."""

    mode: int
    data: bytes


class NotMergedError(Exception):
    """Both sides changed the same place; nothing was merged."""


def git_mode(mode: int) -> int:
    """The mode git records for a file or link of lstat mode `mode`."""
    if stat.S_ISLNK(mode):
        return LINK
    return EXECUTABLE if mode & stat.S_IXUSR else PLAIN


def three_way(
    base: FileState | None, user: FileState | None, other: FileState | None, git: Plumbing
) -> FileState | None:
    """What the path becomes when both sides' changes since `base` are kept; None is no file.

    Raises NotMergedError when they collide.
    """
    if user == base:
        return other
    if other in (base, user):
        return user
    if base is None or user is None or other is None:
        raise NotMergedError
    if LINK in (base.mode, user.mode, other.mode):
        raise NotMergedError
    mode = other.mode if user.mode == base.mode else user.mode
    return FileState(mode, _merge_bytes(base.data, user.data, other.data, git))


def _merge_bytes(base: bytes, user: bytes, other: bytes, git: Plumbing) -> bytes:
    if user == base:
        return other
    if other in (base, user):
        return user
    with tempfile.TemporaryDirectory(prefix="qwright-merge-") as directory:
        files = [Path(directory, name) for name in ("user", "base", "other")]
        for file, data in zip(files, (user, base, other), strict=True):
            file.write_bytes(data)
        try:
            return git.run("merge-file", "-p", "-q", *map(str, files))
        except GitFailedError as error:
            raise NotMergedError from error
