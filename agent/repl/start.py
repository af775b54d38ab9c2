"""`qwright` without a task: from flags to a running REPL.

The prompt is drawn first; what takes longer to import or to find comes while the person types.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from qwright.agent import __version__, config, language
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_last_events
from qwright.agent.language import say
from qwright.agent.repl.app import Repl
from qwright.agent.repl.ports import Choosable
from qwright.sandbox.errors import WorkspaceError

if TYPE_CHECKING:
    from qwright.agent.chat import Chat
    from qwright.agent.choice import Choice
    from qwright.agent.discover import Pick
    from qwright.sandbox.session_dir import Session


@dataclass(frozen=True, slots=True)
class Start:
    """What was typed, and what is configured."""

    args: Namespace
    directory: Path
    settings: config.Config


def run(args: Namespace) -> Coroutine[object, object, int]:
    """Check what can be checked now, then return the REPL. Raises ConfigError."""
    directory = Path(args.cwd).resolve()
    if not directory.is_dir():
        raise ConfigError(f"-C {args.cwd}: no such directory")
    settings, notices = config.load(directory)
    language.choose(settings.language)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(say("repl.not_a_terminal"))
    changed = {
        "mode": args.mode or settings.mode,
        "apply": args.apply or settings.apply,
        "screen_reader": args.screen_reader or settings.screen_reader,
        "effort": args.effort or settings.effort,
        "verify": args.verify or settings.verify,
    }
    settings = settings.model_copy(update=changed)
    return _run(Start(args, directory, settings), notices)


async def _run(start: Start, notices: list[str]) -> int:
    repl = Repl(start.settings, start.directory)
    for notice in notices:
        repl.view.say(notice, "hint")
    if first := start.args.task or start.args.prompt:
        repl.submit(first)
    elif start.args.resume == "":
        repl.submit("/resume")
    await repl.run(partial(_open, start))
    return 0


async def _open(start: Start, repl: Repl) -> Chat:
    """The chat, with the model that was chosen, in a new session or in one to go on with."""
    await asyncio.to_thread(import_module, "qwright.agent.chat")
    from qwright.agent.chat import Chat
    from qwright.agent.limits import Limits
    from qwright.agent.setting import Setting
    from qwright.agent.workplace import Place

    args, settings = start.args, start.settings
    chosen, lines = await _choose(start, repl)
    place = Place(
        image=args.image or settings.image,
        setup=tuple(args.setup or settings.setup),
        network=args.network or settings.network,
    )
    limits = Limits(
        args.max_turns or settings.max_turns,
        args.max_tokens,
        args.max_wall_time,
        args.max_cost or settings.max_cost,
    )
    session = _session(start)  # last: what fails before it leaves none behind
    directory = _directory(session)
    setting = Setting(
        directory, settings, chosen, place, limits, settings.verify, args.verify_timeout
    )
    hello = say("repl.hello", version=__version__, model=chosen.name, directory=_short(directory))
    repl.view.say(hello)
    for line in lines or (say("repl.hello_hint"),):
        repl.view.say(line, "hint")
    if settings.verify:
        repl.view.say(say("repl.hello_verify", command=settings.verify), "hint")
    _recall(repl, session)
    return Chat(setting, session, repl, repl.progress)


def _session(start: Start) -> Session:
    """The one that was named, the newest of this folder, or a new one. Raises WorkspaceError."""
    from qwright.sandbox.session_dir import Session, find_session

    args = start.args
    if args.resume:
        return find_session(args.resume, own=True)
    if args.go_on:
        return latest_here(start.directory)
    return Session.create(start.directory)


def latest_here(directory: Path) -> Session:
    """The newest session of the files around `directory`, taken over. Raises WorkspaceError."""
    from qwright.sandbox.session_dir import Session, list_sessions

    for session in reversed(list_sessions()):
        source = Path(session.record.source)
        mine = directory == source or source in directory.parents
        if mine and (session.path / "turns.jsonl").exists():
            return Session.load(session.path, own=True)
    raise WorkspaceError(say("repl.no_session"))


def _directory(session: Session) -> Path:
    """Where the user was when the session began."""
    return (Path(session.record.source) / session.record.subdirectory).resolve()


def _short(directory: Path) -> str:
    """With ~ for the home of the user."""
    home = Path.home()
    inside = home in directory.parents
    return f"~/{directory.relative_to(home)}" if inside else str(directory)


def _recall(repl: Repl, session: Session) -> None:
    """What was said last in a session that goes on."""
    if session.record.prompt:
        title = session.record.title or session.record.prompt
        repl.view.say(say("repl.resumed", title=title))
        repl.view.replay(read_last_events(session.path / "events.jsonl"))


async def _choose(start: Start, repl: Repl) -> tuple[Choice, tuple[str, ...]]:
    """The model by flags, configuration, or what is to be found; and two lines that say why."""
    from qwright.agent.choice import choose
    from qwright.agent.discover import best, discover, named

    args, settings = start.args, start.settings
    given = named(settings, os.environ, args.model, args.base_url)
    pick = given or best(await discover(os.environ), settings)
    if pick.pull and await _wants(repl, pick):
        await _pull(repl, pick.pull)
    chosen = choose(pick.model, pick.base_url, settings.profile)
    return replace(chosen, effort=settings.effort), () if given else pick.lines


async def _wants(repl: Repl, pick: Pick) -> bool:
    yes, no = Choosable(say("repl.pull_yes")), Choosable(say("repl.pull_no"))
    return await repl.terminal.choose(pick.lines[0], [yes, no], body=pick.lines[1]) == 0


async def _pull(repl: Repl, name: str) -> None:
    """Fetch the weights, with the share that is here in the live line. Raises ConfigError."""
    from qwright.agent.embedded.catalogue import find
    from qwright.agent.embedded.weights import pull_cancellable

    loop = asyncio.get_running_loop()

    def report(done: int, total: int, label: str) -> None:
        share = f" {done * 100 // total} %" if total else ""
        loop.call_soon_threadsafe(repl.progress, f"{label}{share}")

    await pull_cancellable(find(name), report)
