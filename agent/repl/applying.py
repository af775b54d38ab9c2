"""After a turn: bring the result to the person's files, ask them, or leave it for later."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl.approval import exact
from qwright.agent.repl.ports import Choosable
from qwright.sandbox.accept import ConflictError

if TYPE_CHECKING:
    from qwright.agent.repl.app import Repl
    from qwright.sandbox.bridge import Hunk

_CHOICES = ("apply", "hunks", "look", "later", "undo")
_WAYS = ("merge", "yours", "agents", "later")
_MERGE = (
    "I have changed {names} too, in the same lines as you. My changes:\n{diff}\n"
    "Bring both together in these files: keep what each of us wanted."
)
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
    setting = repl.chat.setting.config.apply
    if setting == "auto" and finished:
        await accept(repl)
    elif setting == "ask" and finished and not repl.occupied:
        await _ask(repl)
    else:
        repl.view.say(many("repl.kept", len(changes)), "hint")


async def accept(repl: Repl, chosen: Collection[Hunk] | None = None) -> None:
    """Apply what is pending, or these hunks, and say where it went; a conflict is asked about."""
    assert repl.chat
    try:
        delivered = await repl.chat.results.accept(chosen)
    except ConflictError as error:
        repl.view.say(str(error), "bad")
        await _settle(repl, error.paths, chosen)
        return
    repl.view.say(delivered.text, "good")
    for hint in delivered.hints:
        repl.view.say(hint, "hint")


async def _settle(repl: Repl, paths: Sequence[str], chosen: Collection[Hunk] | None) -> None:
    """Both changed the same lines: one side's, the model's best of both, or nothing for now."""
    assert repl.chat
    chat = repl.chat
    theirs = await chat.results.their_version(paths)
    options = [Choosable(say(f"repl.settle_{way}")) for way in _WAYS]
    place = await repl.terminal.choose(say("repl.settle_title"), options, body=exact(theirs))
    match None if place is None else _WAYS[place]:
        case "yours":
            await chat.results.keep_theirs(paths)
        case "agents":
            await chat.replace_theirs(paths)
        case "merge":
            await chat.replace_theirs(paths)
            shown = say("repl.settle_merge")
            repl.submit(_MERGE.format(names=", ".join(paths), diff=theirs), shown=shown)
            return
        case _:
            return
    await accept(repl, chosen)


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
