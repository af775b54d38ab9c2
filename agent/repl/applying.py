"""After a turn: bring the result to the person's files, ask them, or leave it for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl.ports import Choosable

if TYPE_CHECKING:
    from qwright.agent.repl.app import Repl

_CHOICES = ("apply", "hunks", "look", "later", "undo")
_COMMAND = {"hunks": "/accept hunks", "undo": "/undo"}


async def offer(repl: Repl, *, finished: bool) -> None:
    """Go by the setting `apply`; what an interrupted or failed turn left is only mentioned.

    Whoever types already, or has queued more, is not asked either: the keys were not meant for it.
    """
    assert repl.chat
    changes = await repl.chat.results.pending()
    if not changes:
        return
    repl.refresh()
    setting = repl.chat.config.apply
    if setting == "auto" and finished:
        await accept(repl)
    elif setting == "ask" and finished and not repl.occupied:
        await _ask(repl)
    else:
        repl.view.say(many("repl.kept", len(changes)), "hint")


async def accept(repl: Repl) -> None:
    """Apply all that is pending and say where it went."""
    assert repl.chat
    delivered = await repl.chat.results.accept()
    repl.view.say(delivered.text, "good")
    for hint in delivered.hints:
        repl.view.say(hint, "hint")


async def _ask(repl: Repl) -> None:
    assert repl.chat
    while True:
        files = await repl.chat.results.summary()
        options = [Choosable(say(f"repl.apply_{choice}")) for choice in _CHOICES]
        count = len(files)
        title = say("repl.apply_title")
        chosen = await repl.terminal.choose(title, options, body="\n".join(files))
        match None if chosen is None else _CHOICES[chosen]:
            case "apply":
                await accept(repl)
            case "look":
                repl.view.diff(await repl.chat.results.diff())
                continue
            case "hunks" | "undo" as choice:
                repl.submit(_COMMAND[choice])
            case _:
                repl.view.say(many("repl.kept", count), "hint")
        return
