"""What the user's side of the conversation says: the first prompt, and what follows a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from qwright.agent.events import VerifyFinished
from qwright.sandbox.base import MOUNT
from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree
from qwright.tools.truncate import truncate

CUT_OFF = (
    "Your answer was cut off at the output limit, so nothing was run. "
    "Make one shorter call: use edit for a few lines instead of writing a whole file."
)
CALL_NOW = "You only wrote about it. Make the tool call itself now."
SAME_AGAIN = (
    "\n(You made this same call before and no file has changed since. Do something different.)"
)
PLAN_MODE = (
    "(Plan mode: nothing may be changed or run yet, and you have no tool for it. Look around "
    "as you need, then answer with a plan: what you would change, where, and how to check it.)"
)
PLAN_OVER = "(Plan mode is over: you have all your tools again.)"
LAST_WORDS = {"done": "Done.", "interrupted": "[interrupted]"}
"""What is put into the model's mouth where a run ends otherwise than with its own words."""
LOOK = (
    "Do it yourself with a tool call now. To find something, call run_shell_command with grep -rn."
)
"""Without it a small model answers from memory: 2 of 5 prompts led to a call, 4 of 5 with it."""
_FILE_NAME = re.compile(r"[\w./-]*\w\.\w+")
_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py)$")
_ATTACHED_CHARACTERS = 6_000
"""All attached files together; about 1,700 tokens."""
_SHORT = 100
"""Lines of a file that a small model can still write anew."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first prompt, and the short files in it (path to text) one of which is to change.

    Never the tests: a small model asked to make a test pass is quick to change it.
    """

    prompt: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])


def system_prompt(kind: Literal["small", "full"], mount: str = MOUNT) -> str:
    """Byte-stable, so that its prefix caches. The dialect adds the tools where it must.

    `mount` is where the files lie in the container.
    """
    text = files("qwright.agent").joinpath("prompts", f"{kind}.md").read_text("utf-8").strip()
    return text.replace(MOUNT, mount)


def about_mode(*, planned: bool, before: bool) -> str:
    """What the model is to know of plan mode: that it is in force, or, after `before`, over."""
    return PLAN_MODE if planned else PLAN_OVER if before else ""


def with_context(
    task: str, tree: Tree, verdict: VerifyFinished | None, notes: str = "", attached: str = ""
) -> Opening:
    """For a small model: the task, the files it names, and what the verify command says.

    `notes` stand before it, `attached` after it.
    """
    files = _attachments(task, tree)
    subjects = {name: text for name, text in files.items() if not _TEST.search(name)}
    short = all(text.count("\n") <= _SHORT for text in subjects.values())
    shown = [f'<file path="{name}">\n{text.rstrip()}\n</file>' for name, text in files.items()]
    parts = [part for part in (notes, task, attached, *shown) if part]
    if verdict is None or verdict.exit_code == 0:
        return Opening("\n\n".join(parts if shown else [*parts, LOOK]))
    parts.append(_verdict(verdict, 1_500))
    parts.append("Change the code so that it passes. It runs again by itself after each change.")
    return Opening("\n\n".join(parts), subjects if short else {})


def still_failing(verdict: VerifyFinished, changed: bool) -> str:
    """What a model is told when the verify command does not pass after its change."""
    start = "Your change is in place" if changed else "You changed nothing"
    return (
        f"{start}, but the task is not done. {_verdict(verdict, 1_000)}\n\n"
        "Look again: the cause may be elsewhere, or your change was wrong. Try something different."
    )


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
