"""How help is laid out: argparse's way, in a language whose letters are wide and need no spaces."""

from __future__ import annotations

import argparse
import re
import unicodedata
from typing import Any

from qwright.agent.language import say

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_OPENING = "\uff08\u300c\u300a\u201c"
_CLOSING = "\uff0c\u3002\uff1b\uff1a\u3001\uff09\u300d\u300b\u201d\uff01\uff1f"
_PIECE = re.compile(rf"\s+|[{_OPENING}]*(?:[^\s{_WIDE}]+|[{_WIDE}])[{_CLOSING}]*")
"""What stays on one line: a word, or one wide letter, with the punctuation that belongs to it."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions and epilogs as they are written, help texts wrapped by the width they take."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        usage = say("help.usage")
        self._width -= columns(usage) - len(usage)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        shown = say("help.usage") if prefix is None else prefix
        super().add_usage(usage, actions, groups, shown)

    def format_help(self) -> str:
        return re.sub(rf"([{_WIDE}]):$", "\\1\uff1a", super().format_help(), flags=re.MULTILINE)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, wherever no single piece is wider."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if columns(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line for line in lines if line]


def columns(text: str) -> int:
    """How wide a terminal draws it."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
