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
from qwright.agent.dialects.lenient_json import Scan, Scanner, Span

CALL, RESPONSE, END_OF_THOUGHT = "<tool_call>", "<tool_response>", "</think>"
END_TAGS = ("</tool_call>", "</tools>", "</function>")
END_TOKENS, NEXT_TURN = ("<|im_end|>", "<|endoftext|>"), "<|im_start|>"
ENDS_CALLS = (RESPONSE, NEXT_TURN, *END_TOKENS)
_SINGLE = (CALL, "<tools>", "<think>", END_OF_THOUGHT, *END_TAGS, *ENDS_CALLS)
_TAGS = (*_SINGLE, "<function")
OPENER = re.compile(
    r"^[ \t]*(?:(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)|(?P<brace>\{)|(?P<xml><function)(?=[\s=]))"
    rf"|(?P<tag>{'|'.join(map(re.escape, _SINGLE))})",
    re.MULTILINE,
)
"""What may begin or end a call, a thought or a turn, in prose."""
_CLOSER = re.compile(r"\s*(?:```\s*)?(?:</[a-z_]+>|<\|(?:im_end|endoftext)\|>)")
"""Also the token that ends a turn, which some servers let through."""
_PARTIAL_CLOSER = re.compile(r"\s*(?:`{1,2}|(?:```\s*)?(?:<(?:/[a-z_]*|\|[a-z_]*\|?)?)?)\Z")
_BACKTICKS = re.compile(r"`+")
_QUOTED_LINE = re.compile(r"[ \t]*>")
_SPACE = re.compile(r"\s*")
_BLOCK_FENCE = re.compile(r"```\w*\s*")
_XML = "<function"
"""How Qwen3-Coder begins a call."""
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
    XML = "xml"
    """A call in Qwen3-Coder's form; `end` is where its `<function` begins."""


@dataclass(frozen=True, slots=True)
class Block:
    """`content` is the JSON of an OPEN or CALL block, `end` where the text goes on after it.

    A MORE block has a content where nothing but closing brackets is missing so far.
    """

    verdict: Verdict
    content: str = ""
    end: int = 0


_MORE, _TEXT, _BROKEN = Block(Verdict.MORE), Block(Verdict.TEXT), Block(Verdict.BROKEN)
Scanners = dict[int, Scanner]
"""How far the objects of a growing text were read, by where they begin."""


def tagged(
    text: str, start: int, scanners: Scanners, known: Collection[str], *, final: bool
) -> Block:
    """The block after `<tool_call>` or `<tools>`, whose content begins at `start`.

    `final`: the text is complete.
    """
    begins = not text[text.rfind("\n", 0, start) + 1 : start - len(CALL)].strip()
    call = begins and text.endswith(CALL, 0, start)
    start = skip(_SPACE, text, start)
    rest = text[start : start + len(_XML)]
    if rest == _XML:
        return Block(Verdict.XML, end=start)
    if "```".startswith(rest) or _XML.startswith(rest):
        return _MORE
    start = skip(_BLOCK_FENCE, text, start)
    if text[start : start + 1] not in ("", "{", "["):
        return _unknown_form(text, start, known, final=final) if call else _TEXT
    return _enclosed(text, start, scanners)


def _unknown_form(text: str, start: int, known: Collection[str], *, final: bool) -> Block:
    """A block that is neither JSON nor Qwen3-Coder's form: a call, as wrong as it is, if it names
    a tool, and for all else text."""
    end = text.find(END_TAGS[0], start)
    if end < 0:
        return _TEXT if final else _MORE
    content = text[start:end]
    named = any(tool in content for tool in known)
    return Block(Verdict.CALL, content, end + len(END_TAGS[0])) if named else _TEXT


def _enclosed(text: str, start: int, scanners: Scanners) -> Block:
    span = _objects(text, start, scanners)
    content = text[start : span.end] + span.missing
    if span.scan not in (Scan.COMPLETE, Scan.UNCLOSED):
        return _unfinished(span, content)
    if closer := _CLOSER.match(text, span.end):
        return Block(Verdict.CALL, content, closer.end())
    if _PARTIAL_CLOSER.match(text, span.end):
        return Block(Verdict.OPEN, content, len(text))
    return _BROKEN if span.missing else Block(Verdict.CALL, content, span.end)


