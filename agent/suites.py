"""A repository's own tests: the command that runs them all, and which files they are."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree

_TEST_FILE = re.compile(
    r"(^|/)(test_[^/]*|tests?\.\w+|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py)$"
    r"|(^|/)(tests?|spec|__tests__)/"
)
_PYTHON_FILES = {"pytest.ini", "tox.ini", "setup.cfg", "setup.py", "pyproject.toml", "conftest.py"}
_PYTEST = (
    "python=$(command -v python || command -v python3); "
    "if $python -c 'import pytest' 2>/dev/null; "
    "then $python -m pytest -q --continue-on-collection-errors{files}; "
    "else $python -m unittest{files}; fi"
)
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_TARGET = re.compile(r"^(test|check)\s*:(?!=)", re.MULTILINE)


def is_test(path: str) -> bool:
    """Whether a file is a test, or lies among them."""
    return bool(_TEST_FILE.search(path))


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a folder; `shell` is run there."""

    where: str
    shell: str

    @property
    def command(self) -> str:
        """What runs them all, from the root of the files."""
        return self._command("")

    def some(self, paths: Iterable[str]) -> str | None:
        """What runs only those of these files that hold tests; None where there is no way to."""
        if self.shell != _PYTEST:
            return None
        files = [posixpath.relpath(path, self.where) for path in paths if _PYTHON_TEST.search(path)]
        return self._command(f" {shlex.join(sorted(files))}") if files else None

    def _command(self, files: str) -> str:
        return f"cd {shlex.quote(self.where)} && {self.shell.replace('{files}', files)}"


def suite_of(tree: Tree, where: str) -> Suite | None:
    """The suite of a folder, or else of the root; None where no way to run one is known."""
    for folder in dict.fromkeys((where, ".")):
        if shell := _shell(tree, folder):
            return Suite(folder, shell)
    return None


def _shell(tree: Tree, where: str) -> str | None:
    names = _names(tree, where)
    if _is_python(tree, where, names):
        return _PYTEST
    if "package.json" in names and _has_test_script(_text(tree, f"{where}/package.json")):
        return "npm test --silent"
    if "go.mod" in names:
        return "go test -v ./..."
    if "Cargo.toml" in names:
        return "cargo test --no-fail-fast"
    target = _TARGET.search(_text(tree, f"{where}/Makefile")) if "Makefile" in names else None
    return f"make {target[1]}" if target else None


def _is_python(tree: Tree, where: str, names: set[str]) -> bool:
    if names & _PYTHON_FILES:
        return True
    folders = names & {"tests", "test"}
    there = names.union(*(_names(tree, f"{where}/{name}") for name in folders))
    return any(name.endswith(".py") and is_test(name) for name in there)


def _has_test_script(package: str) -> bool:
    try:
        found: Any = json.loads(package)
        return "no test specified" not in found["scripts"]["test"]
    except (ValueError, KeyError, TypeError):
        return False


def _names(tree: Tree, where: str) -> set[str]:
    try:
        return {posixpath.basename(entry.path) for entry in tree.list(where)}
    except PathError:
        return set()


def _text(tree: Tree, path: str) -> str:
    try:
        return tree.read(path).decode(errors="replace")
    except PathError:
        return ""
