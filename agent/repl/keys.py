"""What every key does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.filters import Condition, vi_insert_mode, vi_navigation_mode
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from qwright.agent.language import say
from qwright.agent.repl.dialogs import Dialog

if TYPE_CHECKING:
    from qwright.agent.repl.terminal import Terminal

TWICE = 2.0
"""Seconds within which a second Ctrl-C leaves, or a second Esc clears."""
ESCAPE_SECONDS = 0.03
"""After Esc alone, before it counts as the key and not as the begin of another one's bytes."""

# Enter with Shift, Ctrl or Alt, as terminals tell it that can: a new line. Esc and Shift-Tab in
# the same encoding.
_ALT_ENTER = (Keys.Escape, Keys.ControlM)
ANSI_SEQUENCES.update(
    {f"\x1b[13;{modifier}u": _ALT_ENTER for modifier in range(2, 9)}
    | {f"\x1b[27;{modifier};13~": _ALT_ENTER for modifier in range(2, 9)}
    | {"\x1b[27u": Keys.Escape, "\x1b[9;2u": Keys.BackTab, "\x1bOM": Keys.ControlM}
)


class Twice:
    """A key that does something when it is pressed again soon."""

    def __init__(self) -> None:
        self._until = 0.0

    def pressed(self) -> bool:
        """Whether this press is the second one."""
        now = asyncio.get_running_loop().time()
        second = now < self._until
        self._until = 0.0 if second else now + TWICE
        return second

    def forget(self) -> None:
        self._until = 0.0


def bindings(terminal: Terminal) -> KeyBindings:
    """All keys of the terminal: of the input, of dialogs and of questions."""
    keys = KeyBindings()
    _bind_input(keys, terminal)
    _bind_editing(keys, terminal)
    _bind_leaving(keys, terminal)
    _bind_dialog(keys, terminal)
    _bind_answers(keys, terminal)
    _bind_question(keys, terminal)
    return keys


def _bind(
    keys: KeyBindings, filter: Condition, *names: Keys | str, eager: Condition | bool = False
) -> Callable[[Callable[[], object]], None]:
    def bind(act: Callable[[], object]) -> None:
        def handler(event: KeyPressEvent) -> None:
            act()

        keys.add(*names, filter=filter, eager=eager)(handler)

    return bind


def _bind_input(keys: KeyBindings, terminal: Terminal) -> None:
    typing = Condition(lambda: terminal.typing)
    prompt = terminal.prompt

    def enter() -> None:
        text = prompt.enter()
        if text is not None:
            terminal.handlers.submitted(text)

    def up() -> None:
        drawn = None if prompt.text else terminal.handlers.drew_back()
        if drawn is None:
            prompt.up()
        else:
            prompt.set(drawn)

    # What was typed before the prompt was there came through a terminal that makes Enter Ctrl-J.
    early = Condition(lambda: terminal.typing and terminal.early)
    _bind(keys, typing, "enter")(enter)
    for newline in (("c-j",), ("escape", "enter"), ("escape", "c-j")):
        _bind(keys, typing, *newline)(prompt.newline)
    _bind(keys, early, "c-j")(enter)
    for key in ("up", "c-p"):
        _bind(keys, typing, key)(up)
    for key in ("down", "c-n"):
        _bind(keys, typing, key)(prompt.down)
    _bind(keys, typing, "tab")(prompt.tab)
    _bind(keys, typing, "s-tab")(terminal.handlers.mode_cycled)
    _bind(keys, typing, "c-o")(terminal.handlers.opened)
    _bind(keys, typing, "c-t")(terminal.handlers.todos)
    _bind(keys, typing, "c-l")(terminal.clear)
    _bind(keys, typing, "c-r")(terminal.search_history)
    _bind(keys, typing, "c-g")(terminal.edit_prompt)
    _bind(keys, typing, "c-x", "c-e")(terminal.edit_prompt)


def _bind_editing(keys: KeyBindings, terminal: Terminal) -> None:
    typing = Condition(lambda: terminal.typing)
    empty = Condition(lambda: terminal.typing and not terminal.prompt.text)
    deleting = Condition(lambda: terminal.typing and not vi_navigation_mode())
    prompt = terminal.prompt

    @keys.add(Keys.BracketedPaste, filter=typing)
    def _(event: KeyPressEvent) -> None:
        prompt.paste(event.data)

    _bind(keys, deleting, "backspace")(prompt.rub_out)
    _bind(keys, empty, "?")(lambda: terminal.handlers.submitted("/help"))
    # The terminal pastes; a Ctrl-V that reaches us would insert the next key's raw bytes.
    _bind(keys, typing, "c-v")(lambda: None)
    _bind(keys, Condition(lambda: True), "c-z")(terminal.suspend)


