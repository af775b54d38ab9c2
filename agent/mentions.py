"""`@path` in a prompt: the file's text goes along, so that the model need not ask for it."""

from __future__ import annotations

import re

from qwright.agent.tokens import tokens_in
from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree

_MENTION = re.compile(r"(?<!\S)@(?:\"([^\"\n]+)\"|([^\s@\"]+))")
_LONGEST = 200_000
"""Bytes of a file that is read at all."""


def mentioned(prompt: str, tree: Tree, budget: int, *, files: bool) -> tuple[str, str]:
    """The prompt without its @, and the folders and `files` it mentions, within `budget` tokens.

    What is none, or too long, stays a name: the model has tools to look for itself.
    """
    shown: list[str] = []
    for quoted, bare in dict.fromkeys(_MENTION.findall(prompt)):
        part = _shown(quoted or bare.rstrip(".,;:!?)"), tree, files)
        if part and tokens_in(part) <= budget:
            budget -= tokens_in(part)
            shown.append(part)
    plain = _MENTION.sub(lambda found: found[1] or found[2], prompt)
    return plain, "\n\n".join(shown)


def _shown(name: str, tree: Tree, files: bool) -> str | None:
    try:
        if tree.kind(name) == "directory":
            names = "\n".join(entry.path for entry in tree.list(name))
            return f'<directory path="{name}">\n{names}\n</directory>'
        data = tree.read(name, _LONGEST) if files else b"\0"
        if b"\0" in data:
            return None
        return f'<file path="{name}">\n{data.decode("utf-8").rstrip()}\n</file>'
    except (PathError, UnicodeDecodeError):
        return None
