"""Commands that go back: undo, redo, rewind, and the list of steps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qwright.agent.deliver import names
from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl.columns import one_line, table
from qwright.agent.repl.command import Command, CommandError, Context, no_argument, pick
from qwright.agent.repl.ports import Choosable
from qwright.agent.turns import Turn

if TYPE_CHECKING:
    from qwright.agent.chat import What
    from qwright.agent.undo import Taken

_WHAT: tuple[What, ...] = ("both", "files", "conversation")
_STEPS = 20


async def undo(context: Context, argument: str) -> None:
    """Take the last change back."""
    no_argument(argument, "undo")
    _tell(context, "commands.undone", await context.chat.undo())


async def redo(context: Context, argument: str) -> None:
    """Bring back what was undone last."""
    no_argument(argument, "redo")
    _tell(context, "commands.redone", await context.chat.redo())


def _tell(context: Context, key: str, taken: Taken) -> None:
    prompt = one_line(taken.prompt, 60)
    files = names(taken.paths) or say("commands.no_files")
    context.view.say(say(key, prompt=prompt, files=files), "good")
    if taken.also_yours:
        context.view.say(say("commands.also_yours"), "hint")


async def rewind(context: Context, argument: str) -> None:
    """Go back to before an earlier prompt: files, conversation or both."""
    turn, rest = await choose_turn(context, argument, "rewind")
    if turn is None:
        return
    what = await _what(context, turn, rest)
    if what is None:
        return
    taken = await context.chat.rewind(turn, what)
    _tell(context, f"commands.rewound_{what}", taken)
    if what != "files":
        context.terminal.insert(turn.prompt)


async def choose_turn(context: Context, argument: str, name: str) -> tuple[Turn | None, str]:
    """The turn whose number begins the argument of the command `name`, and what follows it.

    Without argument the one that is picked; None when the person leaves. Raises CommandError.
    """
    turns = [turn for turn in context.chat.turns.all if not turn.forgotten]
    if not turns:
        raise CommandError(say("commands.no_turns"))
    number, _, rest = argument.partition(" ")
    if number and not number.isdecimal():
        raise CommandError(say("commands.not_a_number", name=name, given=number))
    if number:
        found = next((turn for turn in turns if turn.number == int(number)), None)
        if found is None:
            raise CommandError(say("commands.no_such_turn", number=number, last=turns[-1].number))
        return found, rest.strip()
    options = [_option(turn) for turn in turns]
    place = await pick(context, say("commands.rewind_title"), options, start=len(options) - 1)
    return (None if place is None else turns[place]), ""


def _option(turn: Turn) -> Choosable:
    state = "undone" if turn.undone else "changed" if turn.changed else ""
    detail = say(f"commands.turn_{state}") if state else ""
    return Choosable(one_line(turn.prompt, 70), f"#{turn.number} {detail}".rstrip())


async def _what(context: Context, turn: Turn, argument: str) -> What | None:
    for what in _WHAT:
        if argument == what:
            return what
    if argument:
        known = ", ".join(_WHAT)
        raise CommandError(say("commands.not_one_of", name="rewind", given=argument, known=known))
    options = [Choosable(say(f"commands.rewind_{what}")) for what in _WHAT]
    place = await pick(context, one_line(turn.prompt, 60), options)
    return None if place is None else _WHAT[place]


def _turns(context: Context, typed: str) -> Sequence[str]:
    number, space, rest = typed.partition(" ")
    if space:
        return [f"{number} {what}" for what in _WHAT if what.startswith(rest)]
    turns = [str(turn.number) for turn in context.chat.turns.all if not turn.forgotten]
    return [one for one in turns if one.startswith(typed)]


async def checkpoints(context: Context, argument: str) -> None:
    """The last steps of this session."""
    no_argument(argument, "checkpoints")
    session = context.chat.session
    recorded = (session.path / "store.git" / "HEAD").is_file()
    log = await asyncio.to_thread(session.store().log) if recorded else []
    if not log:
        context.view.say(say("commands.no_checkpoints"), "hint")
        return
    owner = {turn.after: turn.number for turn in context.chat.turns.all if turn.changed}
    rows = [
        (
            str(one.step),
            one.commit[:10],
            say("commands.of_turn", number=owner[one.commit]) if one.commit in owner else "",
            one.label,
        )
        for one in log[-_STEPS:]
    ]
    if len(log) > _STEPS:
        context.view.say(many("commands.earlier_steps", len(log) - _STEPS), "hint")
    context.view.say(table(rows, context.width))


COMMANDS = (
    Command("undo", undo, "back"),
    Command("redo", redo, "back"),
    Command("rewind", rewind, "back", ("rollback",), takes=True, complete=_turns),
    Command("checkpoints", checkpoints, "back", ("steps",), while_busy=True),
)
