"""Commands on sessions: begin anew, go on with another, keep a copy, leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from qwright.agent.eventlog import read_last_events
from qwright.agent.export import FORMATS, SUFFIXES, Format, export
from qwright.agent.language import say
from qwright.agent.repl.columns import one_line, table
from qwright.agent.repl.command import (
    Command,
    CommandError,
    Context,
    no_argument,
    one_of,
    pick,
    words,
)
from qwright.agent.repl.commands_back import choose_turn
from qwright.agent.repl.ports import Choosable
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.session_dir import Session, find_session, list_sessions, sessions_dir
from qwright.tools.sanitise import shown_name

_LISTED = 20
_OFFERED = 50
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


async def clear(context: Context, argument: str) -> None:
    """Forget the conversation; files and undo stay."""
    no_argument(argument, "clear")
    await context.chat.clear()
    context.view.say(say("commands.cleared"), "good")
    context.repl.refresh()


async def compact(context: Context, argument: str) -> None:
    """Replace the conversation by a summary, with attention to what was asked for."""
    await context.repl.show(context.chat.compact(argument))


async def resume(context: Context, argument: str) -> None:
    """Go on with an earlier session of this project."""
    if argument:
        session = await asyncio.to_thread(find_session, argument)
        _require_other(context, session)
        await _change(context, session)
        return
    others = [
        one
        for one in await asyncio.to_thread(_of_project, context.chat.source)
        if one.record.id != context.chat.session.record.id and _talks(one)
    ][:_OFFERED]
    if not others:
        context.view.say(say("commands.no_sessions"), "hint")
        return
    options = [Choosable(title_of(one), _when(one)) for one in others]
    place = await pick(context, say("commands.resume_title"), options)
    if place is not None:
        await _change(context, others[place])


async def _change(context: Context, session: Session) -> None:
    """Take the session over before the present one is let go. Raises WorkspaceError."""
    owned = await asyncio.to_thread(partial(Session.load, session.path, own=True))
    await context.chat.change_session(owned)
    context.view.replay(read_last_events(owned.path / "events.jsonl"))
    context.view.say(say("commands.resumed", title=title_of(owned)), "good")
    context.repl.refresh()


def _require_other(context: Context, session: Session) -> None:
    if session.record.id == context.chat.session.record.id:
        raise CommandError(say("commands.already_here", session=session.record.id))
    if session.record.source != str(context.chat.source):
        raise CommandError(
            say(
                "commands.elsewhere",
                session=session.record.id,
                folder=shown_name(session.record.source),
            )
        )


async def sessions(context: Context, argument: str) -> None:
    """The newest sessions of this project, or of all."""
    everywhere = bool(argument) and one_of(argument, ("all",), "sessions") == "all"
    source = None if everywhere else context.chat.source
    found = (await asyncio.to_thread(_of_project, source))[:_LISTED]
    if not found:
        context.view.say(say("commands.no_sessions"), "hint")
        return
    here = context.chat.session.record.id
    rows = [_row(one, here, everywhere) for one in found]
    context.view.say(table(rows, context.width))
    context.view.say(say("commands.sessions_more"), "hint")


def _row(session: Session, here: str, everywhere: bool) -> tuple[str, ...]:
    mark = "→" if session.record.id == here else " "
    where = (shown_name(Path(session.record.source).name),) if everywhere else ()
    return (mark, session.record.id, _when(session), *where, title_of(session))


def _of_project(source: Path | None) -> list[Session]:
    """Sessions that hold a prompt, the newest first."""
    return [
        one
        for one in reversed(list_sessions())
        if one.record.prompt and (source is None or one.record.source == str(source))
    ]


def _talks(session: Session) -> bool:
    """Whether there is a conversation to go on with; a task's single run leaves none."""
    return (session.path / "turns.jsonl").exists()


