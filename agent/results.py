"""What a session has changed: looked at, accepted, rejected, committed, taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.compaction import changed_files
from qwright.agent.deliver import Delivered, applied_text, save_as_branch
from qwright.agent.language import say
from qwright.sandbox.bridge import Hunk
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.seen import yours_of
from qwright.sandbox.session_dir import Session
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from qwright.sandbox.user_commit import Committed, commit
from qwright.sandbox.workspace import Workspace


class Results:
    """The result of one session. `workspace` waits until its files are there."""

    def __init__(self, session: Session, workspace: Callable[[], Awaitable[Workspace]]) -> None:
        self.session = session
        self.changed = 0
        """Files that differ from the user's, as of the last look."""
        self._workspace = workspace

    async def pending(self) -> list[Change]:
        """What differs from the user's files as they were last seen."""
        found = await asyncio.to_thread((await self._workspace()).bridge.pending)
        self.changed = len(found)
        return found

    async def diff(self, paths: Sequence[str] = ()) -> str:
        """The same as a unified diff."""
        return await asyncio.to_thread((await self._workspace()).bridge.diff, paths)

    async def summary(self) -> list[str]:
        """One line for each file of the same: its name, lines added and removed."""
        return changed_files(await self.diff()).splitlines()

    async def hunks(self) -> list[Hunk]:
        """The same in pieces that can be accepted or rejected one by one."""
        return await asyncio.to_thread((await self._workspace()).bridge.hunks)

    async def accept(self, chosen: Collection[Hunk] | None = None) -> Delivered:
        """Bring what is pending, or the chosen hunks, to the user's files.

        Raises ConflictError when the user changed the same lines; then nothing was written.
        """
        before = await self.pending()
        applied = await (await self._workspace()).accept(chosen)
        self.session.update(applied=True)
        await self.pending()
        return applied_text(self.session, applied, before)

    async def reject(self, chosen: Collection[Hunk] | None = None) -> list[str]:
        """Take what is pending, or the chosen hunks, out of the session's files."""
        paths = await (await self._workspace()).reject(chosen)
        await self.pending()
        return paths

    async def their_version(self, paths: Collection[str]) -> str:
        """How the user changed these files since they were last seen, as a diff."""
        workspace = await self._workspace()
        return await asyncio.to_thread(workspace.bridge.edits, paths)

    async def keep_theirs(self, paths: Collection[str]) -> None:
        """End a conflict: these files are as the user has them."""
        await (await self._workspace()).take_theirs(paths)
        await self.pending()

    async def replace_theirs(self, paths: Collection[str]) -> tuple[str, str]:
        """End a conflict: the agent's version waits to replace the user's.

        Returns the checkpoints with the user's version and with the agent's, so that an undo can
        bring the user's back.
        """
        workspace = await self._workspace()
        agents = await asyncio.to_thread(workspace.store.cursor)
        await self.keep_theirs(paths)
        users = await asyncio.to_thread(workspace.store.cursor)
        assert agents
        assert users
        await workspace.revert(agents, users, "the agent's version")
        now = await asyncio.to_thread(workspace.store.cursor)
        assert now
        await self.pending()
        return users.commit, now.commit

    async def exchange(
        self, before: str, after: str, label: str, *, yours: bool
    ) -> tuple[list[str], bool]:
        """Take the changes between two checkpoints out; with `yours` out of the user's files too.

        Returns the paths, and whether the user's files had them and were changed. Raises
        ConflictError; then everything is as it was.
        """
        workspace = await self._workspace()
        store = workspace.store
        ends = await asyncio.to_thread(lambda: (store.find(before), store.find(after)))
        if yours:
            done = await workspace.revert_both(*ends, label)
            paths, changed = done.paths, bool(done.yours)
        else:
            paths, changed = await workspace.revert(*ends, label), False
        await self.pending()
        return paths, changed

    async def uncommitted(self) -> str:
        """What this session changed since its last commit, as a diff. Raises WorkspaceError."""
        new = await self._uncommitted()
        store = (await self._workspace()).store
        return await asyncio.to_thread(store.diff, new.since, new.now, new.paths)

    async def commit(self, message: str) -> Committed:
        """Accept what is pending, then commit what is new with the user's own git and hooks.

        What the user alone changed is not in it. Raises ConflictError, WorkspaceError.
        """
        new = await self._uncommitted()
        if await self.pending():
            await self.accept()
        source = Path(self.session.record.source)
        done = await asyncio.to_thread(commit, source, new.paths, message)
        self.session.update(committed=new.now.commit)
        return done

    async def branch(self, name: str) -> Delivered:
        """Commit everything this session changed to a new branch; the working tree stays."""
        await self._workspace()
        return await asyncio.to_thread(save_as_branch, self.session, name)

    async def _uncommitted(self) -> _New:
        store = (await self._workspace()).store
        new = await asyncio.to_thread(_new, store, self.session.record.committed)
        if not new.paths:
            raise WorkspaceError(say("chat.nothing_to_commit"))
        return new


@dataclass(frozen=True, slots=True)
class _New:
    """What a session itself changed since its last commit."""

    since: Checkpoint
    now: Checkpoint
    paths: list[str]


def _new(store: CheckpointStore, committed: str) -> _New:
    log, now = store.log(), store.cursor() or store.log()[-1]
    since = next((one for one in log if one.commit == committed), log[0])
    own = {change.path for change in store.changed(yours_of(store), now)}
    return _New(since, now, [one.path for one in store.changed(since, now) if one.path in own])
