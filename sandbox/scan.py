"""Which files of a checkout differ from the index, with nothing followed and nothing opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.plumbing import GitFailedError, Plumbing
from qwright.sandbox.tree import Tree, is_git_name, shown

SIZE_LIMIT = 50_000_000
"""Bytes; a new or changed file larger than this is not recorded."""
LITTER = (
    "__pycache__/",
    "*.pyc",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".venv/",
    "*.egg-info/",
    ".eggs/",
    ".coverage",
    "node_modules/",
    ".qwright-*.tmp",
)
"""What builds and test runs leave behind, in git's ignore syntax: never recorded as new files."""
ADDED = ".added"
"""Where folders lie that the user added to read; no part of any checkpoint."""

_LIST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Scan:
    """What has to be told to the index."""

    present: list[str] = field(default_factory=list[str])
    """Regular files and links that are new or differ."""
    gone: list[str] = field(default_factory=list[str])
    """Paths in the index where there is no longer a file or link."""
    too_large: list[str] = field(default_factory=list[str])
    notices: list[str] = field(default_factory=list[str])


def scan(git: Plumbing, work_tree: Path, limit: int | None) -> Scan:
    """Compare the checkout with the index.

    `limit` is the size in bytes over which a file is left out; None for no limit. Raises
    WorkspaceError when git cannot list the files.
    """
    tree = Tree(work_tree, follow_links=False)
    return sort_paths(tree, _files(tree, _listed(git, work_tree)), limit)


def sort_paths(tree: Tree, paths: Iterable[str], limit: int | None) -> Scan:
    """Look at each path and sort it into a Scan."""
    found = Scan()
    for path in paths:
        if any(map(is_git_name, path.split("/"))):
            found.notices.append(f"{shown(path)}: not recorded, it could pass for .git")
            continue
        try:
            state = tree.stat(path)
        except PathError:  # beneath a symbolic link: what the index holds is no longer there
            state = None
        if state is None or stat.S_ISDIR(state.st_mode):
            found.gone.append(path)
        elif not (stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode)):
            found.gone.append(path)
            found.notices.append(f"{shown(path)}: not recorded, it is not a regular file")
        elif limit is not None and state.st_size > limit:
            found.too_large.append(path)
            size = f"{state.st_size / 1e6:,.0f} MB"
            found.notices.append(f"{shown(path)}: not recorded, its {size} are too much")
        else:
            found.present.append(path)
    return found


def refuse_special_rules(work_tree: Path, cause: GitFailedError) -> None:
    """Say which FIFO called .gitattributes or .gitignore git hangs on, if there is one.

    Raises WorkspaceError.
    """
    for entry in Tree(work_tree).walk():
        if entry.path.endswith((".gitattributes", ".gitignore")) and entry.kind == "other":
            raise WorkspaceError(f"{shown(entry.path)} is no regular file: remove it") from cause


def is_litter(name: str) -> bool:
    """Whether a file or directory called `name` matches LITTER."""
    return any(fnmatchcase(name, pattern.rstrip("/")) for pattern in LITTER)


def _listed(git: Plumbing, work_tree: Path) -> list[str]:
    rules = ("-x", f"/{ADDED}/", f"--exclude-from={git.git_dir}/info/exclude")
    command = ("ls-files", "-z", "-m", "-d", "-o", *rules)
    try:
        raw = git.run(*command, "--exclude-per-directory=.gitignore", timeout=_LIST_SECONDS)
    except GitFailedError:
        # git opens every .gitignore it meets, so one that is a FIFO or huge stops it.
        raw = _listed_without_rules(git, command, work_tree)
    return list(dict.fromkeys(os.fsdecode(raw).split("\0")[:-1]))


def _listed_without_rules(git: Plumbing, command: tuple[str, ...], work_tree: Path) -> bytes:
    try:
        return git.run(*command, timeout=_LIST_SECONDS)
    except GitFailedError as error:
        refuse_special_rules(work_tree, error)
        raise


def _files(tree: Tree, listed: Iterable[str]) -> Iterator[str]:
    for path in listed:
        if path.endswith("/"):  # a repository inside: git stops there, its files are ours to find
            yield from _inside(tree, path.rstrip("/"))
        else:
            yield path


def _inside(tree: Tree, path: str) -> Iterator[str]:
    for entry in tree.walk(path):
        if entry.kind in ("file", "link") and not any(map(is_litter, entry.path.split("/"))):
            yield entry.path
