"""The session's own checkout: the user's files as they are now, without touching the user's."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.scan import is_litter
from qwright.sandbox.seed import copy_files
from qwright.sandbox.store import SOURCE_HEAD, Checkpoint, CheckpointStore
from qwright.sandbox.tree import is_git_name, shown
from qwright.sandbox.user_repo import UserRepo

_FOLDER_FILES = 200_000
_FOLDER_BYTES = 4_000_000_000
_ROOM_TO_WORK = 4_000_000
"""Bytes for the steps of even the smallest session."""
_SECRET = (
    *(".env", ".env.*", "*.env", ".netrc", "_netrc", ".git-credentials", ".npmrc", ".pypirc"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.p12", "*.pfx"),
    *("*.kdbx", "*.keystore", "*.jks", "credentials.json", ".htpasswd"),
)
_NOT_SECRET = (".env.example", ".env.sample", ".env.template", ".env.dist")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A new session's files."""

    root: Path
    """The user's repository, or the folder, that was copied."""
    subdirectory: str
    """Where in `root` the user was; "." for the root itself."""
    head: str | None
    """The commit of the user's repository; None without one."""
    store: CheckpointStore
    base: Checkpoint
    notices: list[str]
    """One line for each thing that was left out."""


@dataclass(slots=True)
class _Plan:
    root: Path
    head: str | None = None
    paths: dict[str, None] = field(default_factory=dict[str, None])
    excludes: list[str] = field(default_factory=list[str])
    notices: list[str] = field(default_factory=list[str])
    unrecorded: set[str] = field(default_factory=set[str])
    """Of the paths, those that are copied and no part of any checkpoint."""
    folders: list[str] = field(default_factory=list[str])
    """That are made even when nothing lies in them; none comes before the one it is in."""


def create_checkout(
    source: Path,
    session_dir: Path,
    owner: tuple[int, int] | None = None,
    *,
    everything: bool = False,
) -> Checkout:
    """Copy the repository around `source` (or that folder) to `session_dir`/ws.

    Tracked files that are present and untracked ones that are not ignored are copied as they
    are, links as links; its store is made at `session_dir`/store.git with the copy as its first
    checkpoint. `owner` is the (uid, gid) of the container's user when it is not ours. Nothing is
    written to the user's repository. `everything`: for files that are nobody's, such as a test bed,
    what is ignored or looks like a secret is copied too; it is in no checkpoint. Raises
    WorkspaceError.
    """
    source = source.resolve()
    plan = _plan(source)
    if everything:
        _add_rest(plan)
    work_tree = session_dir / "ws"
    store = CheckpointStore(session_dir / "store.git", work_tree, owner)
    try:
        _require_space(plan, session_dir)
        work_tree.mkdir(mode=0o755)
        if owner is not None:
            os.chown(work_tree, *owner)
        store.init(plan.excludes)
        files = copy_files(plan.root, work_tree, list(plan.paths), owner)
        trailers = [f"{SOURCE_HEAD}: {plan.head}"] if plan.head else []
        base = store.seed((file for file in files if file.path not in plan.unrecorded), trailers)
        _make_folders(work_tree, plan.folders, owner)
    except BaseException:
        shutil.rmtree(work_tree, ignore_errors=True)
        shutil.rmtree(store.git_dir, ignore_errors=True)
        raise
    inside = source.relative_to(plan.root).as_posix()
    return Checkout(plan.root, inside, plan.head, store, base, plan.notices)


def nested_files(root: Path, inside: str) -> list[str]:
    """The files of a repository or folder `inside` the one at `root`, relative to `root`."""
    plan = _Plan(root)
    inner = UserRepo.find(root / inside) if (root / ".git").exists() else None
    if inner is not None and inner.root.resolve() == (root / inside).resolve():
        _add_repository(plan, inner, f"{inside}/")
    elif inner is None:
        for path, _ in _walk(root / inside):
            _add_untracked(plan, f"{inside}/{path}")
    return list(plan.paths)


def files_inside(directory: Path) -> list[str]:
    """The files that a session of this folder would copy, relative to it. Raises WorkspaceError."""
    plan = _plan(directory)
    inside = directory.resolve().relative_to(plan.root).as_posix()
    above = "" if inside == "." else f"{inside}/"
    return [path.removeprefix(above) for path in plan.paths if path.startswith(above)]


def is_wanted(path: str) -> bool:
    """Whether a file that git does not track belongs to a session."""
    parts = path.split("/")
    return not (any(map(is_litter, parts)) or any(map(is_git_name, parts)) or is_secret(parts[-1]))


