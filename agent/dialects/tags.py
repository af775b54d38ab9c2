"""The tags of Qwen3-Coder's calls, found in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_NAME = r"[^<>{}\"'\s=]+"
_FUNCTION = rf"<function(?:=|\s+name\s*=\s*[\"']?)(?P<name>{_NAME})[\"']?\s*>"
OPENING = re.compile(_FUNCTION)
"""How a call begins. Names with braces, quotes, brackets or spaces are templates' placeholders."""
_TAG = re.compile(
    rf"""(?P<function>{_FUNCTION})
    |(?P<parameter><parameter(?:=|\s+name\s*=\s*)["']?(?P<key>{_NAME})["']?(?:\s*>|(?P<joined>=)))
    |(?P<call><tool_call>)|(?P<end_parameter></parameter(?:(?:\d+|/|_function)?\s*>|(?=\s*\n\s*<)))|(?P<end_function></function>)
    |(?P<end_call></tool_call>)|(?P<response><tool_response>)|(?P<stray></(?P<word>[\w.-]+)>)""",
    re.VERBOSE,
)


class Kind(Enum):
    FUNCTION = "function"
    PARAMETER = "parameter"
    CALL = "call"
    END_PARAMETER = "end_parameter"
    END_FUNCTION = "end_function"
    END_CALL = "end_call"
    RESPONSE = "response"
    STRAY = "stray"
    """A closing tag that closes nothing, such as `</command>`."""
    END = "end"
    """The end of the text."""


@dataclass(frozen=True, slots=True)
class Tag:
    kind: Kind
    start: int
    end: int
    name: str
    begins: bool
    """Whether it begins a line."""
    adjoins: bool
    """Whether only whitespace lies between the tag before and this one."""
    joined: bool = False
    """`<parameter=key=value</parameter>`: the bracket after the key was forgotten."""

    @property
    def clean(self) -> bool:
        """Whether it stands where a call's own tags stand."""
        return self.begins or self.adjoins


def tags_of(text: str) -> list[Tag]:
    """All tags in order, and an END."""
    found: list[Tag] = []
    before = line = 0
    for match in _TAG.finditer(text):
        line = text.rfind("\n", line, match.start()) + 1 or line
        name = match["name"] or match["key"] or match["word"] or ""
        found.append(
            Tag(
                Kind(match.lastgroup),
                match.start(),
                match.end(),
                name,
                begins=line >= before and not text[line : match.start()].strip(" \t"),
                adjoins=not text[before : match.start()].strip(),
                joined=match["joined"] is not None,
            )
        )
        before = match.end()
    end = len(text)
    found.append(Tag(Kind.END, end, end, "", begins=True, adjoins=not text[before:].strip()))
    return found
