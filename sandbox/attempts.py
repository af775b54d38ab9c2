"""Attempts at one task: each begins with the files as the task found them, and leaves a branch."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.openat2 import open_beneath
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import Checkpoint, CheckpointStore
from qwright.sandbox.tree import Tree
from qwright.sandbox.trees import commit_tree

ATTEMPTS = "refs/attempts/"
"""Refs of a session's store: one commit each, whose parent is where the attempt began."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt changed lies between `base` and `left`, whose label says how it ended."""

    number: int
    base: Checkpoint
    left: Checkpoint


def keep_attempt(
    store: CheckpointStore, number: int, base: Checkpoint, left: Checkpoint, label: str
) -> None:
    """Keep the files of `left` as what an attempt made of `base`. Raises WorkspaceError."""
    made = commit_tree(store, left.tree, base, label)
    Plumbing(store.git_dir).run("update-ref", f"{ATTEMPTS}{number}", made.commit)


def kept_attempts(store: CheckpointStore) -> list[Attempt]:
    """The attempts at the last task that took several, in their order."""
    git = Plumbing(store.git_dir)
    raw = git.run("for-each-ref", "--format=%(refname) %(parent)", ATTEMPTS).decode()
    found = list[Attempt]()
    for line in raw.splitlines():
        ref, _, parent = line.partition(" ")
        left, number = store.at(ref), ref.removeprefix(ATTEMPTS)
        if left and number.isdigit():
            found.append(Attempt(int(number), store.find(parent), left))
    return sorted(found, key=lambda attempt: attempt.number)


def find_attempt(store: CheckpointStore, number: int) -> Attempt:
    """Raises WorkspaceError where there is no such attempt."""
    kept = kept_attempts(store)
    for attempt in kept:
        if attempt.number == number:
            return attempt
    here = ", ".join(str(attempt.number) for attempt in kept) or "none"
    raise WorkspaceError(f"this session has no attempt {number}: there are {here}")


def forget_attempts(store: CheckpointStore) -> None:
    """Drop those of a task before; their steps stay."""
    for attempt in kept_attempts(store):
        Plumbing(store.git_dir).run("update-ref", "-d", f"{ATTEMPTS}{attempt.number}")


def everything_in(work_tree: Path) -> frozenset[str]:
    """All there is in the files, recorded or not; the path of a folder ends in "/"."""
    return frozenset(_walk(Tree(work_tree, follow_links=False)))


def start_over(store: CheckpointStore, checkpoint: Checkpoint, there: Collection[str]) -> None:
    """Make the files as at `checkpoint`, and nothing else but what was `there` before.

    What was not recorded is lost. Nothing may write meanwhile. Raises WorkspaceError.
    """
    tree = Tree(store.work_tree, follow_links=False)
    top = os.open(store.work_tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # What a folder holds comes after it, so backwards it is empty when its turn comes.
        for path in reversed([path for path in _walk(tree) if path not in there]):
            _remove(top, path)
    finally:
        os.close(top)
    store.reset(checkpoint)


def _walk(tree: Tree) -> Iterator[str]:
    pending = ["."]
    while pending:
        # What cannot be listed, such as a path too long to name, stays.
        with suppress(PathError):
            for entry in tree.list(pending.pop()):
                if entry.kind == "directory":
                    pending.append(entry.path)
                    yield f"{entry.path}/"
                else:
                    yield entry.path


def _remove(top: int, path: str) -> None:
    """A file or an empty folder, without following a link; a folder that still holds something
    stays."""
    above, name = posixpath.split(path.rstrip("/"))
    flags = os.O_RDONLY | os.O_DIRECTORY
    with suppress(OSError):
        parent = open_beneath(top, above or ".", flags, links=False)
        try:
            if path.endswith("/"):
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)
        finally:
            os.close(parent)
