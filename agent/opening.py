"""What the user's side of the conversation says: the first prompt, and what follows a failure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from qwright.agent.events import VerifyFinished
from qwright.agent.model import ToolSpec
from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree
from qwright.tools.base import spec
from qwright.tools.truncate import truncate
from qwright.tools.write_file import WriteFile

CUT_OFF = (
    "Your answer was cut off at the output limit, so nothing was run. "
    "Make one shorter call: use edit for a few lines instead of writing a whole file."
)
SAME_AGAIN = (
    "\n(You made this same call before and no file has changed since. Do something different.)"
)
_FILE_NAME = re.compile(r"[\w./-]*\w\.\w+")
_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py)$")
_ATTACHED_CHARACTERS = 6_000
"""All attached files together; about 1,700 tokens."""
_SHORT = 100
"""Lines a small model rewrites more dependably than it edits them: it miscopies old_string."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first prompt, and the short files in it one of which is to be written anew."""

    prompt: str
    files: tuple[str, ...] = ()


def system_prompt(kind: Literal["small", "full"]) -> str:
    """Byte-stable, so that its prefix caches. The dialect adds the tools where it must."""
    return files("qwright.agent").joinpath("prompts", f"{kind}.md").read_text("utf-8").strip()


def with_context(task: str, tree: Tree, failing: VerifyFinished | None) -> Opening:
    """For a small model: the task, the files it names, and what the verify command says."""
    attached = _attachments(task, tree)
    short = all(text.count("\n") <= _SHORT for text in attached.values())
    files = _subjects(attached) if failing and short else ()
    shown = [f'<file path="{name}">\n{text.rstrip()}\n</file>' for name, text in attached.items()]
    parts = [task, *shown]
    if failing and failing.exit_code != 0:
        parts.append(_verdict(failing, 1_500))
        parts.append(
            "Change the code so that it passes. It runs again by itself after each change."
        )
    return Opening("\n\n".join(parts), files)


def still_failing(verdict: VerifyFinished, changed: bool) -> str:
    """What a model is told when the verify command does not pass after its change."""
    start = "Your change is in place" if changed else "You changed nothing"
    return (
        f"{start}, but the task is not done. {_verdict(verdict, 1_000)}\n\n"
        "Look again: the cause may be elsewhere, or your change was wrong. Try something different."
    )


def rewriting(files: Sequence[str]) -> list[ToolSpec]:
    """The one tool for writing one of `files` anew."""
    known = spec(WriteFile)
    properties = known["parameters"]["properties"]
    path = {**properties["path"], "enum": list(files)}
    parameters = {**known["parameters"], "properties": {**properties, "path": path}}
    return [ToolSpec(known["name"], known["description"], parameters)]


def _subjects(names: Iterable[str]) -> tuple[str, ...]:
    """Not the tests: a small model asked to make a test pass is quick to change it."""
    return tuple(name for name in names if not _TEST.search(name))


def _verdict(verdict: VerifyFinished, characters: int) -> str:
    how = "timed out" if verdict.exit_code == 124 else f"exit code {verdict.exit_code}"
    shown = truncate(verdict.output.strip(), characters)
    return f"Output of `{verdict.command}` ({how}):\n{shown}"


def _attachments(task: str, tree: Tree) -> dict[str, str]:
    """The files named in the task, whole, as long as they are few and short."""
    parts: dict[str, str] = {}
    left = _ATTACHED_CHARACTERS
    for name in dict.fromkeys(_FILE_NAME.findall(task)):
        text = _text_of(tree, name, left)
        if text is not None:
            left -= len(text)
            parts[name] = text
    return parts


def _text_of(tree: Tree, name: str, limit: int) -> str | None:
    try:
        data = tree.read(name, limit)
        return None if b"\0" in data else data.decode("utf-8")
    except (PathError, UnicodeDecodeError):
        return None
