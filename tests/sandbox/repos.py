"""Real git repositories for the tests, and a fingerprint of everything in them."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

from qwright.sandbox.store import CheckpointStore
from qwright.sandbox.tree import Tree

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(where: Path, *arguments: str, check: bool = True, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=where,
        env=_ENVIRONMENT,
        check=check,
        capture_output=True,
        input=stdin,
    )
    return done.stdout.decode(errors="surrogateescape")


def put(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def make_repo(root: Path, files: dict[str, bytes]) -> Path:
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    put(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def make_store(root: Path, files: dict[str, bytes]) -> CheckpointStore:
    work_tree = root / "ws"
    work_tree.mkdir(parents=True)
    put(work_tree, files)
    store = CheckpointStore(root / "store.git", work_tree)
    store.init()
    return store


def contents(root: Path, *, without: tuple[str, ...] = ()) -> dict[str, tuple[int, bytes]]:
    """Every file and link beneath `root` with its permission bits and bytes."""
    found: dict[str, tuple[int, bytes]] = {}
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if name not in without]
        for name in (*files, *(n for n in names if os.path.islink(os.path.join(directory, n)))):
            path = os.path.join(directory, name)
            state = os.lstat(path)
            if stat.S_ISLNK(state.st_mode):
                data = os.fsencode(os.readlink(path))
            else:
                data = Path(path).read_bytes() if stat.S_ISREG(state.st_mode) else b""
            found[os.path.relpath(path, root)] = (state.st_mode, data)
    return found


def fingerprint(root: Path) -> dict[str, str]:
    """A hash of every byte beneath `root`, git's own files (index, refs, stash, hooks) included."""
    return {
        path: hashlib.sha1(b"%o " % mode + data).hexdigest()
        for path, (mode, data) in contents(root).items()
    }


def fsck(store: CheckpointStore) -> None:
    git(store.git_dir, f"--git-dir={store.git_dir}", "fsck", "--strict", "--no-dangling")


def read(root: Path, path: str) -> bytes:
    return Tree(root).read(path)
