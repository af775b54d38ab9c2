"""The workspace of a session: files, commands and checkpoints behind one object.

This is all a tool ever sees. Files are reached host-side through `Tree` (openat2, beneath the
checkout); commands run in the session's container; the git store of the checkpoints lies beside
the checkout and is never mounted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Literal, ParamSpec, TypeVar

from qwright.sandbox.attempts import start_over
from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.bridge import Applied, Bridge, Hunk, Pulled, Reverted
from qwright.sandbox.errors import SandboxError, WorkspaceError
from qwright.sandbox.store import Checkpoint, CheckpointStore
from qwright.sandbox.tree import Tree

P = ParamSpec("P")
T = TypeVar("T")


class Workspace:
    """Files, commands and checkpoints of one session.

    `start_sandbox` is called once, at construction (inside a running event loop), so that the
    container starts while the model is already answering; the first command waits for it.
    """

    def __init__(
        self,
        tree: Tree,
        store: CheckpointStore,
        start_sandbox: Callable[[], Awaitable[Sandbox]],
        *,
        bridge: Bridge | None = None,
        disturbed: bool = False,
    ) -> None:
        """`disturbed`: a container of before may still write until the new one has started."""
        self.tree = tree
        self.store = store
        self._bridge = bridge
        self.subdirectory = "."
        """Where in the checkout the user was; the verify command runs there."""
        self._start_sandbox = start_sandbox
        self._starting = asyncio.create_task(_started(start_sandbox))
        self._has_run = disturbed
        self._checkpoints = asyncio.Lock()

    @property
    def base(self) -> Checkpoint:
        """The first checkpoint: the files as the session found them."""
        return self.store.log()[0]

    @property
    def state(self) -> str:
        """The git tree of the last checkpoint: equal for equal files."""
        cursor = self.store.cursor()
        return cursor.tree if cursor else ""

    @property
    def bridge(self) -> Bridge:
        """The way to the user's files and back. Raises WorkspaceError where there are none."""
        if self._bridge is None:
            raise WorkspaceError("these files are nobody's: there is nothing to bring them to")
        return self._bridge

    @property
    def sandbox_state(self) -> Literal["starting", "ready", "failed"]:
        """How far the container is."""
        if not self._starting.done():
            return "starting"
        failed = self._starting.cancelled() or self._starting.exception() is not None
        return "failed" if failed else "ready"

    @property
    def notices(self) -> list[str]:
        """One line for each file that could not be recorded, in the order of discovery."""
        return list(self.store.notices)

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        """Run a command in the container, waiting for its start; see `Sandbox.run`.

        Raises SandboxError when the container did not start or is gone.
        """
        sandbox = await asyncio.shield(self._starting)
        self._has_run = True
        return await sandbox.run(command, timeout=timeout, output_limit=output_limit)

    async def checkpoint(self, label: str, *, step: int) -> Checkpoint | None:
        """Record the checkout as a commit; None when nothing changed since the last one.

        Raises WorkspaceError when it cannot be recorded.
        """
        async with self._still():
            return await to_the_end(self.store.record, label, step)

    async def restore(self, checkpoint: Checkpoint) -> None:
        """Take the files back (or forward) to a checkpoint; the present ones are recorded first.

        Raises WorkspaceError.
        """
        async with self._still():
            await to_the_end(self.store.restore, checkpoint)

    async def pull(self) -> Pulled:
        """Bring the user's own edits in; see `Bridge.pull`."""
        async with self._checkpoints:
            edited = await to_the_end(self.bridge.edited)
            if edited is None:
                return Pulled(notices=self.bridge.notices)
            async with self._paused():
                return await to_the_end(self.bridge.pull, edited)

    async def accept(self, chosen: Collection[Hunk] | None = None) -> Applied:
        """Bring what is pending, or these hunks, to the user's files; see `Bridge.accept`."""
        async with self._checkpoints:  # from the store alone, so nothing has to stand still
            return await to_the_end(self.bridge.accept, chosen)

    async def reject(self, chosen: Collection[Hunk] | None = None) -> list[str]:
        """Take what is pending, or these hunks, out of the files; see `Bridge.reject`."""
        async with self._still():
            return await to_the_end(self.bridge.reject, chosen)

    async def revert(self, before: Checkpoint, after: Checkpoint, label: str) -> list[str]:
        """Take what changed between two checkpoints out of the files; see `Bridge.revert`."""
        async with self._still():
            return await to_the_end(self.bridge.revert, before, after, label)

    async def revert_both(self, before: Checkpoint, after: Checkpoint, label: str) -> Reverted:
        """As `revert`, out of the user's files as well; see `Bridge.revert_both`."""
        async with self._still():
            return await to_the_end(self.bridge.revert_both, before, after, label)

    async def take_theirs(self, paths: Collection[str]) -> None:
        """End a conflict in these paths; see `Bridge.take_theirs`."""
        async with self._still():
            await to_the_end(self.bridge.take_theirs, paths)

    async def restart(self, start_sandbox: Callable[[], Awaitable[Sandbox]]) -> None:
        """Go on in another container over the same files; begins to start it."""
        async with self._checkpoints:
            # Only a start sweeps away what a killed process has left, and that one failed.
            self._has_run = self._has_run and self.sandbox_state == "failed"
            await self.close()
            self._start_sandbox = start_sandbox
            self._starting = asyncio.create_task(_started(start_sandbox))

    async def start_over(
        self, checkpoint: Checkpoint, there: Collection[str], *, fresh: bool = True
    ) -> None:
        """Go back to a checkpoint as if nothing had been done since; what is unrecorded is lost.

        `there` is what `everything_in` found before. With `fresh` a new container begins to
        start, unless this one has run nothing yet. Raises WorkspaceError, SandboxError.
        """
        async with self._checkpoints:
            if fresh and self._has_run:
                old, self._has_run = self._starting, False
                self._starting = asyncio.create_task(_started(self._start_sandbox))
                await _ended(old)
            async with self._paused():
                await to_the_end(start_over, self.store, checkpoint, there)

    async def diff(self, since: Checkpoint | None = None) -> str:
        """What the last checkpoint changed since another one, by default since the first."""
        return await asyncio.to_thread(self._diff, since)

    async def close(self) -> None:
        """Stop waiting for the container, or remove it. Safe to call twice."""
        await _ended(self._starting)

    def _diff(self, since: Checkpoint | None) -> str:
        now = self.store.cursor()
        first = since or next(iter(self.store.log()), None)
        if now is None or first is None:
            raise WorkspaceError("this session has no checkpoint yet")
        return self.store.diff(first, now)

    @asynccontextmanager
    async def _still(self) -> AsyncGenerator[None, None]:
        async with self._checkpoints, self._paused():
            yield

    @asynccontextmanager
    async def _paused(self) -> AsyncGenerator[None, None]:
        # A process left behind by a command could write while git looks; before the first
        # command there is none, and waiting for the container would cost time.
        if not self._has_run:
            yield
            return
        sandbox = await asyncio.shield(self._starting)
        await sandbox.pause()
        try:
            yield
        finally:
            await sandbox.resume()


async def to_the_end(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Run blocking work in a thread; when cancelled, wait until it is done, then be cancelled."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **options))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # A thread cannot be stopped, and half a checkpoint must not meet what comes next.
        await asyncio.wait((work,))
        work.exception()  # retrieved: nobody is left to hear of it
        raise


async def _ended(starting: asyncio.Task[Sandbox]) -> None:
    starting.cancel()
    try:
        sandbox = await starting
    except (asyncio.CancelledError, SandboxError):
        return
    await sandbox.close()


async def _started(start: Callable[[], Awaitable[Sandbox]]) -> Sandbox:
    return await start()
