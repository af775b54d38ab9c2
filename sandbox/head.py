"""Which branch a folder is on, read from git's files without running git."""

from __future__ import annotations

from pathlib import Path

_LIMIT = 4096


def head_branch(root: Path) -> str:
    """The branch checked out around `root`, the first of a commit when detached, or ""."""
    for folder in (root, *root.parents):
        git = folder / ".git"
        if git.is_dir():
            return _name(git / "HEAD")
        if git.is_file():  # a linked work tree or a submodule: the file says where git's are
            return _name(folder / _first_line(git).removeprefix("gitdir: ") / "HEAD")
    return ""


def _name(head: Path) -> str:
    line = _first_line(head)
    if line.startswith("ref: "):
        return line.removeprefix("ref: ").removeprefix("refs/heads/")
    return line[:7]


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_LIMIT).decode(errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""