def title_of(session: Session) -> str:
    """What a session is called: its title, else how its first prompt begins."""
    return one_line(session.record.title or session.record.prompt, 70) or session.record.id


def _when(session: Session) -> str:
    """How long ago a session was begun, in the largest unit."""
    try:
        began = datetime.fromisoformat(session.record.created).timestamp()
    except ValueError:
        return ""
    seconds = max(0, time.time() - began)
    for unit, size in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= size:
            return say(f"commands.ago_{unit}", count=int(seconds // size))
    return say("commands.just_now")


def _ids(context: Context, typed: str) -> Sequence[str]:
    """Of the newest sessions only: this is asked at every key."""
    names = sorted((one.name for one in sessions_dir().iterdir()), reverse=True)
    here, source = context.chat.session.record.id, str(context.chat.source)
    found: list[str] = []
    for name in [one for one in names if one.startswith(typed) and one != here][:_OFFERED]:
        with suppress(WorkspaceError):
            session = Session.load(sessions_dir() / name)
            found += [name] if session.record.source == source and _talks(session) else []
    return found


async def fork(context: Context, argument: str) -> None:
    """Go on in a copy of this session, from its end or from before an earlier prompt."""
    before = context.chat.session.record.id
    turn = None
    if argument:
        turn, _ = await choose_turn(context, argument, "fork")
    await context.chat.fork(turn)
    now = context.chat.session.record.id
    context.view.say(say("commands.forked", session=now, before=before), "good")


async def title(context: Context, argument: str) -> None:
    """Show or set the session's title."""
    text = argument or await context.terminal.ask(
        say("commands.title_label"), context.chat.status().title
    )
    if text and text.strip():
        context.chat.set_title(one_line(text, 100))
        context.view.say(say("commands.titled", title=one_line(text, 100)), "good")


async def write_export(context: Context, argument: str) -> None:
    """Write the session to a file; format and name in any order."""
    fmt, file = _export_asked(words(argument))
    session = context.chat.session
    if file:
        target = context.chat.directory / Path(file).expanduser()
    else:
        # Not among the project's files, where it would be one of the person's edits.
        target = state_dir() / "exports" / f"{session.record.id}{SUFFIXES[fmt]}"
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
    await asyncio.to_thread(export, session, fmt, target)
    context.view.say(say("commands.exported", file=shown_name(file or str(target))), "good")


def _export_asked(asked: Sequence[str]) -> tuple[Format, str]:
    """The format, by its name or the file's suffix, and the file. Raises CommandError."""
    files = [word for word in asked if word not in FORMATS]
    suffix = Path(files[0]).suffix.lstrip(".") if files else ""
    known = [word for word in (*asked, suffix) if word in FORMATS]
    if len({FORMATS[word] for word in known}) > 1 or len(files) > 1 or (files and not known):
        raise CommandError(say("commands.export_usage"))
    return FORMATS[known[0]] if known else "markdown", "".join(files)


def _formats(context: Context, typed: str) -> Sequence[str]:
    return [name for name in FORMATS if name.startswith(typed)]


async def leave(context: Context, argument: str) -> None:
    """End qwright; the session can be resumed."""
    no_argument(argument, "exit")
    context.terminal.leave()


COMMANDS = (
    Command("clear", clear, "session", ("new", "reset")),
    Command("compact", compact, "session", ("compress", "summarize"), takes=True),
    Command("resume", resume, "session", ("continue",), takes=True, complete=_ids),
    Command(
        "sessions",
        sessions,
        "session",
        ("history",),
        takes=True,
        complete=lambda context, typed: ["all"] if "all".startswith(typed) else [],
        while_busy=True,
    ),
    Command("fork", fork, "session", takes=True),
    Command("title", title, "session", ("rename",), takes=True, while_busy=True),
    Command("export", write_export, "session", takes=True, complete=_formats, while_busy=True),
    Command("exit", leave, "interface", ("quit", ":q", "q"), while_busy=True),
)
