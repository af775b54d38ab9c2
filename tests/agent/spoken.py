"""Which texts the source says, read from its syntax: `say("area.name", value=...)` and kin."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import qwright.agent
from qwright.agent.language import Language
from qwright.agent.reasons import ALL as REASONS
from qwright.evals import arguments
from qwright.sandbox import dirs

LANGUAGES_DIR = Path(qwright.agent.__file__).with_name("languages")
_AGENT = Path(qwright.agent.__file__).parent
_SANDBOX = Path(dirs.__file__).parent
_EVAL_FLAGS = ("evals/arguments.py", ast.parse(Path(arguments.__file__).read_text()))
"""Evals speak English; only their flags share texts with those of a run."""


@dataclass(frozen=True)
class Said:
    """One call. `pattern` matches the keys it may have; its groups are what is filled in."""

    where: str
    pattern: re.Pattern[str]
    values: frozenset[str] | None
    """Names of the values it gives; None where they cannot be seen."""

    def matches(self, key: str) -> bool:
        """Whether it can say `key`: what is filled in must be a word of the source."""
        found = self.pattern.fullmatch(key)
        return found is not None and all(one in words() or len(one) == 1 for one in found.groups())


def texts(language: Language) -> dict[str, str]:
    """Every text of a language by "area.name"."""
    import tomllib

    return {
        f"{file.stem}.{name}": text
        for file in sorted((LANGUAGES_DIR / language).glob("*.toml"))
        for name, text in tomllib.loads(file.read_text("utf-8")).items()
    }


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@cache
def said() -> tuple[Said, ...]:
    """All calls of `say` in the package, and what is kept in variables to be said later."""
    return tuple(
        call for file, tree in (*_trees(_AGENT), _EVAL_FLAGS) for call in _in_file(file, tree)
    )


@cache
def words() -> frozenset[str]:
    """Every literal and every name of the source: what a key can be put together from."""
    found: set[str] = set()
    for _, tree in (*_trees(_AGENT), *_trees(_SANDBOX)):
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=str(value)):
                    found |= {value, *value.split(), re.sub(r"\W", "_", value.lower())}
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                    found.add(name)
                case _:
                    pass
    return frozenset(found)


@cache
def _trees(folder: Path) -> tuple[tuple[str, ast.Module], ...]:
    files = sorted(folder.rglob("*.py"))
    return tuple((str(one.relative_to(folder)), ast.parse(one.read_text())) for one in files)


def _in_file(file: str, tree: ast.Module) -> Iterator[Said]:
    nodes = list(ast.walk(tree))
    if not any(isinstance(one, ast.ImportFrom) and _imports_say(one) for one in nodes):
        return
    calls = [one for one in nodes if isinstance(one, ast.Call) and _is_say(one)]
    for call in calls:
        names = [one.arg for one in call.keywords]
        seen = frozenset(name for name in names if name) if None not in names else None
        for key in _keys(call.args[0]):
            yield Said(f"{file}:{call.lineno}", key, seen)
    inside = {id(one) for call in calls for one in ast.walk(call.args[0])}
    inside |= {id(part) for one in nodes if isinstance(one, ast.JoinedStr) for part in one.values}
    for node in nodes:
        # A key in a variable, such as one of a table, is said somewhere else in the file.
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside:
            for key in _keys(node):
                if _begins_with_an_area(key.pattern):
                    yield Said(f"{file}:{node.lineno}", key, None)


def _is_say(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "say"


def _imports_say(node: ast.ImportFrom) -> bool:
    return node.module == "qwright.agent.language" and any(one.name == "say" for one in node.names)


def _begins_with_an_area(pattern: str) -> bool:
    area, dot, name = pattern.partition(r"\.")
    return bool(dot) and (LANGUAGES_DIR / "en" / f"{area}.toml").is_file() and name != "toml"


def _keys(node: ast.expr) -> Iterator[re.Pattern[str]]:
    match node:
        case ast.Constant(value=str(text)):
            yield re.compile(re.escape(text))
        case ast.JoinedStr(values=parts):
            yield re.compile("".join(map(_part, parts)))
        case ast.IfExp(body=one, orelse=other):
            yield from (*_keys(one), *_keys(other))
        case _:
            pass


def _part(node: ast.expr) -> str:
    return re.escape(str(node.value)) if isinstance(node, ast.Constant) else "(.+)"


def told_by_the_sandbox() -> Iterator[str]:
    """An example of every line of progress, and of every notice, that the sandbox can say.

    And of the reasons of a choice among attempts, which are translated in the same way.
    """
    yield from (re.sub(r"{\w+}", "7", reason) for reason in REASONS)
    for file, tree in _trees(_SANDBOX):
        for node in ast.walk(tree):
            match node:
                case ast.Call(ast.Name("progress"), [text]) if _is_text(text):
                    yield _example(text)
                case ast.Call(ast.Attribute(ast.Attribute(attr="notices")), [text]):
                    yield from [_example(text)] if _is_text(text) else []
                case ast.Return(ast.List([text])) if file == "branch.py" and _is_text(text):
                    yield _example(text)
                case ast.Return(ast.IfExp(body=text)) if file == "review.py":
                    yield f"a b.txt: {_example(text)}"
                case ast.Dict(values=reasons) if file == "review.py":
                    yield from (f"a b.txt: {_example(reason)}" for reason in reasons)
                case _:
                    pass


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.JoinedStr)


def _example(node: ast.expr) -> str:
    """The text with something in its placeholders."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in parts)
