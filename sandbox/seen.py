"""The user's files as the session last knew them: one ref in the session's store.

It begins as the first checkpoint and moves when a result is applied or taken back, and when the
user's own edits are brought in. What lies between it and the cursor was not accepted yet.
"""

from __future__ import annotations

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import SEEN, Checkpoint, CheckpointStore
from qwright.sandbox.trees import build, merge


def seen_of(store: CheckpointStore) -> Checkpoint:
    """The user's files as the session last knew them. Raises WorkspaceError before any are."""
    found = store.at(SEEN) or store.base()
    if found is None:
        raise WorkspaceError("this session has no checkpoint yet")
    return found


def move_seen(store: CheckpointStore, to: Checkpoint) -> None:
    """Say that the user's files are now known to be as in `to`."""
    Plumbing(store.git_dir).run("update-ref", SEEN, to.commit)


def follow(store: CheckpointStore, old: Checkpoint, new: Checkpoint) -> None:
    """Say that what changed from `old` to `new` was done to the user's files.

    Doing so twice changes nothing more, so it can be repeated after a crash.
    """
    here = seen_of(store)
    if here.tree == old.tree:
        target = new
    elif entries := merge(store, old, here, new).entries:
        target = build(store, here, entries, "seen")
    else:
        return
    move_seen(store, target)
