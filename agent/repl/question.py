"""A line (or more) that is asked for in place of the input."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from qwright.tools.sanitise import sanitise


class Question:
    """One question. `answer` gets the text, or None when it was left."""

    def __init__(self, label: str, text: str, buffer: Buffer) -> None:
        self.label = sanitise(label).replace("\n", " ")
        self.buffer = buffer
        self.answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.answered: Callable[[], None] = lambda: None
        """Called at once, before the next key."""
        buffer.document = Document(text, len(text))

    def finish(self, *, given: bool) -> None:
        if not self.answer.done():
            self.answer.set_result(self.buffer.text if given else None)
            self.answered()
