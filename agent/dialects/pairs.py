"""Surrogate pairs that a server cut in two between its chunks."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


class Pairs:
    """Joins the halves of a stream of text."""

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        """`text` after what was held back; its last character is held back if it is half a pair."""
        if text.isascii() and not self._half:
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return whole(text)

    def rest(self) -> str:
        """What is still held back at the end, which no other half followed."""
        half, self._half = self._half, ""
        return whole(half)


def whole(text: str) -> str:
    """With pairs joined, and halves that stand alone replaced: they could never be sent again."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
