"""The terminal as prompt-toolkit writes to it: every change in one synchronised write."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.vt100 import Vt100_Output

LONGEST_COPY = 100_000
"""Bytes; terminals drop longer clipboard texts, or choke on them."""
_LONGEST_TITLE = 200
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class ScreenOutput(Vt100_Output):
    """Holds back what is flushed inside `held()`, and writes it whole.

    Terminals that know synchronised output show each write at once; the others ignore the marks.
    The cursor's position is never asked for: an answer that comes late would be taken for keys.
    """

    def __init__(
        self, stdout: TextIO, get_size: Callable[[], Size], term: str, *, enable_bell: bool = False
    ) -> None:
        super().__init__(stdout, get_size, term=term, enable_bell=enable_bell, enable_cpr=False)
        self._holds = 0
        self.gone = False
        """The terminal was closed: nothing is written any more."""

    @classmethod
    def standard(cls) -> ScreenOutput:
        """The terminal behind standard output."""
        return cls(sys.stdout, _size, os.environ.get("TERM", ""))

    @contextmanager
    def held(self) -> Generator[None]:
        """Write nothing until the end of the block, then everything."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self.flush()

    def flush(self) -> None:
        if self._holds or not self._buffer:
            return
        if self.gone:
            self._buffer.clear()
            return
        self._buffer[:] = [_BEGIN, *self._buffer, _END]
        try:
            super().flush()
        except OSError:
            self.gone = True

    def disable_bracketed_paste(self) -> None:
        """Not between erasing and drawing: a paste might arrive just then."""
        if not self._holds:
            super().disable_bracketed_paste()

    def erase_down(self) -> None:
        """From below the cursor's row: tmux keeps a screen that is erased from its first cell on
        in the scrollback."""
        self.write_raw("\x1b7\x1b[K\x1b[B\r\x1b[J\x1b8")

    def send_title(self, title: str) -> None:
        """`title`, one line that is safe to show, for the window."""
        with self.held():
            self.set_title(title[:_LONGEST_TITLE])

    def send_clipboard(self, text: str) -> None:
        with self.held():
            data = base64.b64encode(text.encode()[:LONGEST_COPY]).decode()
            self.write_raw(f"\x1b]52;c;{data}\x07")

    def send_bell(self) -> None:
        with self.held():
            self.write_raw("\x07")


def _size() -> Size:
    try:
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        columns, lines = 0, 0
    return Size(rows=lines or 24, columns=columns or 80)
