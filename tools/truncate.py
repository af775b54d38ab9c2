"""The one output limit of all tools."""

from __future__ import annotations

LIMIT = 8_000
"""Characters of output a model is shown; about 2,500 tokens."""
LINE_LIMIT = 1_000
"""Characters of one line a model is shown."""


def cut_line(line: str, limit: int = LINE_LIMIT) -> str:
    """Cut a long line at `limit` characters and say how many were cut."""
    if len(line) <= limit:
        return line
    return f"{line[:limit]} [... {len(line) - limit:,} more characters]"


def truncate(text: str, limit: int = LIMIT) -> str:
    """Keep head and tail of `text` within `limit` characters (200 or more).

    The cut falls between lines where it can; a note in its place says how much is missing.
    """
    if len(text) <= limit:
        return text
    room = limit - 100  # for the note
    head = _whole_lines_head(text[: room // 3])
    tail = _whole_lines_tail(text[len(text) - (room - room // 3) :])
    dropped = text[len(head) : len(text) - len(tail)]
    lines = dropped.count("\n")
    what = f"{lines:,} line{'s' if lines != 1 else ''}, " if lines else ""
    note = f"[... {what}{len(dropped):,} characters left out ...]"
    return f"{head}{_break_after(head)}{note}\n{tail}"


def _break_after(head: str) -> str:
    return "" if not head or head.endswith("\n") else "\n"


def _whole_lines_head(text: str) -> str:
    """Up to the last line end, unless that would lose more than half."""
    end = text.rfind("\n") + 1
    return text[:end] if end > len(text) // 2 else text


def _whole_lines_tail(text: str) -> str:
    start = text.find("\n") + 1
    return text[start:] if 0 < start < len(text) // 2 else text
