"""Decisions taken from bytes: what a fuzzer mutates, and what a kept seed replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Reads decisions off the front of `data`; when it is used up every decision is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def below(self, limit: int) -> int:
        """0 <= n < limit <= 256."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1] % limit

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def chance(self, out_of: int) -> bool:
        """True once in `out_of`, and never when no bytes are left."""
        return self.below(out_of) == out_of - 1

    def rest(self) -> bytes:
        self._at = len(self._data)
        return self._data[self._at :]

    def take(self, count: int) -> bytes:
        start, self._at = self._at, min(self._at + count, len(self._data))
        return self._data[start : self._at]
