"""A private, writable copy of a test bed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import Plumbing


def copy_bed(directory: Path, target: Path, owner: tuple[int, int] | None = None) -> None:
    """Copy a test bed, its .git and ignored files too, to `target`, which must not exist.

    `owner` is the (uid, gid) that the copy gets. Raises WorkspaceError.
    """
    try:
        shutil.copytree(directory, target, symlinks=True)
        # Its index knows the times of other files; git apply would have to read them all.
        git = Plumbing(target / ".git", target)
        git.run("update-index", "-q", "--refresh", codes=(0, 1))
        if owner is not None:
            _give(target, owner)
    except (OSError, shutil.Error) as error:
        raise WorkspaceError(f"cannot copy the test bed to {target}: {error}") from error


def _give(target: Path, owner: tuple[int, int]) -> None:
    os.chown(target, *owner)
    for above, folders, names in os.walk(target):
        for name in (*folders, *names):
            os.chown(f"{above}/{name}", *owner, follow_symlinks=False)
