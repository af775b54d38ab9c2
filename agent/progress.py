"""What takes long before the model can work: told on stderr, once each."""

from __future__ import annotations

from typing import TextIO

from qwright.tools.sanitise import sanitise


class Progress:
    """Lines for a log; on a terminal a line that grows, such as a percentage, is overwritten."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ""

    def __call__(self, text: str) -> None:
        """Say what is being done now. Saying it twice in a row shows it once."""
        text = sanitise(text).replace("\n", " ")
        if text == self._last:
            return
        same = _subject(text) == _subject(self._last)
        if self._stream.isatty() and same:
            self._stream.write(f"\x1b[1A\x1b[2K{text}\n")
        elif not same:
            self._stream.write(f"{text}\n")
        self._stream.flush()
        self._last = text


def _subject(text: str) -> str:
    """The text without its numbers: two lines of equal subject are one thing going on."""
    return "".join(character for character in text if not character.isdigit() and character != " ")
