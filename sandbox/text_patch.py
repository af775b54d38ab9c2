"""A patch as text: what changed between two checkpoints, fit for JSON, complete for `git apply`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore

_EXACT = ("-p", "-r", "--binary", "--full-index", "--no-renames", "--no-ext-diff")


def text_patch(store: CheckpointStore, old: Checkpoint, new: Checkpoint) -> str:
    """The patch from `old` to `new`; files that are no UTF-8 are in it in git's binary form."""
    whole = store.patch(old, new)
    try:
        return whole.decode()
    except UnicodeDecodeError:
        changes = store.changed(old, new)
    blobs = store.blobs(blob for one in changes for blob in (one.old_blob, one.new_blob) if blob)
    odd = {name for name, data in blobs.items() if not _is_text(data)}
    parts = list[bytes]()
    for binary in (False, True):
        chosen = [one for one in changes if (not odd.isdisjoint(_blobs(one))) is binary]
        parts.append(_patch(store, old, new, chosen, binary=binary))
    return b"".join(parts).decode()


def _patch(
    store: CheckpointStore,
    old: Checkpoint,
    new: Checkpoint,
    changes: Sequence[Change],
    *,
    binary: bool,
) -> bytes:
    """Of these files alone; with `binary` none of them is taken for text."""
    if not changes:
        return b""
    with tempfile.TemporaryDirectory(prefix="build-", dir=store.git_dir) as directory:
        # A store of its own, since the rule of what is binary belongs to a store.
        beside = Path(directory, "git")
        git = Plumbing(beside)
        beside.mkdir()
        git.run("init", "-q", "--bare", "--template=", str(beside))
        for folder, name, line in (
            ("objects/info", "alternates", store.git_dir.resolve() / "objects"),
            ("info", "attributes", "* -diff" if binary else "* !diff"),
        ):
            (beside / folder).mkdir(parents=True, exist_ok=True)
            (beside / folder / name).write_text(f"{line}\n")
        paths = [change.path for change in changes]
        return git.run("diff-tree", *_EXACT, old.tree, new.tree, "--", *paths)


def _blobs(change: Change) -> set[str]:
    return {change.old_blob, change.new_blob}


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
