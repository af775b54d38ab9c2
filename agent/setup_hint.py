"""Which `--setup` would have helped a run that failed on a missing module."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from qwright.sandbox.tree import Tree

_MISSING = (
    re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'"),
    re.compile(r"ImportError: No module named '?([\w.]+)"),
    re.compile(r"No module named ([\w.]+)"),
)
_COMMANDS = (
    ("requirements.txt", "pip install -r requirements.txt"),
    ("requirements-dev.txt", "pip install -r requirements-dev.txt"),
    ("requirements/dev.txt", "pip install -r requirements/dev.txt"),
    ("Pipfile", "pip install pipenv && pipenv install --system --dev"),
    ("pyproject.toml", "pip install -e ."),
    ("setup.py", "pip install -e ."),
)


def setup_hint(outputs: Iterable[str], tree: Tree) -> str | None:
    """A line that names the missing module and the command, or None where there is no cause.

    `outputs` are what the run's commands printed, newest last.
    """
    for output in reversed(list(outputs)):
        for pattern in _MISSING:
            if found := pattern.search(output):
                return _for_module(found[1], tree)
    return None


def _for_module(module: str, tree: Tree) -> str | None:
    if _is_own(module, tree):
        return None
    for file, command in _COMMANDS:
        if tree.kind(file) == "file":
            return f"{module} is not installed in the sandbox; try --setup {shlex.quote(command)}"
    return None


def _is_own(module: str, tree: Tree) -> bool:
    """Whether the module is the project's own: then installing would not help."""
    top = module.split(".")[0]
    return any(tree.kind(name) is not None for name in (top, f"{top}.py", f"src/{top}"))
