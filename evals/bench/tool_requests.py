"""Requests of people that each need one tool: many wordings and sets of tools, always the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from qwright.tools import ALL_TOOLS, SMALL_TOOLS

PATHS = (
    "README.md",
    "src/app.py",
    "src/parser/lexer.py",
    "tests/test_lexer.py",
    "lib/queue.js",
    "include/ring buffer.h",
    "docs/straße.md",
    "config/settings.toml",
)
NAMES = ("retry_delay", "parse_line", "MAX_SIZE", "on_close", "is_prime")
FOLDERS = ("src", "tests", "docs/api", "lib")
WORDINGS: dict[str, tuple[str, ...]] = {
    "read_file": (
        "Show me what is in {path}.",
        "What does {path} say? Look into it.",
        "Open {path}, lines 10 to 40, please.",
        "I forgot how {name} is written in {path}; have a look.",
    ),
    "edit": (
        "In {path} replace `{name}(x)` by `{name}(x, 1)`.",
        'Rename {name} to {name}_old in {path}, where it says "def {name}(value):".',
        "{path} has the line `limit = 10`. It must be `limit = 20`. Change that.",
        "There is a typo in {path}: `retrun {name}` should be `return {name}`.",
    ),
    "write_file": (
        "Create {path} with a function {name} that returns 42.",
        "Write a new file {folder}/notes.txt that says: {name} is done.",
        'Make {folder}/hello.py; it prints "hello" and a line end (\\n).',
        "Put a minimal .gitignore for Python at {folder}/.gitignore.",
    ),
    "run_shell_command": (
        "Run the tests in {folder} with pytest.",
        "How many lines has {path}? Use wc.",
        "Which git branch are we on?",
        "Run `python -c \"print('{name}')\"` and tell me what comes out.",
    ),
    "list_directory": (
        "What is in the folder {folder}?",
        "List the directory {folder}.",
        "Which files lie directly under {folder}?",
    ),
    "glob": (
        "Find all Python files below {folder}.",
        "Which files match {folder}/**/*.md?",
        "Where are the files whose names begin with test_?",
    ),
    "grep_search": (
        "Where is {name} defined? Search for it.",
        "Search {folder} for lines with TODO.",
        "Which files mention {name}?",
        "Find every import of json in *.py files.",
    ),
}
"""What people say, by the tool it takes."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """`needs` is one of `offered`, which are names of tools."""

    id: str
    text: str
    needs: str
    offered: tuple[str, ...]


def tool_requests(count: int) -> list[ToolRequest]:
    """The first `count`, those with the same tools together so that their prefix is reused."""
    made = [_request(number) for number in range(count)]
    return sorted(made, key=lambda request: (request.offered, request.id))


def _request(number: int) -> ToolRequest:
    # Seeded by the number, so that more requests leave the first ones as they are.
    chance = random.Random(f"tool request {number}")
    needs = list(WORDINGS)[number % len(WORDINGS)]
    text = chance.choice(WORDINGS[needs]).format(
        path=chance.choice(PATHS), name=chance.choice(NAMES), folder=chance.choice(FOLDERS)
    )
    sets = [tools for tools in SETS if needs in tools]
    return ToolRequest(f"{number:03}-{needs}", text, needs, chance.choice(sets))


def _sets() -> Sequence[tuple[str, ...]]:
    searching = ("read_file", "list_directory", "glob", "grep_search")
    changing = ("run_shell_command", "write_file", "edit")
    return (tuple(SMALL_TOOLS), tuple(ALL_TOOLS), searching, changing)


SETS = _sets()
"""Sets of tools that are offered together: small, all, reading only, and without reading."""
