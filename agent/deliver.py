"""Where a finished run's result goes: the working tree, a branch, a patch file, or nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.agent.exits import Exit
from qwright.agent.language import say, translated
from qwright.sandbox.accept import Applied, apply_result, patch_text
from qwright.sandbox.attempts import Attempt, find_attempt, kept_attempts
from qwright.sandbox.branch import require_free_name, save_branch
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.review import warnings
from qwright.sandbox.seen import seen_of, yours_of
from qwright.sandbox.session_dir import Session
from qwright.sandbox.store import Change, Checkpoint
from qwright.tools.sanitise import shown_name


@dataclass(frozen=True, slots=True)
class Wanted:
    """At most one of these; none means: apply to the working tree."""

    no_apply: bool = False
    patch: str | None = None
    """A file to write, or "-" for stdout."""
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """A sentence for a person, and the exit code it stands for."""

    text: str
    exit_code: Exit = Exit.DONE
    hints: tuple[str, ...] = ()


def check(wanted: Wanted, directory: Path) -> None:
    """Refuse before the work what could not be delivered after it. Raises ConfigError."""
    if wanted.patch and wanted.patch != "-":
        file = Path(wanted.patch).absolute()
        if not file.parent.is_dir():
            raise ConfigError(f"--patch {wanted.patch}: its folder does not exist")
        if file.is_dir():
            raise ConfigError(f"--patch {wanted.patch}: is a folder; name a file")
    if wanted.branch:
        try:
            require_free_name(directory, wanted.branch)
        except WorkspaceError as error:
            raise ConfigError(f"--branch {wanted.branch}: {error}") from None


def deliver(session: Session, wanted: Wanted) -> Delivered:
    """Bring the session's result to where it is wanted.

    What cannot be delivered stays in the session; the text then says why and how to get it.
    """
    base, result = ends(session)
    if base.tree == result.tree:
        return Delivered(say("oneshot.nothing"))
    if wanted.no_apply:
        return Delivered(say("oneshot.kept", session=session.record.id))
    try:
        if wanted.patch:
            return _patch(session, wanted.patch, base, result)
        if wanted.branch:
            return _branch(session, wanted.branch, base, result)
        return apply(session)
    except WorkspaceError as error:
        text = say("oneshot.not_delivered", error=error, session=session.record.id)
        return Delivered(text, Exit.NOT_APPLIED)


def apply(session: Session, attempt: int | None = None) -> Delivered:
    """Apply the result to the working tree, or in its place what that attempt left.

    Raises WorkspaceError; on a conflict nothing was written.
    """
    base, result = ends(session, attempt)
    store = session.store()
    seen = seen_of(store)
    if seen.tree != result.tree:  # part of it may have been accepted before
        base = seen
    changes = store.changed(base, result)
    applied = apply_result(Path(session.record.source), session.path, store, base, result)
    session.update(applied=True)
    delivered = applied_text(session, applied, changes)
    return replace(delivered, hints=(*delivered.hints, say("oneshot.to_undo")))


def applied_text(session: Session, applied: Applied, changes: Iterable[Change]) -> Delivered:
    """What was applied, and what of it to look at; `changes` is what was to be applied."""
    if not applied.paths:
        return Delivered(say("oneshot.already"))
    text = say("oneshot.applied", names=names(applied.paths))
    if applied.merged:
        text += say("oneshot.merged", names=names(applied.merged))
    written = [change for change in changes if change.path in applied.paths]
    found = warnings(session.store(), written)
    return Delivered(
        text, hints=tuple(say("oneshot.look", line=translated(line)) for line in found)
    )


def save_as_branch(session: Session, name: str) -> Delivered:
    """Commit what the session changed to a new branch. Raises WorkspaceError."""
    base, result = ends(session)
    if base.tree == result.tree:
        return Delivered(say("oneshot.nothing"))
    return _branch(session, name, base, result)


def ends(session: Session, attempt: int | None = None) -> tuple[Checkpoint, Checkpoint]:
    """What the session changed lies between these two. Raises WorkspaceError when there is none.

    The first are the user's files as they would be without it: its first checkpoint, and the
    user's own edits that were brought in since. For an attempt, what that one found and left.
    """
    log = steps(session)
    if not log:
        raise WorkspaceError(f"session {session.record.id} ended before its first checkpoint")
    store = session.store()
    if attempt is not None:
        found = find_attempt(store, attempt)
        return found.base, found.left
    return yours_of(store), store.cursor() or log[-1]


def attempts(session: Session) -> list[Attempt]:
    """What each attempt at its last task has left; none where one was enough."""
    return kept_attempts(session.store()) if steps(session) else []


def steps(session: Session) -> list[Checkpoint]:
    """The checkpoints; none when the session ended before there was a store."""
    return session.store().log() if (session.path / "store.git" / "HEAD").is_file() else []


def _patch(session: Session, file: str, base: Checkpoint, result: Checkpoint) -> Delivered:
    data = patch_text(session.store(), base, result)
    if file == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return Delivered("")
    try:
        Path(file).write_bytes(data)
    except OSError as error:
        raise WorkspaceError(f"{file} cannot be written ({error.strerror})") from None
    return Delivered(say("oneshot.written", file=file))


def _branch(session: Session, name: str, base: Checkpoint, result: Checkpoint) -> Delivered:
    record = session.record
    first = record.title or record.prompt.strip().partition("\n")[0]
    message = f"{first[:70] or 'Work of a session'}\n\nMade by qwright, {record.id}.\n"
    source = Path(record.source)
    branch = save_branch(source, session.store(), base, result, name, message)
    return Delivered(
        say("oneshot.branched", name=name), hints=tuple(map(translated, branch.notices))
    )


def names(paths: Sequence[str]) -> str:
    """The first of them for one line, and how many more there are."""
    shown = say("oneshot.comma").join(map(shown_name, paths[:6]))
    if len(paths) <= 6:
        return shown
    return say("oneshot.and_more", shown=shown, count=len(paths) - 6)
