"""A prompt-toolkit application at the bottom of the terminal, with text that scrolls away above."""

from __future__ import annotations

import os
from time import monotonic

from prompt_toolkit.application import Application

from qwright.agent.repl.drawing import cells_of
from qwright.agent.repl.screen_output import ScreenOutput

_IN_FLIGHT = 0.01
"""Seconds within which what was drawn may reach a terminal that has wrapped anew already. It is
not wrapped then, and nothing above it may be erased."""


class Inline(Application[None]):
    """Draws below what has been written, and never over it.

    `above` writes finished text where the application was and draws that again below, in one
    write, so that nothing flickers.
    """

    output: ScreenOutput
    _drawn_width = 0
    _drawn_at = 0.0

    def above(self, text: str) -> None:
        """Write `text`, whole lines, above; an empty one only draws."""
        with self.output.held():
            # tmux wraps a row by what it ever held since it was erased whole.
            if text or _in_tmux():
                self._erase()
                self.output.write_raw(text.replace("\n", "\r\n"))
            self._redraw()

    def clear(self) -> None:
        """Empty the screen; what scrolled away stays."""
        with self.output.held():
            self.renderer.clear()
            self._redraw()

    def _redraw(self, render_as_done: bool = False) -> None:
        if self._running_in_terminal:
            return
        width = self.output.get_size().columns
        with self.output.held():
            if width != self._drawn_width:
                self._erase()
            super()._redraw(render_as_done)
        self._drawn_width, self._drawn_at = width, monotonic()

    def _on_resize(self) -> None:
        self._redraw()

    def _erase(self) -> None:
        """Take away what is drawn. A terminal that got narrower has wrapped it anew, perhaps
        before it told us: find where it begins now."""
        settled = monotonic() - self._drawn_at > _IN_FLIGHT
        if settled and self.output.get_size().columns != self._drawn_width:
            self.output.cursor_up(self._rows_wrapped_above())
        self.renderer.erase(leave_alternate_screen=False)

    def _rows_wrapped_above(self) -> int:
        """How many more rows what is above the cursor takes since the terminal got narrower."""
        screen = self.renderer.last_rendered_screen
        if screen is None or not _wraps_anew():
            return 0
        width = self.output.get_size().columns
        cursor = screen.get_cursor_position(self.layout.current_window)
        more = sum(
            max(cells_of(screen.data_buffer[row]) - 1, 0) // width for row in range(cursor.y)
        )
        return more + cursor.x // width


def _wraps_anew() -> bool:
    """Whether the terminal wraps lines anew when it is resized; most do."""
    by_name = "XTERM_VERSION" in os.environ or "STY" in os.environ
    return not by_name and os.environ.get("TERM") != "linux"


def _in_tmux() -> bool:
    return "TMUX" in os.environ or os.environ.get("TERM", "").startswith(("tmux", "screen"))