def _plan(source: Path) -> _Plan:
    if not source.is_dir():
        raise WorkspaceError(f"{source}: no such directory")
    repo = UserRepo.find(source)
    root = source if repo is None else repo.root.resolve()
    if root in (Path("/"), Path.home().resolve()):
        raise WorkspaceError(f"{root} is no project: start qwright in the folder of one")
    plan = _Plan(root)
    if repo is None:
        _add_folder(plan)
    else:
        plan.head = repo.head()
        plan.excludes = repo.excludes()
        _add_repository(plan, repo, "")
    return plan


def _add_repository(plan: _Plan, repo: UserRepo, prefix: str) -> None:
    listing = repo.listing()
    for path in listing.tracked:
        plan.paths[prefix + path] = None
    for path in listing.untracked:
        _add_untracked(plan, prefix + path)
    for path in listing.repositories:
        inner = UserRepo.find(repo.root / path) if (repo.root / path).is_dir() else None
        if inner is None or inner.root.resolve() != (repo.root / path).resolve():
            plan.notices.append(f"{shown(prefix + path)}: an empty submodule, left out")
        else:
            _add_repository(plan, inner, f"{prefix}{path}/")


def _add_folder(plan: _Plan) -> None:
    size = 0
    for path, bytes_ in _walk(plan.root):
        _add_untracked(plan, path)
        size += bytes_
        if len(plan.paths) > _FOLDER_FILES or size > _FOLDER_BYTES:
            raise WorkspaceError(
                f"{plan.root} holds over {_FOLDER_FILES:,} files or {_FOLDER_BYTES / 1e9:.0f} GB "
                "and is no git repository: start in a smaller folder, or run git init there"
            )


def _add_rest(plan: _Plan) -> None:
    plan.notices.clear()
    # The user's own ignore files have no say in what is nobody's.
    own = plan.root / ".git" / "info" / "exclude"
    plan.excludes = own.read_text(errors="surrogateescape").splitlines() if own.is_file() else []
    for above, folders, names in os.walk(plan.root):
        links = [name for name in folders if os.path.islink(f"{above}/{name}")]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        plan.folders += [os.path.relpath(f"{above}/{name}", plan.root) for name in folders]
        for name in (*links, *names):
            path = os.path.relpath(f"{above}/{name}", plan.root)
            if path not in plan.paths and name != ".git":
                plan.unrecorded.add(path)
                plan.paths[path] = None


def _make_folders(work_tree: Path, folders: Sequence[str], owner: tuple[int, int] | None) -> None:
    for folder in folders:
        if not os.path.lexists(work_tree / folder):
            os.mkdir(work_tree / folder)
            if owner is not None:
                os.chown(work_tree / folder, *owner)


def _add_untracked(plan: _Plan, path: str) -> None:
    parts = path.split("/")
    if any(map(is_litter, parts)) or any(map(is_git_name, parts)):
        return
    if is_secret(parts[-1]):
        plan.notices.append(f"{shown(path)}: looks like a secret, not copied (git add it if not)")
        return
    plan.paths[path] = None


def is_secret(name: str) -> bool:
    """Whether a file called `name` is likely to hold a key or a password."""
    folded = name.casefold()
    return folded not in _NOT_SECRET and any(fnmatchcase(folded, known) for known in _SECRET)


def _walk(root: Path) -> Iterator[tuple[str, int]]:
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root / prefix) as found:
            for item in sorted(found, key=lambda item: item.name):
                if item.is_dir(follow_symlinks=False):
                    if not is_git_name(item.name) and not is_litter(item.name):
                        pending.append(f"{prefix}{item.name}/")
                else:
                    yield prefix + item.name, item.stat(follow_symlinks=False).st_size


def _require_space(plan: _Plan, session_dir: Path) -> None:
    needed = 2 * sum(_sizes(plan.root, list(plan.paths))) + _ROOM_TO_WORK
    free = shutil.disk_usage(session_dir).free
    if free < needed:
        raise WorkspaceError(
            f"a session of {plan.root} needs {_size(needed)} in {session_dir.parent}, "
            f"{_size(free)} are free: make room or set QWRIGHT_HOME to another disk"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _sizes(root: Path, paths: Sequence[str]) -> Iterator[int]:
    for path in paths:
        try:
            state = os.lstat(f"{root}/{path}")
        except OSError:
            continue
        if stat.S_ISREG(state.st_mode):
            yield state.st_size
