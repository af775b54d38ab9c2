"""The input: what is typed, pasted, completed and taken from the history."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from qwright.agent.repl.completion import Completer, Menu, Suggestion
from qwright.agent.repl.history import PromptHistory
from qwright.agent.repl.paste import CHIP, Pastes

_MARKED = re.compile(rf"(?P<chip>{CHIP.pattern})|(?<!\S)(?P<path>@\S+)")


def surface(task: asyncio.Future[None]) -> None:
    """Raise what ended a task that nobody awaits, to the event loop's handler."""
    if not task.cancelled():
        task.result()


class Prompt:
    """The text that will be submitted, its completions and its history."""

    def __init__(
        self, completer: Completer, history: PromptHistory, changed: Callable[[], None]
    ) -> None:
        self.buffer = Buffer(multiline=True, on_text_changed=self._on_text_changed)
        self.menu = Menu()
        self.history = history
        self.completer = completer
        completer.renewed = self._search_again
        self._pastes = Pastes()
        self._changed = changed
        self._told = True
        self._searching: asyncio.Task[None] | None = None
        self._menu_for = ""

    @property
    def text(self) -> str:
        return self.buffer.text

    @property
    def whole(self) -> str:
        """The text with the pastes in place of their chips."""
        return self._pastes.unfold(self.text)

    @property
    def before(self) -> str:
        """The text before the cursor."""
        return self.buffer.document.text_before_cursor

    def set(self, text: str) -> None:
        """Put `text` in place of what is there, without offering completions."""
        self._told = False
        self.buffer.document = Document(text, len(text))
        self._told = True
        self.menu.close()

    def insert(self, text: str) -> None:
        self.buffer.insert_text(text)

    def paste(self, text: str) -> None:
        """Insert what was pasted; long text as a chip."""
        self._told = False
        self.buffer.insert_text(self._pastes.fold(text))
        self._told = True

    def newline(self) -> None:
        self.buffer.insert_text("\n")

    def clear(self) -> None:
        """Empty the input; what was in it can be had back with Up."""
        self._remember()
        self.set("")

    def _remember(self) -> str:
        text = self.whole.strip("\n")
        self.history.add(text if text.strip() else "")
        self._pastes.clear()
        return text

    def enter(self) -> str | None:
        """The text to submit, and an empty input; None where Enter meant something else."""
        if self.before.endswith("\\"):
            self.buffer.delete_before_cursor()
            self.newline()
            return None
        if self._taken_by_enter():
            return None
        text = self._remember()
        self.set("")
        self.buffer.reset()
        return text if text.strip() else None

    def _taken_by_enter(self) -> bool:
        """Whether Enter only completed."""
        chosen = self._fitting()
        if not chosen or (chosen.text == self.before[chosen.start :] and not chosen.goes_on):
            return False
        typed = self.before[chosen.start :]
        if chosen.kind == "path":
            self.accept(chosen)
            return True
        if self.menu.moved or (typed and not chosen.also(typed)):
            self.accept(chosen)
            return chosen.waits
        return False

    def rub_out(self) -> None:
        """Delete the character before the cursor, or the chip."""
        chip = self._pastes.chip_before(self.before)
        self.buffer.delete_before_cursor(chip or 1)

    def up(self) -> bool:
        """One line up, or one prompt back; False where there is none."""
        if self.menu.items:
            self.menu.move(-1)
        elif self.buffer.document.cursor_position_row:
            self.buffer.cursor_up()
        else:
            return self._recall(self.history.older(self.whole))
        return True

    def down(self) -> None:
        if self.menu.items:
            self.menu.move(1)
        elif self.buffer.document.cursor_position_row < self.buffer.document.line_count - 1:
            self.buffer.cursor_down()
        else:
            self._recall(self.history.newer())

    def _recall(self, text: str | None) -> bool:
        if text is None:
            return False
        self.set(text)
        return True

    def tab(self) -> None:
        """Take what is chosen in the list; without one look for what the word could be."""
        if chosen := self._fitting():
            self.accept(chosen)
        else:
            self._search(asked=True)

    def accept(self, chosen: Suggestion) -> None:
        """Put a suggestion in place of what it stands for."""
        self._told = False
        self.buffer.delete_before_cursor(len(self.before) - chosen.start)
        after = self.buffer.document.text_after_cursor
        blank = "" if chosen.goes_on or after.startswith((" ", "\n")) else " "
        self.buffer.insert_text(chosen.text + blank)
        self._told = True
        self.menu.close()
        if chosen.goes_on:
            self._search()

    def _fitting(self) -> Suggestion | None:
        """What is chosen, unless the list is for a text that has changed since."""
        return self.menu.chosen if self._menu_for == self.before else None

    def _on_text_changed(self, _: Buffer) -> None:
        if self._told:
            self._search()

    def _search(self, *, asked: bool = False) -> None:
        """Look for completions; a search under way is given up, its results would be stale."""
        if self._searching:
            self._searching.cancel()
        self._searching = asyncio.ensure_future(self._found(self.before, asked))
        self._searching.add_done_callback(surface)

    def _search_again(self) -> None:
        if self.before:
            self._search()

    async def _found(self, before: str, asked: bool) -> None:
        items = await self.completer.suggest(before, asked=asked)
        if before != self.before:
            return
        self._menu_for = before
        self.menu.show(items)
        if asked and items and (len(items) == 1 or items[0].kind == "command"):
            self.accept(items[0])
        self._changed()


class Colours(Lexer):
    """Commands, mentions of files and chips stand out in what is typed."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines = document.lines

        def line(number: int) -> StyleAndTextTuples:
            text = lines[number] if number < len(lines) else ""
            if number == 0 and (found := re.match(r"/\S+", text)):
                return [("class:input.command", found[0]), ("", text[found.end() :])]
            return _marked(text)

        return line


def _marked(text: str) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = []
    at = 0
    for found in _MARKED.finditer(text):
        fragments.append(("", text[at : found.start()]))
        fragments.append((f"class:input.{found.lastgroup}", found[0]))
        at = found.end()
    return [*fragments, ("", text[at:])]
