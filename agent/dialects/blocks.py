"""Where a call's block in a text ends, and whether it is one: pure functions on the text so far.

Every verdict but MORE and OPEN is final: more text never changes it. That is what makes the reader
independent of how a server splits its answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from qwright.agent.dialects.calls import CALL_KEYS, GAP, inner_brace, skip
from qwright.agent.dialects.lenient_json import Scan, scan

TAGS = ("<tool_call>", "<tools>", "<tool_response>", "<think>", "</think>")
_CLOSER = re.compile(r"\s*(?:```\s*)?</[a-z_]+>")
_PARTIAL_CLOSER = re.compile(r"\s*(?:`{1,2}|(?:```\s*)?(?:<(?:/[a-z_]*)?)?)\Z")
_SPACE = re.compile(r"\s*")
_BLOCK_FENCE = re.compile(r"```\w*\s*")
_RESPONSE = "<tool_response>"
_XML = "<function"
"""How Qwen3-Coder begins a call; in a tag it was meant, and is not read yet."""
_HEAD = re.compile(
    r"""[\s{\[]*(?:["'](?P<key>[^"'\\]*)(?P<closed>["'])?
    (?:\s*:\s*["'](?P<name>[^"'\\]*)(?P<named>["'])?)?)?""",
    re.VERBOSE,
)
_MEANT = re.compile(
    r"""[\s{\[]*["']name["']\s*:\s*["'](?P<name>[\w.-]+)["']\s*,
    \s*["'](?:arguments|parameters|args)["']""",
    re.VERBOSE,
)


class Verdict(Enum):
    MORE = "more"
    """May become a call; the JSON is not complete."""
    OPEN = "open"
    """The JSON is complete; whether the block ends here is seen by what follows."""
    CALL = "call"
    TEXT = "text"
    BROKEN = "broken"
    """Begins like a call, and is not JSON."""


@dataclass(frozen=True, slots=True)
class Block:
    """`content` is the JSON of an OPEN or CALL block, `end` where the text goes on after it."""

    verdict: Verdict
    content: str = ""
    end: int = 0


_MORE, _TEXT, _BROKEN = Block(Verdict.MORE), Block(Verdict.TEXT), Block(Verdict.BROKEN)
_UNFINISHED = {Scan.INCOMPLETE: _MORE, Scan.BROKEN: _BROKEN}


def tagged(text: str, start: int) -> Block:
    """The block after `<tool_call>` or `<tools>`, whose content begins at `start`."""
    start = skip(_SPACE, text, start)
    rest = text[start : start + len(_XML)]
    if "```".startswith(rest) or _XML.startswith(rest):
        return _BROKEN if rest == _XML else _MORE
    start = skip(_BLOCK_FENCE, text, start)
    if text[start : start + 1] not in ("", "{", "["):
        return _TEXT
    state, end = _objects(text, start)
    if state is not Scan.COMPLETE:
        return _UNFINISHED[state]
    content = text[start:end]
    if closer := _CLOSER.match(text, end):
        return Block(Verdict.CALL, content, closer.end())
    if _PARTIAL_CLOSER.match(text, end):
        return Block(Verdict.OPEN, content, len(text))
    return Block(Verdict.CALL, content, end)


def bare(text: str, start: int, known: Collection[str]) -> Block:
    """A `{` at the start of a line. A call only when nothing but its closing tag follows it."""
    if not may_be_call(text, start, known):
        return _TEXT
    state, end = _objects(text, start)
    if state is not Scan.COMPLETE:
        return _UNFINISHED[state]
    content, rest = text[start:end], text[end:].lstrip()
    if closer := _CLOSER.match(text, end):
        return Block(Verdict.CALL, content, closer.end())
    if rest.startswith(_RESPONSE):
        return Block(Verdict.CALL, content, len(text) - len(rest))
    if _RESPONSE.startswith(rest) or _PARTIAL_CLOSER.match(text, end):
        return Block(Verdict.OPEN, content, len(text))
    return _TEXT


def fenced(text: str, start: int, fence: str, info: str, known: Collection[str]) -> Block:
    """A fence's content from `start`. Without the word json it must also end the answer."""
    if info not in ("json", "") or not may_be_call(text, start, known):
        return _TEXT
    start = skip(_SPACE, text, start)
    state, end = _objects(text, start)
    if state is not Scan.COMPLETE:
        return _UNFINISHED[state]
    content, rest = text[start:end], text[end:].lstrip()
    if not rest.startswith(fence):
        is_open = fence.startswith(rest)
        return Block(Verdict.OPEN, content, len(text)) if is_open else _TEXT
    if info == "json":
        return Block(Verdict.CALL, content, len(text) - len(rest) + len(fence))
    ends = not rest[len(fence) :].strip()
    return Block(Verdict.OPEN, content, len(text)) if ends else _TEXT


def _objects(text: str, start: int) -> tuple[Scan, int]:
    """Follow objects in a row; where the last one, and stray closing braces after it, end."""
    while True:
        span = scan(text, inner_brace(text, start))
        if span.scan is not Scan.COMPLETE:
            return span.scan, start
        start = skip(GAP, text, span.end)
        if text[start : start + 1] not in ("{", "["):
            return Scan.COMPLETE, start


def may_be_call(text: str, start: int, known: Collection[str]) -> bool:
    """Whether the object that begins at `start` can still turn out to be a call to a known tool."""
    head = _HEAD.match(text, start)
    if head is None or head["key"] is None:
        return head is not None and head.end() == len(text)
    key, name = head["key"], head["name"]
    if not head["closed"]:
        return any(candidate.startswith(key) for candidate in CALL_KEYS)
    if key != "name" or name is None:
        return key in CALL_KEYS
    if head["named"]:
        return name in known
    return any(tool.startswith(name) for tool in known)


def was_meant(text: str, start: int, known: Collection[str]) -> bool:
    """Whether an object that is no JSON begins, beyond doubt, as a call to a known tool."""
    head = _MEANT.match(text, start)
    return head is not None and head["name"] in known


def held_from(text: str, start: int) -> int:
    """The first position from `start` on whose text may be the beginning of a call."""
    tag = text.rfind("<", max(start, len(text) - len(_RESPONSE)))
    if tag >= 0 and any(name.startswith(text[tag:]) for name in TAGS):
        return tag
    line = text.rfind("\n") + 1
    if line >= start and text[line:].strip(" \t") in ("", "`", "``", "~", "~~"):
        return line
    return len(text)
