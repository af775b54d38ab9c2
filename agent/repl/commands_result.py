"""Commands on the work: what changed, taking it into the user's files, and giving it back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qwright.agent.deliver import ends, names
from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl.columns import one_line
from qwright.agent.repl.command import Command, CommandError, Context, among, pick, words
from qwright.agent.repl.hunks import chosen_hunks
from qwright.agent.repl.ports import Choosable
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from qwright.agent.deliver import Delivered
    from qwright.sandbox.bridge import Hunk

_HUNKS = ("hunks", "-p")
_ALL = ("all", "-y")


async def diff(context: Context, argument: str) -> None:
    """What waits to be accepted; else what the whole session or its last turn changed."""
    if argument in ("", "pending"):
        patch = await context.chat.results.diff()
        nothing = "commands.nothing_pending"
    elif argument in ("all", "last"):
        patch = await asyncio.to_thread(_past, context, last=argument == "last")
        nothing = "commands.nothing_changed"
    else:
        raise CommandError(
            say("commands.not_one_of", name="diff", given=argument, known="pending, last, all")
        )
    if patch.strip():
        context.view.diff(patch)
    else:
        context.view.say(say(nothing), "hint")


def _past(context: Context, *, last: bool) -> str:
    session = context.chat.session
    store = session.store()
    if not last:
        return store.diff(*ends(session))
    changed = [turn for turn in context.chat.turns.all if turn.changed]
    if not changed:
        return ""
    log = {one.commit: one for one in store.log()}
    return store.diff(log[changed[-1].before], log[changed[-1].after])


async def accept(context: Context, argument: str) -> None:
    """Show what is pending, then bring all or some of it into the user's files."""
    hunks, files = await _pending(context, argument)
    if hunks and argument not in (*_ALL, *_HUNKS):
        context.view.diff(await context.chat.results.diff(files))
    taken = await _taken(context, hunks, argument, "accept")
    if taken is not None:
        await context.repl.accept(taken if files or len(taken) < len(hunks) else None)


async def reject(context: Context, argument: str) -> None:
    """Take all or some of what is pending out of the session's files."""
    hunks, files = await _pending(context, argument)
    taken = await _taken(context, hunks, argument, "reject")
    if taken is not None:
        everything = not files and len(taken) == len(hunks)
        paths = await context.chat.results.reject(None if everything else taken)
        context.view.say(say("commands.rejected", files=names(paths)), "good")


async def _pending(context: Context, argument: str) -> tuple[Sequence[Hunk], Sequence[str]]:
    """The hunks that wait, and the files that were named; then only those of these files."""
    hunks = await context.chat.results.hunks()
    files = _files(argument)
    known = {hunk.path for hunk in hunks}
    missing = next((name for name in files if name not in known), None)
    if hunks and missing is not None:
        shown = names(sorted(known))
        raise CommandError(say("commands.not_pending", name=missing, known=shown))
    return [hunk for hunk in hunks if not files or hunk.path in files], files


def _files(argument: str) -> Sequence[str]:
    """The files an argument names; none where it is one of the words."""
    if argument in (*_HUNKS, *_ALL):
        return ()
    return [word.removeprefix("@") for word in words(argument)]


async def _taken(
    context: Context, hunks: Sequence[Hunk], argument: str, action: str
) -> Sequence[Hunk] | None:
    """Those of `hunks` that the person wants to accept or reject; None, and said so, for none."""
    if not hunks:
        context.view.say(say("commands.nothing_pending"), "hint")
        return None
    if argument in _ALL:
        return hunks
    place, title = 1, say(f"commands.{action}_title")
    if argument not in _HUNKS:
        options = [
            Choosable(say(f"commands.{action}_all"), _counts(hunks)),
            Choosable(say("commands.one_by_one")),
            Choosable(say("commands.not_now")),
        ]
        place = await pick(context, title, options)
    if place == 0:
        return hunks
    chosen = await chosen_hunks(context, hunks, title) if place == 1 else None
    if chosen is None:
        context.view.say(say(f"commands.nothing_{action}ed"), "hint")
    return chosen


def _counts(hunks: Sequence[Hunk]) -> str:
    files = len({hunk.path for hunk in hunks})
    added, removed = sum(one.added for one in hunks), sum(one.removed for one in hunks)
    return f"{many('view.files', files)}, +{added} -{removed}"


async def commit(context: Context, argument: str) -> None:
    """Commit what is pending or accepted with the user's own git and hooks."""
    message = argument or await _message(context)
    if not message:
        context.view.say(say("commands.nothing_committed"), "hint")
        return
    if await context.chat.results.pending():
        await context.repl.accept()  # says what to look at, and asks about a conflict
        if await context.chat.results.pending():
            return
    made = await context.chat.results.commit(message)
    summary = one_line(made.summary)
    context.view.say(say("commands.committed", commit=made.commit[:10], summary=summary), "good")


async def _message(context: Context) -> str:
    """The model's message as the person leaves it; "" when they do not want to commit."""
    work = context.chat.suggest_message()
    suggested = sanitise(await context.repl.during(say("commands.writing_message"), work)).strip()
    options = [
        Choosable(say("commands.commit_so")),
        Choosable(say("commands.commit_edit")),
        Choosable(say("commands.cancel")),
    ]
    title = say("commands.commit_title")
    match await pick(context, title, options, body=suggested) if suggested else 1:
        case 0:
            return suggested
        case 1 if "\n" in suggested:
            return (await context.terminal.edit(suggested, ".txt")).strip()
        case 1:
            return (await context.terminal.ask(title, suggested) or "").strip()
        case _:
            return ""


async def branch(context: Context, argument: str) -> None:
    """Commit the session's result to a new branch, without touching the working tree."""
    name = argument or (await context.terminal.ask(say("commands.branch_name")) or "").strip()
    if not name:
        return
    _tell(context, await context.chat.results.branch(name))


def _tell(context: Context, delivered: Delivered) -> None:
    context.view.say(delivered.text, "bad" if delivered.exit_code else "good")
    for hint in delivered.hints:
        context.view.say(hint, "hint")


COMMANDS = (
    Command(
        "diff",
        diff,
        "work",
        takes=True,
        complete=among("pending", "last", "all"),
        while_busy=True,
    ),
    Command("accept", accept, "work", ("apply",), takes=True, complete=among("hunks", "all")),
    Command("reject", reject, "work", takes=True, complete=among("hunks", "all")),
    Command("commit", commit, "work", takes=True),
    Command("branch", branch, "work", takes=True),
)
