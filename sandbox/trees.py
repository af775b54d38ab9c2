"""Git trees made and merged inside a session's store, without any file being touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.merge import FileState, NotMergedError, three_way
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore

Entry = tuple[int, str]
"""Git mode and blob of a file or link."""
_NO_ENTRY = "0" * 40


@dataclass(frozen=True, slots=True)
class Merged:
    """What has to change in "ours" so that it holds the other side's changes as well."""

    entries: dict[str, Entry | None] = field(default_factory=dict[str, Entry | None])
    """Path to what it becomes; None is no file."""
    both: list[str] = field(default_factory=list[str])
    """Those that both sides had changed, where both changes were kept."""
    conflicts: list[str] = field(default_factory=list[str])
    """Paths in which both changed the same place; they stay as they are in "ours"."""


def old_entry(change: Change) -> Entry | None:
    """What was at the path before."""
    return (change.old_mode, change.old_blob) if change.old_mode else None


def new_entry(change: Change) -> Entry | None:
    """What is at the path after."""
    return (change.new_mode, change.new_blob) if change.new_mode else None


def build(
    store: CheckpointStore,
    start: Checkpoint,
    entries: Mapping[str, Entry | None],
    label: str,
    *,
    trailers: Sequence[str] = (),
) -> Checkpoint:
    """Make a commit of `start` with some paths replaced; no ref points at it yet.

    Raises WorkspaceError when a path would be a file and a folder at once.
    """
    git = Plumbing(store.git_dir)
    with tempfile.TemporaryDirectory(prefix="build-", dir=store.git_dir) as directory:
        index = Path(directory, "index")
        git.run("read-tree", start.tree, index=index)
        git.run("update-index", "-z", "--index-info", stdin=index_info(entries), index=index)
        tree = git.run("write-tree", index=index).decode().strip()
    made = commit_tree(store, tree, start, label, trailers=trailers)
    # Git makes room for a file by dropping the folder of that name, and the other way round.
    if any(change.path not in entries for change in store.changed(start, made)):
        raise WorkspaceError(
            "a file and a folder of one name cannot both be: choose all of their changes"
        )
    return made


def commit_tree(
    store: CheckpointStore,
    tree: str,
    parent: Checkpoint,
    label: str,
    *,
    trailers: Sequence[str] = (),
) -> Checkpoint:
    """Make a commit of a tree; no ref points at it yet."""
    subject = " ".join(label.split()) or "step"
    message = "\n".join((subject, "", f"Step: {parent.step}", *trailers, ""))
    text = message.encode(errors="surrogateescape")
    made = Plumbing(store.git_dir).run("commit-tree", tree, "-p", parent.commit, stdin=text)
    return Checkpoint(made.decode().strip(), tree, parent.step, subject)


def merge(store: CheckpointStore, base: Checkpoint, ours: Checkpoint, theirs: Checkpoint) -> Merged:
    """Bring what changed from `base` to `theirs` into `ours`, path by path, three-way.

    Only paths that both sides changed are read. Nothing is written but blobs.
    """
    wanted = store.changed(base, theirs)
    mine = {change.path: change for change in store.changed(base, ours)} if wanted else {}
    found = Merged()
    for change in wanted:
        if change.path not in mine:
            found.entries[change.path] = new_entry(change)
    both = [(mine[change.path], change) for change in wanted if change.path in mine]
    _merge_files(store, [(our, their) for our, their in both if not _same(our, their)], found)
    _part_files_from_folders(found, mine)
    return found


def _same(one: Change, other: Change) -> bool:
    return new_entry(one) == new_entry(other)


def _merge_files(
    store: CheckpointStore, both: Sequence[tuple[Change, Change]], found: Merged
) -> None:
    sides = {
        change.path: (old_entry(change), new_entry(our), new_entry(change)) for our, change in both
    }
    blobs = store.blobs(entry[1] for three in sides.values() for entry in three if entry)
    git = Plumbing(store.git_dir)
    states = dict[str, FileState]()
    for path, three in sides.items():
        base, ours, theirs = (
            FileState(entry[0], blobs[entry[1]]) if entry else None for entry in three
        )
        try:
            merged = three_way(base, ours, theirs, git)
        except NotMergedError:
            found.conflicts.append(path)
            continue
        if merged is not None and merged != ours:
            states[path] = merged
    _keep(store, found, states)


def _keep(store: CheckpointStore, found: Merged, states: Mapping[str, FileState]) -> None:
    names = store.keep([state.data for state in states.values()])
    for (path, state), name in zip(states.items(), names, strict=True):
        found.entries[path] = (state.mode, name)
        found.both.append(path)


def _part_files_from_folders(found: Merged, mine: Mapping[str, Change]) -> None:
    """Leave out what cannot be beside ours: a file here where the other side has a folder."""
    present = {path for path, change in mine.items() if new_entry(change) is not None}
    above = {parent for path in present for parent in _parents(path)}
    for path, entry in list(found.entries.items()):
        if entry is None or path in present:
            continue
        if path in above or any(parent in present for parent in _parents(path)):
            del found.entries[path]
            found.conflicts.append(path)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def index_info(entries: Mapping[str, Entry | None]) -> bytes:
    """What `git update-index -z --index-info` reads to set these paths."""
    # Removals come first: a file may become a folder.
    ordered = sorted(entries.items(), key=lambda item: item[1] is not None)
    lines = (
        f"{entry[0]:o} {entry[1]}\t{path}" if entry else f"0 {_NO_ENTRY}\t{path}"
        for path, entry in ordered
    )
    return b"".join(os.fsencode(line) + b"\0" for line in lines)
