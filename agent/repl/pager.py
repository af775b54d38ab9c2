"""A long text in the alternate screen: scrolled, searched, left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import Dimension, HSplit, Layout, Window
from prompt_toolkit.output import ColorDepth

from qwright.agent.language import say
from qwright.agent.repl.drawing import Row, Rows, edges, rows
from qwright.agent.repl.keys import ESCAPE_SECONDS
from qwright.agent.repl.screen_output import ScreenOutput


class Pager:
    """The lines, where one is in them, and what is searched for."""

    def __init__(self, lines: Sequence[str], title: str) -> None:
        self._lines = lines
        self._title = title
        self._top = 0
        self._room = 1
        self._width = 0
        self._rows: list[Row] = []
        self._searched: str | None = None
        """What is being typed after `/`."""
        self._wanted = ""
        self._app: Application[None] | None = None

    async def run(self, input: Input, output: ScreenOutput, colours: ColorDepth) -> None:
        """Until q, Esc, Ctrl-O or Ctrl-C."""
        text = Window(Rows(self._text, focusable=True), always_hide_cursor=True)
        bar = Window(Rows(self._bar), height=Dimension.exact(1), style="reverse")
        app: Application[None] = Application(
            layout=Layout(HSplit([text, bar])),
            key_bindings=self._keys(),
            full_screen=True,
            color_depth=colours,
            include_default_pygments_style=False,
            input=input,
            output=output,
        )
        app.ttimeoutlen = ESCAPE_SECONDS
        self._app = app
        self._output = output
        await app.run_async(set_exception_handler=False)

    def _text(self, width: int) -> list[Row]:
        if width != self._width:
            self._fit(width)
        self._room = max(self._output.get_size().rows - 1, 1)
        self._go(self._top)
        return self._rows[self._top : self._top + self._room]

    def _fit(self, width: int) -> None:
        """Wrap anew, and stay at the same part of the text."""
        before = len(self._rows) or 1
        self._width = width
        self._rows = rows("\n".join(self._lines), width)
        self._top = self._top * len(self._rows) // before

    def _bar(self, width: int) -> list[Row]:
        if self._searched is not None:
            return [edges(f"/{self._searched}", "", width)]
        last = min(self._top + self._room, len(self._rows))
        place = f"{last}/{len(self._rows)}"
        return [edges(f" {self._title}  {say('terminal.page_hint')}", f"{place} ", width)]

    def _go(self, top: int) -> None:
        self._top = max(min(top, len(self._rows) - self._room), 0)

    def _find(self, step: int) -> None:
        """Go to the next line (or the one before) that holds what is wanted, round the end."""
        count = len(self._rows)
        wanted = self._wanted.lower()
        for distance in range(1, count + 1):
            number = (self._top + step * distance) % count
            if wanted and wanted in "".join(text for _, text, *_ in self._rows[number]).lower():
                self._go(number)
                return

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        reading = Condition(lambda: self._searched is None)

        def bind(act: Callable[[], None], *names: str) -> None:
            for name in names:
                keys.add(name, filter=reading, eager=name == "escape")(_acting(act))

        def moves(by: Callable[[], int], *names: str) -> None:
            bind(lambda: self._go(self._top + by()), *names)

        moves(lambda: -1, "up", "k", "c-p")
        moves(lambda: 1, "down", "j", "c-n", "enter")
        moves(lambda: 1 - self._room, "pageup", "b", "c-b")
        moves(lambda: self._room - 1, "pagedown", " ", "f", "c-f")
        moves(lambda: -self._room // 2, "u", "c-u")
        moves(lambda: self._room // 2, "d", "c-d")
        moves(lambda: -len(self._rows), "g", "home")
        moves(lambda: len(self._rows), "G", "end")
        bind(lambda: self._find(1), "n")
        bind(lambda: self._find(-1), "N")
        bind(lambda: self._search(""), "/")
        bind(self._leave, "q", "escape", "c-o", "c-c", "<sigint>")
        self._search_keys(keys)
        return keys

    def _search_keys(self, keys: KeyBindings) -> None:
        searching = Condition(lambda: self._searched is not None)

        def typed(event: KeyPressEvent) -> None:
            if event.data.isprintable():
                self._search((self._searched or "") + event.data)

        def take(_: KeyPressEvent) -> None:
            self._wanted = self._searched or self._wanted
            self._search(None)
            self._find(1)

        def rub_out(_: KeyPressEvent) -> None:
            self._search((self._searched or "")[:-1])

        def give_up(_: KeyPressEvent) -> None:
            self._search(None)

        keys.add(Keys.Any, filter=searching)(typed)
        keys.add("enter", filter=searching)(take)
        keys.add("backspace", filter=searching)(rub_out)
        for name in ("escape", "c-c"):
            keys.add(name, filter=searching, eager=True)(give_up)

    def _search(self, text: str | None) -> None:
        self._searched = text

    def _leave(self) -> None:
        if self._app and not self._app.is_done:
            self._app.exit()


def _acting(act: Callable[[], None]) -> Callable[[KeyPressEvent], None]:
    return lambda event: act()
