"""Bring a result into the user's files, and take it back: three-way, all or nothing, undoable.

Only files are written. The user's index, branches, stash and hooks are never touched.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from qwright.sandbox import journal
from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.failpoint import failpoint
from qwright.sandbox.journal import Journal, Recorded, Replaced
from qwright.sandbox.merge import (
    EXECUTABLE,
    LINK,
    FileState,
    NotMergedError,
    git_mode,
    three_way,
)
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.seen import follow
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from qwright.sandbox.tree import Tree, is_temporary, shown

_WHOLE = 1 << 62


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done to the user's files."""

    paths: list[str]
    """Every path that was written or removed, sorted."""
    merged: list[str]
    """Those among them where the user's own later edits were kept and merged."""


class ConflictError(WorkspaceError):
    """Files were changed on both sides. Nothing was written."""

    def __init__(self, message: str, paths: list[str]) -> None:
        super().__init__(message)
        self.paths = paths


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    before: FileState | None
    after: FileState | None


_Versions = Mapping[str, tuple[FileState | None, FileState | None]]
"""Path to the two versions whose difference is to be brought to the user's file."""


def apply_result(
    source: Path,
    session_dir: Path,
    store: CheckpointStore,
    base: Checkpoint,
    result: Checkpoint,
    *,
    undoable: bool = True,
) -> Applied:
    """Apply what changed from `base` to `result` to the files beneath `source`.

    `source` is the root that was copied (`Checkout.root`). A file the user changed meanwhile is
    merged. Raises ConflictError when that is impossible; then nothing at all was written.
    Raises WorkspaceError when a file cannot be written; what was written is then taken back.
    An application that was killed half-way is taken back first. `undoable`: it is for `undo_apply`
    to take back; what itself takes something back is not.
    """
    with _locked(source) as tree:
        _finish_broken(tree, session_dir, store)
        wanted = _versions(store, store.changed(base, result))
        steps = _plan(tree, wanted, Plumbing(store.git_dir))
        if not steps:
            follow(store, base, result)
            return Applied([], [])
        replaced = _replaced(store, steps)
        log = journal.begin(session_dir / "applied", source, base.commit, result.commit, replaced)
        failpoint("apply-journal")
        try:
            _carry_out(tree, steps)
        except PathError as error:
            _take_back(tree, log, store)
            raise WorkspaceError(f"{error}; nothing was changed") from error
        follow(store, base, result)
        failpoint("apply-followed")
        log.mark("done" if undoable else "undone")
        failpoint("apply-done")
    merged = [step.path for step in steps if step.after != wanted[step.path][1]]
    return Applied(sorted(step.path for step in steps), sorted(merged))


def undo_apply(source: Path, session_dir: Path, store: CheckpointStore) -> Applied:
    """Take back what `apply_result` wrote last; later edits of the user are kept.

    Raises ConflictError when the user edited the very same places (nothing is written), and
    WorkspaceError when there is nothing to take back.
    """
    log = journal.latest(session_dir / "applied")
    if log is None:
        raise WorkspaceError("nothing to undo: this session's result was not applied")
    with _locked(source) as tree:
        return _take_back(tree, log, store)


def finish_broken(source: Path, session_dir: Path, store: CheckpointStore) -> None:
    """Take back an application that was killed half-way. Raises WorkspaceError.

    A file that the user has edited since, in the same places, stays as they left it.
    """
    log = journal.latest(session_dir / "applied")
    if log is not None and log.state in ("started", "undoing"):
        with _locked(source) as tree:
            _finish_broken(tree, session_dir, store)


def patch_text(store: CheckpointStore, base: Checkpoint, result: Checkpoint) -> bytes:
    """The difference as a patch that `git apply` takes, binary files included."""
    return store.patch(base, result)


def _take_back(tree: Tree, log: Journal, store: CheckpointStore, *, leave: bool = False) -> Applied:
    """With `leave`, a file in which the user edited the same place meanwhile stays as it is."""
    _remove_temporaries(tree, log)
    wanted = _recorded_versions(store, log)
    while True:
        try:
            steps = _plan(tree, wanted, Plumbing(store.git_dir))
            break
        except ConflictError as error:
            if not leave:
                raise
            wanted = {path: two for path, two in wanted.items() if path not in error.paths}
    log = log.mark("undoing")
    failpoint("undo-journal")
    _carry_out(tree, steps)
    if log.base:
        follow(store, store.find(log.result), store.find(log.base))
        failpoint("undo-followed")
    log.mark("undone")
    merged = [step.path for step in steps if step.after != wanted[step.path][1]]
    return Applied(sorted(step.path for step in steps), sorted(merged))


def _finish_broken(tree: Tree, session_dir: Path, store: CheckpointStore) -> None:
    log = journal.latest(session_dir / "applied")
    if log is not None and log.state in ("started", "undoing"):
        _take_back(tree, log, store, leave=True)