def _bind_leaving(keys: KeyBindings, terminal: Terminal) -> None:
    typing = Condition(lambda: terminal.typing)
    empty = Condition(lambda: terminal.typing and not terminal.prompt.text)
    # Alone: nothing came with it that would make it Alt and a key.
    alone = Condition(lambda: terminal.alone)
    control_c, escape = Twice(), Twice()

    def interrupt() -> None:
        if control_c.pressed():
            terminal.handlers.left()
            return
        terminal.hint(say("terminal.leave_hint"))
        if terminal.busy:
            terminal.handlers.interrupted()
        else:
            terminal.prompt.clear()

    for key in ("c-c", "<sigint>"):
        _bind(keys, typing, key)(interrupt)
    _bind(keys, empty, "c-d")(terminal.handlers.left)
    _bind(keys, typing, "escape", eager=alone)(lambda: _escape(terminal, escape))
    _bind(keys, typing, "escape", "escape")(
        lambda: (_escape(terminal, escape), _escape(terminal, escape))
    )


def _escape(terminal: Terminal, twice: Twice) -> None:
    """Esc: close the list, else interrupt, else (twice) clear the input or go back."""
    prompt = terminal.prompt
    if prompt.menu.items:
        prompt.menu.close()
    elif vi_insert_mode() and prompt.text:
        terminal.vi_normal()
    elif terminal.busy:
        twice.forget()
        terminal.handlers.interrupted()
    elif not twice.pressed():
        terminal.hint(say("terminal.clear_hint" if prompt.text else "terminal.rewind_hint"))
    elif prompt.text:
        terminal.hint("")
        prompt.clear()
    else:
        terminal.hint("")
        terminal.handlers.rewind()


def _bind_dialog(keys: KeyBindings, terminal: Terminal) -> None:
    shown = Condition(lambda: terminal.dialog is not None)

    def bind(act: Callable[[Dialog], None], *names: str) -> None:
        def guarded() -> None:
            if terminal.dialog is not None and not terminal.too_early():
                act(terminal.dialog)

        for name in names:
            _bind(keys, shown, name)(guarded)

    bind(lambda dialog: dialog.move(-1), "up", "c-p", "s-tab")
    bind(lambda dialog: dialog.move(1), "down", "c-n", "tab")
    bind(lambda dialog: dialog.scroll(-1), "pageup", "c-u", "c-b")
    bind(lambda dialog: dialog.scroll(1), "pagedown", "c-d", "c-f")
    bind(lambda dialog: dialog.take(), "enter", "c-j")
    bind(lambda dialog: dialog.rub_out(), "backspace")


def _bind_answers(keys: KeyBindings, terminal: Terminal) -> None:
    shown = Condition(lambda: terminal.dialog is not None)
    alone = Condition(lambda: terminal.alone)

    def leave() -> None:
        # No is the safe answer: it counts at once.
        if terminal.dialog is not None:
            terminal.dialog.finish(None)

    for name in ("c-c", "<sigint>", "escape"):
        _bind(keys, shown, name, eager=alone)(leave)

    @keys.add(Keys.Any, filter=shown)
    def _(event: KeyPressEvent) -> None:
        if terminal.too_early():
            terminal.kept(event.data)
        elif terminal.dialog is not None:
            terminal.dialog.type(event.data)

    @keys.add(Keys.BracketedPaste, filter=shown)
    def _(event: KeyPressEvent) -> None:
        if terminal.too_early():
            terminal.prompt.paste(event.data)


def _bind_question(keys: KeyBindings, terminal: Terminal) -> None:
    asking = Condition(lambda: terminal.question is not None)
    alone = Condition(lambda: terminal.alone)

    def finish(*, given: bool) -> Callable[[], None]:
        def act() -> None:
            if terminal.question is not None:
                terminal.question.finish(given=given)

        return act

    def newline() -> None:
        if terminal.question is not None:
            terminal.question.buffer.insert_text("\n")

    _bind(keys, asking, "enter")(finish(given=True))
    for names in (("c-j",), ("escape", "enter")):
        _bind(keys, asking, *names)(newline)
    _bind(keys, asking, "escape", eager=alone)(finish(given=False))
    for key in ("c-c", "<sigint>"):
        _bind(keys, asking, key)(finish(given=False))
    nothing = Condition(lambda: terminal.question is not None and not terminal.question.buffer.text)
    _bind(keys, nothing, "c-d")(finish(given=False))
