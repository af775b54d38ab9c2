"""What a person should look at before a result is brought into their files."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import cast

from qwright.sandbox.merge import LINK
from qwright.sandbox.store import Change, CheckpointStore
from qwright.sandbox.tree import shown

_RUNS_BY_ITSELF = {
    ".envrc": "direnv runs it on entering the folder",
    ".vscode/*": "the editor may run it on opening the folder",
    ".idea/*": "the editor may run it on opening the folder",
    ".devcontainer/*": "the editor may run it on opening the folder",
    ".github/workflows/*": "it runs on the next push",
    ".gitlab-ci.yml": "it runs on the next push",
    ".pre-commit-config.yaml": "it runs on the next commit",
    ".husky/*": "it runs on the next commit",
    ".gitattributes": "it can choose filters that git runs",
    ".gitmodules": "it names repositories git will fetch",
    "conftest.py": "pytest runs it before any test",
    "sitecustomize.py": "Python runs it at every start",
    "*.pth": "Python runs it at every start",
    "setup.py": "pip runs it on installation",
    "Makefile": "make runs it",
    ".npmrc": "npm reads it, and it can name programs to run",
}
_NPM_HOOKS = ("preinstall", "install", "postinstall", "prepare", "prepublish")


def warnings(store: CheckpointStore, changes: Iterable[Change]) -> list[str]:
    """One line for each changed file that runs by itself or leads outside the project."""
    found: list[str] = []
    for change in changes:
        if not change.new_mode:
            continue
        reason = _reason(store, change)
        if reason is not None:
            found.append(f"{shown(change.path)}: {reason}")
    return found


def _reason(store: CheckpointStore, change: Change) -> str | None:
    if change.new_mode == LINK:
        target = os.fsdecode(store.blob(change.new_blob))
        reached = posixpath.normpath(posixpath.join(posixpath.dirname(change.path), target))
        outside = reached.startswith("/") or reached.split("/")[0] == ".."
        return f"a link that leads outside, to {shown(target)}" if outside else None
    if posixpath.basename(change.path) == "package.json":
        old = _npm_hooks(store, change.old_blob)
        new = _npm_hooks(store, change.new_blob)
        return "npm install runs its scripts" if new != old else None
    for pattern, reason in _RUNS_BY_ITSELF.items():
        if fnmatchcase(change.path, pattern) or fnmatchcase(change.path, f"*/{pattern}"):
            return reason
    return None


def _npm_hooks(store: CheckpointStore, blob: str) -> dict[str, str]:
    if not blob:
        return {}
    try:
        scripts: object = json.loads(store.blob(blob))["scripts"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(scripts, dict):
        return {}
    named = cast("dict[str, object]", scripts)
    return {name: str(named[name]) for name in _NPM_HOOKS if name in named}
