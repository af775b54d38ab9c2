"""Which files of a project decide what its set-up commands install."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatch

from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree

PATTERNS = (
    "*requirements*.txt",
    "constraints*.txt",
    "requirements/*.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "Pipfile",
    "environment.y*ml",
    "*.lock",
    "*.lockb",
    ".python-version",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "npm-shrinkwrap.json",
    "go.mod",
    "go.sum",
    "Cargo.toml",
    "Gemfile",
    "composer.json",
    "pom.xml",
    "build.gradle*",
)
FOLDERS = (".", "requirements")
MOST_BYTES = 20_000_000
MOST_FILES = 200
_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", re.MULTILINE)


def dependency_files(tree: Tree, commands: Sequence[str]) -> dict[str, bytes]:
    """Path and contents of the dependency files of the project beneath `tree`, by path.

    These are the well-known names, the files the commands name, and what requirements files
    include. Links that lead outside, FIFOs and the like do not count.
    """
    found: dict[str, bytes] = {}
    waiting = [*_well_known(tree), *_named(commands)]
    while waiting and len(found) < MOST_FILES:
        with suppress(PathError):
            path = tree.normalise(waiting.pop(0))
            if path not in found and tree.kind(path) in ("file", "link"):
                found[path] = tree.read(path, MOST_BYTES)
                waiting += _included(path, found[path])
    return dict(sorted(found.items()))


def _well_known(tree: Tree) -> Iterator[str]:
    for folder in FOLDERS:
        with suppress(PathError):
            for entry in tree.list(folder):
                if any(fnmatch(entry.path, pattern) for pattern in PATTERNS):
                    yield entry.path


def _named(commands: Sequence[str]) -> Iterator[str]:
    for command in commands:
        try:
            words = shlex.split(command)
        except ValueError:
            words = command.split()
        for word in words:
            # `-rrequirements.txt`, `--file=deps.txt` and `./setup.sh;` name a file as well.
            yield from (word, word.strip(";&|()"), word.removeprefix("-r"), word.rpartition("=")[2])


def _included(path: str, data: bytes) -> list[str]:
    if not path.endswith((".txt", ".in")):
        return []
    folder = path.rpartition("/")[0]
    names = _INCLUDE.findall(data.decode(errors="replace"))
    return [f"{folder}/{name}" if folder else name for name in names]
