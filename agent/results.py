"""What a session has changed: looked at, accepted, rejected, committed, taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from qwright.agent.compaction import changed_files
from qwright.agent.deliver import Delivered, applied_text, save_as_branch
from qwright.sandbox.bridge import Hunk
from qwright.sandbox.errors import QwrightError, WorkspaceError
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

    async def diff(self) -> str:
        """The same as a unified diff."""
        return await asyncio.to_thread((await self._workspace()).bridge.diff)

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

    async def exchange(
        self, before: str, after: str, label: str, *, yours: bool | None
    ) -> tuple[list[str], bool]:
        """Take the changes between two checkpoints out; from the user's files too where `yours`.

        None: where the user has them. Returns the paths, and whether the user's files changed.
        Raises ConflictError; then everything is as it was.
        """
        workspace = await self._workspace()
        log = {one.commit: one for one in await asyncio.to_thread(workspace.store.log)}
        pending = {change.path for change in await self.pending()}
        paths = await workspace.revert(log[before], log[after], label)
        theirs = set(paths) - pending if yours is None or yours else set[str]()
        chosen = [hunk for hunk in await self.hunks() if hunk.path in theirs]
        if chosen:
            try:
                await workspace.accept(chosen)
            except QwrightError:
                await workspace.revert(log[after], log[before], f"not done: {label}")
                raise
        await self.pending()
        return paths, bool(chosen)

    async def uncommitted(self) -> str:
        """What this session changed since its last commit, as a diff. Raises WorkspaceError."""
        store, since, now = await self._uncommitted()
        return await asyncio.to_thread(store.diff, since, now)

    async def commit(self, message: str) -> Committed:
        """Accept what is pending, then commit what is new with the user's own git and hooks.

        Raises ConflictError, WorkspaceError.
        """
        store, since, now = await self._uncommitted()
        if await self.pending():
            await self.accept()
        paths = [one.path for one in await asyncio.to_thread(store.changed, since, now)]
        source = Path(self.session.record.source)
        done = await asyncio.to_thread(commit, source, paths, message)
        self.session.update(committed=now.commit)
        return done

    async def branch(self, name: str) -> Delivered:
        """Commit everything this session changed to a new branch; the working tree stays."""
        await self._workspace()
        return await asyncio.to_thread(save_as_branch, self.session, name)

    async def _uncommitted(self) -> tuple[CheckpointStore, Checkpoint, Checkpoint]:
        store = (await self._workspace()).store
        log, now = await asyncio.to_thread(lambda: (store.log(), store.cursor()))
        done = self.session.record.committed
        since = next((one for one in log if one.commit == done), log[0])
        if now is None or now.tree == since.tree:
            raise WorkspaceError("nothing to commit: this session has changed nothing new")
        return store, since, now
