"""A list to choose from in place of the input: pickers and approvals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qwright.agent.language import say
from qwright.agent.repl.drawing import MARK, Row, cut, only_style, rows, wrap
from qwright.tools.sanitise import sanitise

QUIET = 0.3
"""Seconds without a key before a dialog with a body takes one: what was being typed when it
appeared is no answer to it."""
_TITLE, _BAR, _HINT = "class:choice.title", "class:choice.bar", "class:choice.hint"
_CHOSEN, _DETAIL = "class:choice.chosen", "class:choice.detail"
_FEWEST = 3
"""Rows that options and body keep at least each, however low the terminal is."""


class OptionLike(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def key(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a list. `key` chooses it at once."""

    label: str
    detail: str = ""
    key: str = ""


class Dialog:
    """One question. `answer` gets the index of the option, or None when it was left.

    A body is shown whole, behind a bar that nothing in it can leave.
    """

    def __init__(
        self, title: str, options: Sequence[OptionLike], body: str, *, digits: bool, start: int
    ) -> None:
        self.options = options
        self.guarded = bool(body)
        self.answered: Callable[[], None] = lambda: None
        """Called at once, before the next key."""
        self.answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._title = sanitise(title).replace("\n", " ")
        self._body = only_style(body, reverse=False)
        self._digits = digits
        self._filter = ""
        self._shown = list(range(len(options)))
        self._chosen = min(max(start, 0), max(len(options) - 1, 0))
        self._scroll = 0
        self._page = 1

    @property
    def filters(self) -> bool:
        """Typing narrows the list; otherwise digits, j and k choose in it."""
        return not self._digits

    def finish(self, answer: int | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
            self.answered()

    def take(self) -> None:
        """Enter: what is chosen is the answer."""
        if self._shown:
            self.finish(self._shown[self._chosen])

    def move(self, by: int) -> None:
        self._chosen = (self._chosen + by) % max(len(self._shown), 1)

    def scroll(self, pages: int) -> None:
        """The body, by pages; without a body the list."""
        if self._body:
            self._scroll = max(self._scroll + pages * self._page, 0)
        else:
            last = max(len(self._shown) - 1, 0)
            self._chosen = min(max(self._chosen + pages * self._page, 0), last)

    def type(self, text: str) -> None:
        """A character: the key of an option, its number, a move, or more of the filter."""
        if self.filters:
            if text.isprintable():
                self._narrow(self._filter + text)
            return
        keyed = next((n for n, option in enumerate(self.options) if option.key == text), None)
        if keyed is not None:
            self.finish(keyed)
        elif text.isdecimal() and text.isascii() and 0 < int(text) <= len(self.options):
            self.finish(int(text) - 1)
        elif text in ("j", "k"):
            self.move(1 if text == "j" else -1)

    def rub_out(self) -> None:
        self._narrow(self._filter[:-1])

    def _narrow(self, text: str) -> None:
        self._filter, self._chosen = text, 0
        words = text.lower().split()
        self._shown = [
            number
            for number, option in enumerate(self.options)
            if all(word in f"{option.label} {option.detail}".lower() for word in words)
        ]

    def plain(self) -> str:
        """Title, body and numbered options, for terminals that cannot redraw."""
        body = "".join(f"| {line}\n" for line in self._body.splitlines())
        options = (
            f"  {number}. {sanitise(option.label)}  {sanitise(option.detail)}".rstrip()
            for number, option in enumerate(self.options, 1)
        )
        return f"{self._title}\n{body}" + "\n".join(options) + "\n"

    def current(self) -> Row:
        """What Enter would take, on one line."""
        shown = self._shown
        return self._option(self._chosen, shown[self._chosen]) if shown else []

    def rows(self, width: int, height: int) -> list[Row]:
        """The dialog in at most `height` rows."""
        title = wrap([(_TITLE, f" {self._title} ")], width)
        body = rows(self._body, width - 2) if self._body else []
        free = height - len(title) - 1 - self.filters
        listed = min(len(self.options), max(free - min(len(body), free // 2), _FEWEST))
        drawn = title + self._drawn_body(body, width, max(free - listed, _FEWEST))
        if self.filters:
            drawn.append([(_HINT, "  / "), ("", self._filter), ("reverse", " ")])
        drawn += self._drawn_options(width, listed)
        return [*drawn, cut([(_HINT, "  " + self._hint())], width)]

    def _drawn_body(self, body: list[Row], width: int, room: int) -> list[Row]:
        if len(body) > room:
            self._page = max(room - 1, 1)
            self._scroll = min(self._scroll, len(body) - self._page)
            below = len(body) - self._scroll - self._page
            more = say("terminal.more", above=self._scroll, below=below)
            body = body[self._scroll : self._scroll + self._page]
            return [*map(_barred, body), cut([(_BAR, "│ "), (_HINT, more)], width)]
        return list(map(_barred, body))

    def _drawn_options(self, width: int, listed: int) -> list[Row]:
        shown = self._shown
        if not self._body:
            self._page = max(listed - 1, 1)
        first = min(max(self._chosen - listed // 2, 0), max(len(shown) - listed, 0))
        window = list(enumerate(shown))[first : first + listed]
        if not shown:
            return [[(_HINT, "  " + say("terminal.none"))]]
        return [cut(self._option(place, number), width) for place, number in window]

    def _option(self, place: int, number: int) -> Row:
        option = self.options[number]
        chosen = place == self._chosen
        key = option.key or (str(number + 1) if self._digits and number < 9 else "")
        label = sanitise(option.label).replace("\n", " ")
        head = f"{MARK if chosen else ' '} {key + '. ' if key else ''}{label}"
        detail = sanitise(option.detail).replace("\n", " ")
        return [(_CHOSEN if chosen else "", head), (_DETAIL, f"  {detail}" if detail else "")]

    def _hint(self) -> str:
        return say("terminal.filter_hint" if self.filters else "terminal.choose_hint")


def _barred(row: Row) -> Row:
    return [(_BAR, "│ "), *row]