def bare(text: str, start: int, known: Collection[str], scanners: Scanners) -> Block:
    """A `{` at the start of a line. A call only when nothing but its closing tag follows it."""
    if not may_be_call(text, start, known):
        return _TEXT
    span = _objects(text, start, scanners)
    content = text[start : span.end] + span.missing
    if span.scan not in (Scan.COMPLETE, Scan.UNCLOSED):
        return _unfinished(span, content)
    rest = text[skip(_SPACE, text, span.end) :][: len(RESPONSE)]
    if closer := _CLOSER.match(text, span.end):
        return Block(Verdict.CALL, content, closer.end())
    if rest == RESPONSE:
        return Block(Verdict.CALL, content, skip(_SPACE, text, span.end))
    if RESPONSE.startswith(rest) or _PARTIAL_CLOSER.match(text, span.end):
        return Block(Verdict.OPEN, content, len(text))
    return _BROKEN if span.missing else _TEXT


def fenced(
    text: str, start: int, fence: str, info: str, known: Collection[str], scanners: Scanners
) -> Block:
    """A fence's content from `start`. Without the word json it must also end the answer."""
    if info not in ("json", "") or not may_be_call(text, start, known):
        return _TEXT
    start = skip(_SPACE, text, start)
    span = _objects(text, start, scanners)
    content = text[start : span.end] + span.missing
    if span.scan not in (Scan.COMPLETE, Scan.UNCLOSED):
        return _unfinished(span, content)
    rest = text[span.end :].lstrip()
    if not rest.startswith(fence):
        is_open = fence.startswith(rest)
        return Block(Verdict.OPEN, content, len(text)) if is_open else _TEXT
    if info == "json":
        return Block(Verdict.CALL, content, len(text) - len(rest) + len(fence))
    ends = not rest[len(fence) :].strip()
    return Block(Verdict.OPEN, content, len(text)) if ends else _TEXT


def _objects(text: str, start: int, scanners: Scanners) -> Span:
    """Follow objects in a row; where the last one, and stray closing braces after it, end."""
    while True:
        inner = inner_brace(text, start)
        span = scanners.setdefault(inner, Scanner(inner)).scan(text)
        if span.scan is not Scan.COMPLETE:
            return span
        start = skip(GAP, text, span.end)
        if text[start : start + 1] not in ("{", "["):
            return Span(Scan.COMPLETE, start)


def _unfinished(span: Span, content: str) -> Block:
    if span.scan is Scan.BROKEN:
        return _BROKEN
    return Block(Verdict.MORE, content if span.missing else "", span.end)


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


_PARTIAL_OPENING = re.compile(
    r"""<function(?:\s+(?:n(?:a(?:m(?:e\s*(?:=\s*["']?)?)?)?)?)?|=)?(?P<name>[\w.-]*)["']?\s*\Z"""
)


def may_be_function(text: str, start: int, known: Collection[str]) -> bool:
    """Whether the `<function` at `start` can still become a call to a known tool."""
    head = _PARTIAL_OPENING.match(text, start)
    return head is not None and any(tool.startswith(head["name"]) for tool in known)


def closing_fence(fence: str) -> re.Pattern[str]:
    """The line that closes a fence of code."""
    return re.compile(rf"^[ \t]*{fence[0]}{{{len(fence)},}}[ \t\r]*(?:\n|\Z)", re.MULTILINE)


def in_quotes(text: str, at: int) -> bool:
    """Whether `at` lies between backticks, or in a line that is quoted."""
    line = text.rfind("\n", 0, at) + 1
    if _QUOTED_LINE.match(text, line, at):
        return True
    opened = 0
    for run in _BACKTICKS.finditer(text, line, at) if text.find("`", line, at) >= 0 else ():
        length = len(run[0])
        opened = 0 if opened == length else opened or length
    return opened > 0


def held_from(text: str, start: int) -> int:
    """The first position from `start` on whose text may be the beginning of a call."""
    line = text.rfind("\n") + 1
    tag = text.rfind("<", max(start, len(text) - len(RESPONSE)))
    if tag >= 0 and any(name.startswith(text[tag:]) for name in _TAGS):
        return tag if text[max(line, start) : tag].strip(" \t") else max(line, start)
    if line >= start and text[line:].strip(" \t") in ("", "`", "``", "~", "~~"):
        return line
    return len(text)
