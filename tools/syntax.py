"""Whether a file still parses, by tree-sitter, without running anything of it."""

from __future__ import annotations

import ast
import importlib
import posixpath
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node, Parser

_LIMIT = 1_000_000
"""Bytes above which a file is not parsed."""
_PYTHON = ("tree_sitter_python", "language")
_CPP = ("tree_sitter_cpp", "language")
_GRAMMARS = {
    ".py": _PYTHON,
    ".pyi": _PYTHON,
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".cjs": ("tree_sitter_javascript", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".mts": ("tree_sitter_typescript", "language_typescript"),
    ".cts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
    ".go": ("tree_sitter_go", "language"),
    ".rs": ("tree_sitter_rust", "language"),
    ".c": ("tree_sitter_c", "language"),
    ".h": _CPP,
    ".cc": _CPP,
    ".cpp": _CPP,
    ".cxx": _CPP,
    ".hpp": _CPP,
    ".hh": _CPP,
    ".java": ("tree_sitter_java", "language"),
    ".json": ("tree_sitter_json", "language"),
    ".yaml": ("tree_sitter_yaml", "language"),
    ".yml": ("tree_sitter_yaml", "language"),
    ".toml": ("tree_sitter_toml", "language"),
    ".sh": ("tree_sitter_bash", "language"),
    ".bash": ("tree_sitter_bash", "language"),
    ".html": ("tree_sitter_html", "language"),
    ".css": ("tree_sitter_css", "language"),
}


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Where a file stops parsing. `line` and `column` count from 1, the column in characters."""

    line: int
    column: int
    text: str
    """The line's text, stripped and cut."""
    reason: str = ""
    """What a parser says of it; may be empty."""

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"line {self.line}, column {self.column} no longer parses{reason}: {self.text}"


def first_error(path: str, data: bytes) -> SyntaxProblem | None:
    """The first place where `data` (UTF-8) does not parse as what `path`'s ending says.

    None when it parses, for languages without a grammar, and for files over 1 MB.
    """
    grammar = _GRAMMARS.get(posixpath.splitext(path)[1].lower())
    if grammar is None or len(data) > _LIMIT:
        return None
    node = _first_bad(_parser(*grammar).parse(data).root_node)
    if grammar is _PYTHON:
        return _python_error(data, node is not None)
    if node is None:
        return None
    row, column = node.start_point.row, node.start_point.column
    reason = f"missing {node.type}" if node.is_missing else ""
    return _problem(data, row, column, reason)


def broken_by(path: str, before: bytes | None, after: bytes) -> SyntaxProblem | None:
    """The first error of `after`, unless `before` did not parse either."""
    problem = first_error(path, after)
    if problem is None or (before is not None and first_error(path, before) is not None):
        return None
    return problem


@cache
def _parser(module: str, function: str) -> Parser:
    from tree_sitter import Language, Parser

    language = cast("Callable[[], object]", getattr(importlib.import_module(module), function))
    return Parser(Language(language()))


def _first_bad(node: Node) -> Node | None:
    """The first missing or wrong node in the order of the text, the innermost of its chain."""
    if not node.has_error:
        return None
    while True:
        inner = next((one for one in node.children if one.has_error or one.is_missing), None)
        if inner is None:
            return node
        node = inner


def _python_error(data: bytes, grammar_objects: bool) -> SyntaxProblem | None:
    """The grammar takes any indentation, so Python's own parser is asked as well.

    What it alone objects to counts only where no version of Python would take it: syntax newer
    than the running interpreter is left to the grammar. `ast.parse` compiles nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data.decode("utf-8-sig", "replace"))
    except SyntaxError as error:
        always = isinstance(error, IndentationError) or error.msg.startswith("expected 'except'")
        if not grammar_objects and not always:
            return None
        before = (error.text or "")[: max((error.offset or 1) - 1, 0)]
        return _problem(data, (error.lineno or 1) - 1, len(before.encode()), error.msg)
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _problem(data: bytes, row: int, column: int, reason: str) -> SyntaxProblem:
    lines = data.split(b"\n")
    line = lines[row] if row < len(lines) else b""
    before = line[:column].decode("utf-8", "replace")
    text = line.decode("utf-8", "replace").strip()
    return SyntaxProblem(row + 1, len(before) + 1, text[:120], reason)
