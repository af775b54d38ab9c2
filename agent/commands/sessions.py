"""`qwright sessions`, `apply` and `undo`: past runs, their steps, and their results."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from pathlib import Path

from qwright.agent import deliver
from qwright.agent.help_format import columns
from qwright.agent.language import say
from qwright.sandbox.accept import patch_text, undo_apply
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.journal import latest
from qwright.sandbox.session_dir import RUNNING, Session, find_session, list_sessions
from qwright.tools.sanitise import sanitise, shown_name


async def run(args: Namespace) -> int:
    """Run one of the subcommands. Raises WorkspaceError."""
    match args.subcommand, getattr(args, "action", None):
        case "apply", _:
            _apply(args.session, args.attempt)
        case "undo", _:
            _undo(args.session)
        case _, "show":
            _show(find_session(args.session))
        case _, "diff":
            _diff(find_session(args.session), args.attempt)
        case _, "view":
            from qwright.agent.viewer import view

            return view(find_session(args.session), Path(args.output) if args.output else None)
        case _, "rm":
            _remove(find_session(args.session))
        case _:
            _list(getattr(args, "n", 20))
    return 0


def _list(count: int) -> None:
    sessions = list_sessions()[-count:][::-1]
    if not sessions:
        print(say("cli.no_sessions"))
    for session in sessions:
        record = session.record
        state = say("cli.applied") if _is_applied(session) else session.status
        prompt = sanitise(" ".join(record.prompt.split()))[:60]
        name = shown_name(Path(record.source).name)
        print(f"{record.id}  {_padded(state, 14)} {name:16.16} {prompt}  {_size(session)}")


def _size(session: Session) -> str:
    try:
        base, result = deliver.ends(session)
        changes = session.store().changed(base, result)
    except WorkspaceError:
        return ""
    names = ", ".join(shown_name(change.path) for change in changes[:3])
    return f"[{names}{', …' if len(changes) > 3 else ''}]" if changes else ""


def _show(session: Session) -> None:
    record = session.record
    states = [session.status, *[say("cli.applied")][: _is_applied(session)]]
    rows = {
        "session": f"{record.id}  {say('oneshot.comma').join(states)}",
        "source": sanitise(record.source),
        "model": sanitise(record.model),
        "prompt": sanitise(" ".join(record.prompt.split()))[:500],
        "files": str(session.path / "ws"),
        "events": str(session.path / "events.jsonl"),
    }
    for name, value in rows.items():
        print(f"{_padded(say(f'cli.row_{name}'), 8)} {value}")
    print(say("cli.row_steps"))
    for checkpoint in deliver.steps(session):
        print(f"  {checkpoint.step:4}  {checkpoint.commit[:12]}  {sanitise(checkpoint.label)}")
    attempts = deliver.attempts(session)
    if attempts:
        print(say("cli.row_attempts"))
    for attempt in attempts:
        print(f"  {attempt.number:4}  {attempt.left.commit[:12]}  {sanitise(attempt.left.label)}")


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - columns(text))


def _diff(session: Session, attempt: int | None) -> None:
    """Byte-exact into a pipe, where git reads it; without escape sequences on a terminal."""
    base, result = deliver.ends(session, attempt)
    if sys.stdout.isatty():
        sys.stdout.write(sanitise(session.store().diff(base, result)))
    else:
        sys.stdout.buffer.write(patch_text(session.store(), base, result))
        sys.stdout.buffer.flush()


def _remove(session: Session) -> None:
    # Not by taking it over, which mends it first: what is beyond mending can be removed too.
    if session.status == RUNNING:
        raise WorkspaceError(f"session {session.record.id} is in use by another process")
    shutil.rmtree(session.path)
    print(say("cli.removed", name=session.record.id))


def _apply(name: str, attempt: int | None) -> None:
    session = find_session(name, own=True)
    delivered = deliver.apply(session, attempt)
    print("\n".join([delivered.text, *delivered.hints]))


def _undo(name: str | None) -> None:
    session = _applied_here() if name is None else find_session(name, own=True)
    undone = undo_apply(Path(session.record.source), session.path, session.store())
    session.update(applied=_is_applied(session))
    if undone.paths:
        print(say("cli.taken_back", names=deliver.names(undone.paths)))
    else:
        print(say("cli.nothing_left"))
    if undone.merged:
        print(say("cli.yours_kept", names=deliver.names(undone.merged)))
    print(say("cli.apply_again", session=session.record.id))
    if session.record.applied:
        print(say("cli.more_applied"))


def _is_applied(session: Session) -> bool:
    """Whether any of its result is in the user's files: the journal knows, even after a kill."""
    return latest(session.path / "applied") is not None


def _applied_here() -> Session:
    """The newest session whose result was applied to the files around here."""
    here = Path.cwd().resolve()
    for session in reversed(list_sessions()):
        source = Path(session.record.source)
        if _is_applied(session) and (here == source or source in here.parents):
            return Session.load(session.path, own=True)
    raise WorkspaceError("nothing to undo here: no result was applied; see `qwright sessions`")
