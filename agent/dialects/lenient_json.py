"""JSON as models write it: found inside a text, and repaired only where its meaning is certain.

A lexer decides. Strings end at the first unescaped quote; whatever then lies between tokens makes
the text broken, so an inner quote that was not escaped is an error and never a guess. Repaired are
faults that leave no choice: raw newlines and tabs in strings, trailing commas, single quotes,
Python's True, False and None, backslashes before a character JSON does not let be escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

JsonValue = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None

_TOKEN = re.compile(
    r"""\s*+(?:
        (?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+')
      | (?P<mark>[{}\[\]:,])
      | (?P<word>[-+.\w]++)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|True|False|None")
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_DEPTH = 64


class Scan(Enum):
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Well-formed so far; the text ends before the object does."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Span:
    """A JSON object or array in a text; `end` is only meant for a complete one."""

    scan: Scan
    end: int = 0


def scan(text: str, start: int) -> Span:
    """Follow the object or array that begins at `start` to its end."""
    depth, position, previous = 0, start, ""
    while match := _TOKEN.match(text, position):
        kind, token = match.lastgroup or "", match.group(match.lastgroup or 0)
        if kind == "word" and match.end() == len(text):
            return Span(Scan.INCOMPLETE)
        if kind == "word" and not _WORD.fullmatch(token):
            return Span(Scan.BROKEN)
        if kind != "mark" and previous not in ("", "mark"):
            return Span(Scan.BROKEN)
        depth += (token in "{[") - (token in "}]") if kind == "mark" else 0
        position, previous = match.end(), kind
        if depth == 0:
            return Span(Scan.COMPLETE, position)
        if depth > _DEPTH:
            return Span(Scan.BROKEN)
    rest = text[position:].lstrip()
    return Span(Scan.INCOMPLETE if rest[:1] in ("", '"', "'") else Scan.BROKEN)


def parse(text: str) -> JsonValue:
    """Decode one JSON value. Raises ValueError where its meaning is not certain."""
    value: JsonValue = json.loads(" ".join(_mended(text)), object_pairs_hook=_no_duplicates)
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate could never be sent again
    return value


def _mended(text: str) -> Iterator[str]:
    """The tokens of `text` as strict JSON."""
    position, held = 0, ""
    while match := _TOKEN.match(text, position):
        token, position = match.group(match.lastgroup or 0), match.end()
        if held and token not in ("}", "]"):
            yield held
        held = ""
        if token == ",":
            held = token
        elif match.lastgroup == "string":
            yield _string(token)
        else:
            yield _PYTHON_WORDS.get(token, token)
    if held or text[position:].strip():
        raise ValueError(f"unexpected text at character {position}")


def _string(token: str) -> str:
    body = _ESCAPE.sub(_unescape, token[1:-1])
    return json.dumps(body)


def _unescape(match: re.Match[str]) -> str:
    escaped = match.group(1)
    plain = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
    if escaped in plain:
        return plain[escaped]
    if escaped in ('"', "'", "\\", "/"):
        return escaped
    if len(escaped) == 5:
        return chr(int(escaped[1:], 16))
    return match.group(0)


def _no_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found
