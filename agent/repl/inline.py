"""A prompt-toolkit application at the bottom of the terminal, with text that scrolls away above."""

from __future__ import annotations

import os

from prompt_toolkit.application import Application

from qwright.agent.repl.drawing import cells_of
from qwright.agent.repl.screen_output import ScreenOutput


class Inline(Application[None]):
    """Draws below what has been written, and never over it.

    `above` writes finished text where the application was and draws that again below, in one
    write, so that nothing flickers.
    """

    output: ScreenOutput

    def above(self, text: str) -> None:
        """Write `text`, whole lines, above; an empty one only draws."""
        with self.output.held():
            if text:
                self.renderer.erase()
                self.output.write_raw(text.replace("\n", "\r\n"))
            self._redraw()

    def clear(self) -> None:
        """Empty the screen; what scrolled away stays."""
        with self.output.held():
            self.renderer.clear()
            self._redraw()

    def _on_resize(self) -> None:
        """Terminals that wrap anew have moved what is drawn: find where it begins now."""
        with self.output.held():
            self.output.cursor_up(self._rows_wrapped_above())
            self.renderer.erase(leave_alternate_screen=False)
            self._redraw()

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
    term = os.environ.get("TERM", "")
    fixed = term == "linux" or (term.startswith("screen") and "TMUX" not in os.environ)
    return not fixed and "XTERM_VERSION" not in os.environ
