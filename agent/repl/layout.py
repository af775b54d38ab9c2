"""Where things stand: what changes, the input or a dialog, the list, the status line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import AfterInput, ConditionalProcessor
from prompt_toolkit.styles import Style

from qwright.agent.language import say
from qwright.agent.repl.completion import Suggestion
from qwright.agent.repl.drawing import MARK, Row, Rows, cells, cut, edges, plain, rows
from qwright.agent.repl.prompt import Colours
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from qwright.agent.repl.terminal import Terminal

DrawRows = Callable[[int], list[Row]]
Mark = Callable[[int, int], StyleAndTextTuples]
MENU_ROWS = 8
QUEUE_ROWS = 3

STYLE = Style.from_dict(
    {
        "mark.auto": "ansigreen bold",
        "mark.auto-edit": "ansimagenta bold",
        "mark.ask": "ansiyellow bold",
        "mark.plan": "ansicyan bold",
        "mark.shell": "ansired bold",
        "mark.question": "bold",
        "placeholder": "dim",
        "input.command": "bold",
        "input.path": "ansicyan",
        "input.chip": "reverse",
        "menu.chosen": "bold reverse",
        "menu.detail": "dim",
        "queue": "dim italic",
        "hint": "dim",
        "choice.title": "reverse bold",
        "choice.bar": "dim",
        "choice.hint": "dim",
        "choice.detail": "dim",
        "choice.chosen": "bold",
    }
)


class Arrangement:
    """The windows of a terminal, from what it is showing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.input = self._editor(terminal.prompt.buffer, self._mark, placeholder=True)
        self.dialog = self._rows(self._dialog, focusable=True)
        self.question = self._editor(terminal.question_buffer, self._question_mark)
        self.layout = Layout(self._all(), focused_element=self.input)

    def _all(self) -> HSplit:
        terminal = self._terminal
        typing = Condition(lambda: terminal.typing)
        choosing = Condition(lambda: terminal.dialog is not None)
        asking = Condition(lambda: terminal.question is not None)
        return HSplit(
            [
                self._rows(self._live),
                self._rows(self._queue),
                ConditionalContainer(self.input, typing),
                ConditionalContainer(self.dialog, choosing),
                ConditionalContainer(self._rows(self._label), asking),
                ConditionalContainer(self.question, asking),
                self._rows(self._menu),
                self._rows(self._status),
            ]
        )

    def _rows(self, draw: DrawRows, *, focusable: bool = False) -> Window:
        control = Rows(draw, focusable=focusable)

        def height() -> Dimension:
            count = len(draw(self._terminal.width))
            return Dimension(min=0, preferred=count, max=count)

        return Window(control, height=height, always_hide_cursor=True)

    def _editor(self, buffer: Buffer, mark: Mark, *, placeholder: bool = False) -> Window:
        empty = Condition(lambda: placeholder and not buffer.text)
        after = AfterInput(self._placeholder, style="class:placeholder")
        control = BufferControl(
            buffer, lexer=Colours(), input_processors=[ConditionalProcessor(after, empty)]
        )

        def height() -> Dimension:
            return Dimension(min=1, max=max(self._terminal.height // 2, 3))

        return Window(
            control, height=height, wrap_lines=True, dont_extend_height=True, get_line_prefix=mark
        )

    def _placeholder(self) -> str:
        room = self._terminal.width - 4
        text = "" if self._terminal.screen_reader else say("terminal.placeholder")
        return "".join(text for _, text, *_ in cut([("", text)], room))

    def _mark(self, line: int, wrapped: int) -> StyleAndTextTuples:
        if line or wrapped:
            return [("", "  ")]
        if self._terminal.prompt.text.startswith("!"):
            return [("class:mark.shell", "$ ")]
        sign = ">" if self._terminal.screen_reader else MARK
        return [(f"class:mark.{self._terminal.mode}", f"{sign} ")]

    def _question_mark(self, line: int, wrapped: int) -> StyleAndTextTuples:
        return [("class:mark.question", "  " if line or wrapped else "> ")]

    def _live(self, width: int) -> list[Row]:
        """The last rows of what changes, at most a third of the height, and a blank row."""
        if self._terminal.screen_reader:
            return []
        most = max(self._terminal.height // 3 - 1, 1)
        live = rows(self._terminal.live, width)[-most:] if self._terminal.live else []
        return [*live, []]

    def _queue(self, width: int) -> list[Row]:
        prompts = self._terminal.queue
        drawn: list[Row] = []
        for prompt in prompts[:QUEUE_ROWS]:
            text = say("terminal.queued", prompt=" ".join(sanitise(prompt).split()))
            drawn.append(cut([("class:queue", "  " + text)], width))
        if len(prompts) > QUEUE_ROWS:
            more = say("terminal.queued_more", count=len(prompts) - QUEUE_ROWS)
            drawn.append([("class:queue", "  " + more)])
        return drawn

    def _dialog(self, width: int) -> list[Row]:
        dialog = self._terminal.dialog
        if dialog and self._terminal.screen_reader:
            return [cut(dialog.current(), width)]
        room = self._terminal.height - len(self._live(width)) - len(self._queue(width)) - 1
        return dialog.rows(width, room) if dialog else []

    def _label(self, width: int) -> list[Row]:
        question = self._terminal.question
        return [cut([("class:choice.title", f" {question.label} ")], width)] if question else []

    def _menu(self, width: int) -> list[Row]:
        menu = self._terminal.prompt.menu
        if not self._terminal.typing or self._terminal.screen_reader or not menu.items:
            return []
        count = min(MENU_ROWS, max(self._terminal.height // 3, 1))
        first = min(max(menu.index - count // 2, 0), max(len(menu.items) - count, 0))
        window = menu.items[first : first + count]
        column = min(max(cells([("", sanitise(item.shown))]) for item in window), width * 2 // 3)
        return [
            _suggestion(item, number == menu.index, column, width)
            for number, item in enumerate(window, first)
        ]

    def _status(self, width: int) -> list[Row]:
        terminal = self._terminal
        if terminal.question is not None:
            return [cut([("class:hint", "  " + say("terminal.ask_hint"))], width)]
        if terminal.hint_text:
            return [cut([("class:hint", "  " + terminal.hint_text)], width)]
        if terminal.screen_reader or terminal.prompt.menu.items or terminal.dialog:
            return []
        left, right = terminal.status
        return [edges(left, right, width)] if plain(left + right).strip() else []


def _suggestion(item: Suggestion, chosen: bool, column: int, width: int) -> Row:
    shown = cut([("", sanitise(item.shown).replace("\n", " "))], column)
    gap = " " * (column - cells(shown))
    style = "class:menu.chosen" if chosen else ""
    label = "".join(text for _, text, *_ in shown)
    detail = sanitise(item.detail).replace("\n", " ")
    row: Row = [("", "  "), (style, f"{label}{gap}"), ("class:menu.detail", f"  {detail}")]
    return cut(row if detail else row[:2], width)
