"""`@path` in a prompt: the file's text goes along, so that the model need not ask for it."""

from __future__ import annotations

import re

from qwright.agent.tokens import tokens_in
from qwright.sandbox.checkout import is_secret
from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree, is_git_name

_MENTION = re.compile(r"(?<!\S)@(?:\"([^\"\n]+)\"|([^\s@\"]+))")
_LONGEST = 200_000
"""Bytes of a file that is read at all."""


def mentioned(prompt: str, tree: Tree, budget: int, *, files: bool) -> tuple[str, str, list[str]]:
    """The prompt without the @ of its mentions, what it mentions, and what was left out of that.

    `budget` is in tokens. Left out is what is no text, too long, git's own, or looks like a secret;
    it stays a name, and the model has tools to look for itself. Without `files` only folders are
    shown. What names nothing, such as @property, is no mention.
    """
    shown, left_out = list[str](), list[str]()

    def name_of(found: re.Match[str]) -> str:
        return found[1] or found[2].rstrip(".,;:!?)")

    found = {name_of(one): one for one in _MENTION.finditer(prompt)}
    known = [name for name in found if _exists(name, tree)]
    for name in known:
        part = _shown(name, tree, files)
        if part is None or tokens_in(part) > budget:
            left_out.append(name)
        elif part:
            budget -= tokens_in(part)
            shown.append(part)
    plain = _MENTION.sub(
        lambda one: one[0].removeprefix("@" if name_of(one) in known else ""), prompt
    )
    return plain, "\n\n".join(shown), left_out


def _exists(name: str, tree: Tree) -> bool:
    try:
        return tree.kind(name) is not None
    except PathError:
        return False


def _shown(name: str, tree: Tree, files: bool) -> str | None:
    """An empty text for a file that is shown elsewhere, None for what must or can not be shown."""
    parts = name.split("/")
    if any(map(is_git_name, parts)) or is_secret(parts[-1]):
        return None
    try:
        if tree.kind(name) == "directory":
            names = "\n".join(entry.path for entry in tree.list(name))
            return f'<directory path="{name}">\n{names}\n</directory>'
        if not files:
            return ""
        data = tree.read(name, _LONGEST)
        if b"\0" in data:
            return None
        return f'<file path="{name}">\n{data.decode("utf-8").rstrip()}\n</file>'
    except (PathError, UnicodeDecodeError):
        return None
