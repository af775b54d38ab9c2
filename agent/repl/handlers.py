"""What the keys of the terminal set off."""

from __future__ import annotations

from typing import Protocol


class Handlers(Protocol):
    """What the REPL does when somebody types."""

    def submitted(self, text: str) -> None:
        """Enter. Also while the agent works."""
        ...

    def interrupted(self) -> None:
        """Esc, or Ctrl-C, while the terminal is busy."""
        ...

    def rewind(self) -> None:
        """Esc twice on an empty line while nothing runs."""
        ...

    def mode_cycled(self) -> None:
        """Shift-Tab."""
        ...

    def opened(self) -> None:
        """Ctrl-O."""
        ...

    def todos(self) -> None:
        """Ctrl-T."""
        ...

    def left(self) -> None:
        """Ctrl-D on an empty line, or Ctrl-C twice, or the terminal was closed."""
        ...

    def drew_back(self) -> str | None:
        """Up on an empty line: the last queued prompt, for editing; it is queued no more."""
        ...

    def began(self) -> None:
        """The first key: a good moment to start work early."""
        ...
