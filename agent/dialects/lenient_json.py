"""JSON as models write it: found inside a text, and repaired only where its meaning is certain.

A lexer decides. Strings end at the first unescaped quote; whatever then lies between tokens makes
the text broken, so an inner quote that was not escaped is an error and never a guess. Repaired are
faults that leave no choice: raw newlines and tabs in strings, trailing commas, single quotes,
Python's True, False and None, backslashes before a character JSON does not let be escaped.
"""

from __future__ import annotations

import json
import math
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
_START = re.compile(r"""\s*+(?:(?P<mark>[{}\[\]:,])|(?P<string>["'])|(?P<word>[-+.\w]++))""")
_STRING = {
    quote: re.compile(rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+", re.DOTALL) for quote in "\"'"
}
_SPACE = re.compile(r"\s*+")
_CLOSERS = {"{": "}", "[": "]"}
_WORD = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|True|False|None")
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_QUOTE = re.compile(r'(\\.)|"', re.DOTALL)
_KEY = re.compile(r'([^"\\\n]*)"(?=\s*:)')
_AFTER_VALUE = r'(?=\s*(?:\}|,\s*"[^"\\\n]*"\s*:))'
# Nothing possessive around a choice: Python before 3.11.5 forgets to try the others.
_VALUE = re.compile(rf'((?:[^"\\]|\\.|"(?!{_AFTER_VALUE}))*)"{_AFTER_VALUE}', re.DOTALL)
_DEPTH = 64


class Scan(Enum):
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Well-formed so far; the text ends before the object does."""
    UNCLOSED = "unclosed"
    """A closing tag or fence comes where nothing but closing brackets is missing."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Span:
    """A JSON object or array in a text; `end` is only meant for a complete or unclosed one."""

    scan: Scan
    end: int = 0
    missing: str = ""
    """The brackets an INCOMPLETE or UNCLOSED one lacks; empty where it lacks more than these."""


class Scanner:
    """Follows the object or array at `start` through a text that may grow between two scans."""

    def __init__(self, start: int) -> None:
        self.at = start
        self._quote = ""
        self._open = ""
        self._previous = ""
        self._found: Span | None = None

    def scan(self, text: str) -> Span:
        """How far the object goes in `text`, which begins as it did at the last scan."""
        while self._found is None:
            if self._quote:
                if not self._end_string(text):
                    return Span(Scan.INCOMPLETE)
            elif (match := _START.match(text, self.at)) is None:
                return self._unread(text)
            elif match.lastgroup == "word" and match.end() == len(text):
                known = _WORD.fullmatch(match["word"]) and self._previous == "mark"
                return Span(Scan.INCOMPLETE, match.end(), self._missing() if known else "")
            else:
                self._found = self._take(match)
        return self._found

    def _take(self, match: re.Match[str]) -> Span | None:
        kind, token = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "word" and not _WORD.fullmatch(token):
            return Span(Scan.BROKEN)
        if kind != "mark" and self._previous not in ("", "mark"):
            return Span(Scan.BROKEN)
        self.at, self._previous = match.end(), kind
        if kind == "string":
            self._quote = token
        elif token in _CLOSERS:
            self._open += token
        elif token in ("}", "]"):
            self._open = self._open[:-1]
            self._previous = "end"
        if not self._open:
            return Span(Scan.COMPLETE, self.at)
        return Span(Scan.BROKEN) if len(self._open) > _DEPTH else None

    def _end_string(self, text: str) -> bool:
        match = _STRING[self._quote].match(text, self.at)
        self.at = match.end() if match else self.at
        if not text.startswith(self._quote, self.at):
            return False
        self.at, self._quote = self.at + 1, ""
        return True

    def _unread(self, text: str) -> Span:
        """What no token matches: the end of the text, a closing tag or fence, or a fault."""
        gap = _SPACE.match(text, self.at)
        start = gap.end() if gap else self.at
        rest = text[start : start + 3]
        if not rest:
            return Span(Scan.INCOMPLETE, self.at, self._missing())
        if self._missing() and (rest[:2] in ("</", "<|") or rest == "```"):
            self._found = Span(Scan.UNCLOSED, self.at, self._missing())
            return self._found
        if rest in ("<", "`", "``"):
            return Span(Scan.INCOMPLETE)
        self._found = Span(Scan.BROKEN)
        return self._found

    def _missing(self) -> str:
        """The closing brackets for all that is open, where a value could end here."""
        ends = self._previous in ("string", "word", "end")
        return "".join(_CLOSERS[one] for one in reversed(self._open)) if ends else ""


def scan(text: str, start: int) -> Span:
    """Follow the object or array that begins at `start` to its end."""
    return Scanner(start).scan(text)


def escaped(text: str, start: int) -> tuple[str, int] | None:
    """The object at `start` with the quotes inside its strings escaped, and where it ends.

    A quote ends a value only before `}`, or before a comma and the next key. What is then no
    object, or holds quotes in a list, is None.
    """
    out: list[str] = []
    opened, at = "", start
    while match := _START.match(text, at):
        token, at = match[match.lastgroup or 0], match.end()
        if token == "'" or (token == "[" and opened):
            return None
        if token == '"':
            key = out[-1:] in (["{"], [","])
            body = (_KEY if key else _VALUE).match(text, at)
            if body is None:
                return None
            token, at = f'"{_QUOTE.sub(_escape, body[1])}"', body.end()
        elif token in ("{", "}"):
            opened = opened + token if token == "{" else opened[:-1]
        out.append(token)
        if not opened:
            return "".join(out), at
    return None


def _escape(match: re.Match[str]) -> str:
    return match[1] or '\\"'


def parse(text: str) -> JsonValue:
    """Decode one JSON value. Raises ValueError where its meaning is not certain."""
    value: JsonValue = json.loads(
        " ".join(_mended(text)),
        object_pairs_hook=_no_duplicates,
        parse_float=_finite,
        parse_constant=_finite,
    )
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate could never be sent again
    return value


def _mended(text: str) -> Iterator[str]:
    """The tokens of `text` as strict JSON."""
    position, held, depth = 0, "", 0
    while match := _TOKEN.match(text, position):
        token, position = match.group(match.lastgroup or 0), match.end()
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        if depth > _DEPTH:
            raise ValueError("it is nested too deeply")
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
    return json.dumps(unescaped(token[1:-1]))


def unescaped(body: str) -> str:
    """What a string's characters mean; an escape JSON does not have stays as it is."""
    return _ESCAPE.sub(_unescape, body)


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


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is no number")
    return value


def _no_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found
