"""Sessions on disk: one directory each, owned by one process at a time, readable afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from qwright.sandbox.dirs import state_dir
from qwright.sandbox.durable import read_json, write_json
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.locks import FileLock
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import CURSOR, Checkpoint, CheckpointStore

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_COPY_SECONDS = 600.0
_LOCK_TRIES = 25
_LOCK_PAUSE = 0.02
RUNNING = "running"
KILLED = "killed"
"""Status of a session that says it is running while no process owns it."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What session.json holds."""

    id: str
    source: str
    """The root of the user's files: `Checkout.root`."""
    created: str
    """ISO 8601, UTC."""
    prompt: str = ""
    model: str = ""
    status: str = RUNNING
    base: str = ""
    """Commit of the first checkpoint."""
    result: str = ""
    """Commit of the last checkpoint, once the run has ended."""
    applied: bool = False
    exit_code: int | None = None
    subdirectory: str = "."
    pid: int = 0
    owner: tuple[int, int] | None = None
    """(uid, gid) of the container's user when it is not ours."""
    title: str = ""
    committed: str = ""
    """Commit of the checkpoint up to which the user has committed the result."""


class Session:
    """A session's directory: `ws/`, `store.git/`, `session.json`, `events.jsonl`, `applied/`.

    Owned by this process (`owned`) when it was created or taken over here; only then may it be
    changed.
    """

    def __init__(self, path: Path, record: SessionRecord, lock: FileLock | None) -> None:
        self.path = path
        self.record = record
        self._lock = lock

    @classmethod
    def create(
        cls, source: Path, *, prompt: str = "", model: str = "", root: Path | None = None
    ) -> Self:
        """Make the directory of a new session (mode 0700) and own it. Raises WorkspaceError.

        `root` is the existing folder it is made in: by default the one of the user's sessions.
        """
        now = datetime.now(UTC)
        root = root or sessions_dir()
        for _ in range(100):
            tail = "".join(secrets.choice(_ALPHABET) for _ in range(4))
            path = root / f"{now:%Y%m%d-%H%M%S}-{tail}"
            try:
                path.mkdir(mode=0o700)
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise WorkspaceError(f"cannot make {path}: {error.strerror}") from error
        else:
            raise WorkspaceError(f"cannot find a free session name in {root}")
        created = now.isoformat(timespec="seconds")
        record = SessionRecord(
            path.name, str(source), created, prompt=prompt, model=model, pid=os.getpid()
        )
        session = cls(path, record, _take_lock(path))
        write_json(path / "session.json", asdict(record))
        return session

    @classmethod
    def load(cls, path: Path, *, own: bool = False) -> Self:
        """Read a session; with `own` take it over. Raises WorkspaceError when it is in use."""
        lock = _take_lock(path) if own else None
        record = _record(read_json(path / "session.json"))
        if own and record.status == RUNNING:
            record = replace(record, status=KILLED)
        session = cls(path, record, lock)
        if own and (path / "store.git").is_dir():
            session.store().recover()
        return session

    @property
    def status(self) -> str:
        """The recorded status, or KILLED when its process died without saying so."""
        if self.record.status == RUNNING and self._lock is None and not _is_locked(self.path):
            return KILLED
        return self.record.status

    def store(self) -> CheckpointStore:
        """Its checkpoints: log, diff, restore."""
        owner = self.record.owner
        return CheckpointStore(self.path / "store.git", self.path / "ws", owner)

    def update(self, **changes: Any) -> None:
        """Change fields of the record, durably. Raises WorkspaceError when it is not owned."""
        if self._lock is None:
            raise WorkspaceError(f"session {self.record.id} belongs to another process")
        self.record = replace(self.record, **changes)
        write_json(self.path / "session.json", asdict(self.record))

    def close(self) -> None:
        """Let go of the session; another process can then take it over. Safe to call twice."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def sessions_dir() -> Path:
    """The directory of all sessions, made with mode 0700."""
    path = state_dir() / "sessions"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def list_sessions() -> list[Session]:
    """All sessions that can be read, oldest first."""
    found: list[Session] = []
    for file in sorted(sessions_dir().glob("*/session.json")):
        try:
            found.append(Session.load(file.parent))
        except WorkspaceError:
            continue
    return found


def find_session(name: str = "", *, own: bool = False) -> Session:
    """The session whose id starts with `name`; without one the newest.

    Raises WorkspaceError when there is none, when several match, or when it is in use.
    """
    matching = [s for s in list_sessions() if s.record.id.startswith(name)]
    exact = [s for s in matching if s.record.id == name]
    if not matching:
        raise WorkspaceError(f"no session {name}".rstrip() + ": see `qwright sessions`")
    if name and len(matching) > 1 and not exact:
        raise WorkspaceError(f"{len(matching)} sessions begin with {name}: give more of the name")
    return Session.load((exact or matching)[-1].path, own=own)


def fork_session(session: Session, checkpoint: Checkpoint | None = None) -> Session:
    """Copy a session, with its files as in `checkpoint`, by default the last one; owns the copy.

    Checkpoints, conversation and log are copied too; what no checkpoint holds (ignored files, added
    folders) is not, and undoing what was applied stays with the original. Raises WorkspaceError.
    """
    old = session.record
    copy = Session.create(Path(old.source), prompt=old.prompt, model=old.model)
    try:
        for file in session.path.glob("*.jsonl"):
            shutil.copyfile(file, copy.path / file.name)
        unfinished = shutil.ignore_patterns("index", "*.lock", "build-*")
        shutil.copytree(session.path / "store.git", copy.path / "store.git", ignore=unfinished)
        copy.update(
            base=old.base,
            subdirectory=old.subdirectory,
            owner=old.owner,
            title=old.title,
            committed=old.committed,
        )
        _check_out(copy, checkpoint)
    except OSError as error:
        _discard(copy)
        raise WorkspaceError(f"cannot copy session {old.id}: {error.strerror}") from error
    except BaseException:
        _discard(copy)
        raise
    return copy


def _check_out(session: Session, checkpoint: Checkpoint | None) -> None:
    """Make the files of a session that has none yet. No container can see them so far."""
    store = session.store()
    store.work_tree.mkdir(mode=0o755)
    target = checkpoint or store.cursor()
    if target is None:
        raise WorkspaceError(f"session {session.record.id} has no checkpoint")
    git = Plumbing(store.git_dir, store.work_tree)
    git.run("read-tree", "--reset", "-u", target.tree, timeout=_COPY_SECONDS)
    git.run("update-ref", CURSOR, target.commit)
    if session.record.owner is not None:
        for above, folders, files in os.walk(store.work_tree):
            for name in (".", *folders, *files):
                os.chown(f"{above}/{name}", *session.record.owner, follow_symlinks=False)
    git.run("update-index", "-q", "--refresh", timeout=_COPY_SECONDS, codes=(0, 1))


def _discard(session: Session) -> None:
    session.close()
    shutil.rmtree(session.path, ignore_errors=True)


def _take_lock(path: Path) -> FileLock:
    lock = FileLock(path / "lock")
    # A dying process, or one that only looks, may hold the lock for a moment.
    for _ in range(_LOCK_TRIES):
        if lock.try_acquire():
            return lock
        time.sleep(_LOCK_PAUSE)
    raise WorkspaceError(f"session {path.name} is in use by another process")


def _is_locked(path: Path) -> bool:
    with FileLock(path / "lock") as lock:
        return not lock.try_acquire()


def _record(value: dict[str, Any]) -> SessionRecord:
    known = {name: value[name] for name in SessionRecord.__dataclass_fields__ if name in value}
    if known.get("owner") is not None:
        known["owner"] = (int(known["owner"][0]), int(known["owner"][1]))
    try:
        return SessionRecord(**known)
    except TypeError as error:
        raise WorkspaceError("session.json is damaged: fields are missing") from error
