"""What a change of a file is told as: its diff for people, broken syntax for the model."""

from __future__ import annotations

from typing import Any

from qwright.tools.diff import unified
from qwright.tools.syntax import broken_by


def details(path: str, before: str | None, after: str) -> dict[str, Any]:
    """`path`, `diff` (unified), `added` and `removed` (lines); `before` is None for a new file."""
    diff = unified(path, before, after)
    return {"path": path, "diff": diff.text, "added": diff.added, "removed": diff.removed}


def warning(path: str, before: str | None, after: str, done: str) -> str:
    """One line when `after` does not parse though `before` did, or the file is new; else empty.

    `done` says what happened, e.g. "The edit was made".
    """
    old = None if before is None else before.encode()
    problem = broken_by(path, old, after.encode())
    return f"\n{done}, but {problem}" if problem else ""
