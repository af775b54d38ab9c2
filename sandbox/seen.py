"""What the session knows of the user's files: two refs in its store.

"Seen" is the user's files as the session last knew them. It moves when a result is applied or
taken back, and when the user's own edits are brought in. What lies between it and the cursor was
not accepted yet. "Yours" is how the user's files would be without the session: it moves with the
user's own edits only. What lies between it and the cursor is what the session did, accepted or
not. Both begin as the first checkpoint.
"""

from __future__ import annotations

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import SEEN, SOURCE_HEAD, YOURS, Checkpoint, CheckpointStore
from qwright.sandbox.trees import build, commit_tree, merge


def seen_of(store: CheckpointStore) -> Checkpoint:
    """The user's files as the session last knew them. Raises WorkspaceError before any are."""
    return _at(store, SEEN)


def yours_of(store: CheckpointStore) -> Checkpoint:
    """The user's files without the session's work. Raises WorkspaceError before any are known."""
    return _at(store, YOURS)


def move_seen(store: CheckpointStore, to: Checkpoint) -> None:
    """Say that the user's files are now known to be as in `to`."""
    Plumbing(store.git_dir).run("update-ref", SEEN, to.commit)


def move_yours(store: CheckpointStore, old: Checkpoint, new: Checkpoint, head: str | None) -> None:
    """Say that the user changed their files from `old` to `new`; `head` is where their git is.

    An edit that needs the session's work to lie on counts as part of that work.
    """
    here = yours_of(store)
    trailers = [f"{SOURCE_HEAD}: {head}"] if head else []
    if here.tree == old.tree:
        made = commit_tree(store, new.tree, here, "yours", trailers=trailers)
    elif entries := merge(store, old, here, new).entries:
        made = build(store, here, entries, "yours", trailers=trailers)
    else:
        return
    Plumbing(store.git_dir).run("update-ref", YOURS, made.commit)


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


def _at(store: CheckpointStore, ref: str) -> Checkpoint:
    found = store.at(ref) or store.base()
    if found is None:
        raise WorkspaceError("this session has no checkpoint yet")
    return found