def _versions(store: CheckpointStore, changes: Iterable[Change]) -> _Versions:
    changes = list(changes)
    shas = [sha for change in changes for sha in (change.old_blob, change.new_blob) if sha]
    blobs = store.blobs(shas)

    def state(mode: int, sha: str) -> FileState | None:
        return FileState(mode, blobs[sha]) if mode else None

    return {
        change.path: (
            state(change.old_mode, change.old_blob),
            state(change.new_mode, change.new_blob),
        )
        for change in changes
    }


def _recorded_versions(store: CheckpointStore, log: Journal) -> _Versions:
    both = [side for item in log.paths for side in (item.before, item.after) if side]
    blobs = store.blobs(side.blob for side in both)

    def state(side: Recorded | None) -> FileState | None:
        return FileState(side.mode, blobs[side.blob]) if side else None

    return {item.path: (state(item.after), state(item.before)) for item in log.paths}


def _plan(tree: Tree, wanted: _Versions, git: Plumbing) -> list[_Step]:
    steps: list[_Step] = []
    conflicts: list[str] = []
    removed = {path for path, (_, new) in wanted.items() if new is None}
    for path, (old, new) in wanted.items():
        try:
            user = _look(tree, path, removed)
            after = three_way(old, user, new, git)
        except (NotMergedError, PathError):
            conflicts.append(path)
            continue
        if after != user:
            steps.append(_Step(path, user, after))
    if conflicts:
        raise ConflictError(_conflict_line(conflicts), conflicts)
    return steps


def _look(tree: Tree, path: str, removed: set[str]) -> FileState | None:
    blocker = _in_the_way(tree, path)
    if blocker is not None:
        if blocker not in removed:
            raise NotMergedError
        return None
    state = tree.stat(path)
    if state is None:
        return None
    match tree.kind(path):
        case "file":
            return FileState(git_mode(state.st_mode), tree.read(path, _WHOLE))
        case "link":
            return FileState(LINK, os.fsencode(tree.read_link(path)))
        case "directory" if _becomes_empty(tree, path, removed):
            return None
        case _:
            raise NotMergedError


def _in_the_way(tree: Tree, path: str) -> str | None:
    """The file or link that lies where a folder above `path` would have to be."""
    for above in reversed(list(_parents(path))):
        kind = tree.kind(above)
        if kind != "directory":
            return above if kind else None
    return None


def _becomes_empty(tree: Tree, path: str, removed: set[str]) -> bool:
    above = {parent for gone in removed for parent in _parents(gone)}
    return all(
        entry.path in (above if entry.kind == "directory" else removed)
        for entry in tree.walk(path, _WHOLE)
    )


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _carry_out(tree: Tree, steps: Iterable[_Step]) -> None:
    # Removals come first: a file may become a directory, or the other way round.
    ordered = sorted(steps, key=lambda step: (step.after is not None, step.path))
    for step in ordered:
        if step.after is None:
            tree.remove(step.path)
            tree.remove_empty(posixpath.dirname(step.path))
        else:
            _make_room(tree, step.path)
            _put(tree, step, step.after)
        failpoint("apply-file")
    for directory in {posixpath.dirname(step.path) or "." for step in ordered}:
        with suppress(PathError):
            tree.sync(directory)


def _make_room(tree: Tree, path: str) -> None:
    """Remove the empty folders that lie where a file is to be."""
    if tree.kind(path) == "directory":
        folders = [entry.path for entry in tree.walk(path, _WHOLE)]
        for folder in (*reversed(folders), path):
            tree.remove_empty(folder)


def _put(tree: Tree, step: _Step, after: FileState) -> None:
    if after.mode == LINK:
        tree.link(step.path, os.fsdecode(after.data))
        return
    executable = after.mode == EXECUTABLE
    was = step.before is not None and step.before.mode == EXECUTABLE
    change = executable if executable != was else None
    tree.write(step.path, after.data, executable=change, over_link=True)


def _replaced(store: CheckpointStore, steps: list[_Step]) -> list[Replaced]:
    states = [side for step in steps for side in (step.before, step.after) if side]
    names = dict(zip(states, store.keep([state.data for state in states]), strict=True))

    def side(state: FileState | None) -> Recorded | None:
        return Recorded(state.mode, names[state]) if state else None

    return [Replaced(step.path, side(step.before), side(step.after)) for step in steps]


def _remove_temporaries(tree: Tree, log: Journal) -> None:
    for directory in {posixpath.dirname(item.path) or "." for item in log.paths}:
        with suppress(PathError):
            for entry in tree.list(directory):
                if is_temporary(posixpath.basename(entry.path)):
                    tree.remove(entry.path)


@contextmanager
def _locked(source: Path) -> Generator[Tree, None, None]:
    tree = Tree(source, follow_links=False)
    # A lock on the directory itself: two results are never applied at once, and no file is made.
    root = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        yield tree
    finally:
        os.close(root)


def _conflict_line(paths: list[str]) -> str:
    names = ", ".join(map(shown, paths[:5])) + (f" and {len(paths) - 5} more" if paths[5:] else "")
    return f"changed on both sides, so nothing was written: {names}"
