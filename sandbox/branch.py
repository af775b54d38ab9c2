"""Publish a result as a branch of the user's repository, leaving everything else as it is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.merge import LINK
from qwright.sandbox.store import SOURCE_HEAD, Change, Checkpoint, CheckpointStore
from qwright.sandbox.tree import shown
from qwright.sandbox.user_repo import UserRepo


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that was made. `notices` are lines the user should read."""

    name: str
    commit: str
    notices: list[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: int
    blob: str


def save_branch(
    source: Path,
    store: CheckpointStore,
    base: Checkpoint,
    result: Checkpoint,
    name: str,
    message: str,
) -> Branch:
    """Create branch `name` in the repository at `source` with what changed from base to result.

    Its one commit sits on the commit that was checked out when the session began. Files go
    through the user's own git filters (line ends, LFS) as `git add` would do it. A changed file
    that had uncommitted edits at the start carries them along, which a notice says. Raises
    WorkspaceError: no repository, a bad or existing name, a change inside a submodule.
    """
    repo = _repository(source)
    ref = _new_ref(repo, name)
    head = store.trailer(base, SOURCE_HEAD) or None
    changes = store.changed(base, result) if head else _everything(store, result)
    with tempfile.TemporaryDirectory(prefix="qwright-branch-") as directory:
        index = {"GIT_INDEX_FILE": str(Path(directory, "index"))}
        if head:
            repo.run("read-tree", head, environment=index)
        dirty = _dirty(repo, store, head, changes)
        entries = _entries(repo, store, changes)
        info = _index_info(entries, len(head or ""))
        repo.run("update-index", "-z", "--index-info", stdin=info, environment=index)
        tree = repo.run("write-tree", environment=index).decode().strip()
    commit = repo.commit(tree, head, message)
    repo.run("update-ref", ref, commit, "0" * len(commit))
    return Branch(name, commit, _notices(head, dirty))


def require_free_name(source: Path, name: str) -> None:
    """Raises WorkspaceError where `save_branch` would refuse the name or the place."""
    _new_ref(_repository(source), name)


def _repository(source: Path) -> UserRepo:
    repo = UserRepo.find(source)
    if repo is None:
        raise WorkspaceError(f"{source} is no git repository: use --patch instead of --branch")
    return repo


def _new_ref(repo: UserRepo, name: str) -> str:
    if not repo.succeeds("check-ref-format", "--branch", name) or name.startswith(("-", "@")):
        raise WorkspaceError(f"{shown(name)} is no valid branch name: choose another")
    ref = f"refs/heads/{name}"
    if repo.succeeds("rev-parse", "--verify", "-q", ref):
        raise WorkspaceError(f"branch {name} exists already: choose another name or delete it")
    return ref


def _everything(store: CheckpointStore, result: Checkpoint) -> list[Change]:
    return [
        Change(path, "added", 0, mode, "", sha)
        for path, (mode, sha) in store.tree_of(result).items()
    ]


def _entries(
    repo: UserRepo, store: CheckpointStore, changes: Iterable[Change]
) -> dict[str, _Entry | None]:
    entries: dict[str, _Entry | None] = {}
    for change in changes:
        if not change.new_mode:
            entries[change.path] = None
            continue
        data = store.blob(change.new_blob)
        # A link's target is no file content: filters do not apply to it.
        how = "--no-filters" if change.new_mode == LINK else f"--path={change.path}"
        sha = repo.run("hash-object", "-w", how, "--stdin", stdin=data).decode().strip()
        entries[change.path] = _Entry(change.new_mode, sha)
    return entries


def _dirty(
    repo: UserRepo, store: CheckpointStore, head: str | None, changes: Iterable[Change]
) -> list[str]:
    if head is None:
        return []
    committed = _tree(repo, head)
    inside = [path for path, entry in committed.items() if entry.mode == 0o160000]
    found: list[str] = []
    for change in changes:
        if any(change.path.startswith(f"{module}/") for module in inside):
            raise WorkspaceError(
                f"{shown(change.path)} lies in a submodule: use --patch instead of --branch"
            )
        if change.old_mode and _clean(repo, store, change) != committed.get(change.path):
            found.append(change.path)
    return found


def _clean(repo: UserRepo, store: CheckpointStore, change: Change) -> _Entry:
    how = "--no-filters" if change.old_mode == LINK else f"--path={change.path}"
    data = store.blob(change.old_blob)
    sha = repo.run("hash-object", how, "--stdin", stdin=data).decode().strip()
    return _Entry(change.old_mode, sha)


def _tree(repo: UserRepo, head: str) -> dict[str, _Entry]:
    raw = os.fsdecode(repo.run("ls-tree", "-r", "-z", "--full-tree", head))
    rows = (line.split("\t", 1) for line in raw.split("\0")[:-1])
    return {path: _Entry(int(head[:6], 8), head.split(" ")[2]) for head, path in rows}


def _index_info(entries: dict[str, _Entry | None], width: int) -> bytes:
    # Removals come first: a file may become a directory.
    ordered = sorted(entries.items(), key=lambda item: item[1] is not None)
    lines = (
        f"{entry.mode:o} {entry.blob}\t{path}" if entry else f"0 {'0' * width}\t{path}"
        for path, entry in ordered
    )
    return b"".join(os.fsencode(line) + b"\0" for line in lines)


def _notices(head: str | None, dirty: list[str]) -> list[str]:
    if head is None:
        return ["the repository had no commit, so the branch holds every file"]
    if not dirty:
        return []
    names = ", ".join(map(shown, dirty[:5])) + (" ..." if dirty[5:] else "")
    return [f"the branch also holds edits that were not committed before, in: {names}"]
