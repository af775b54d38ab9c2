"""The workspace of a session: files, commands and checkpoints behind one object.

This is all a tool ever sees. Files are reached host-side through `Tree` (openat2, beneath the
checkout); commands run in the session's container; the git store of the checkpoints lies beside
the checkout and is never mounted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.store import Checkpoint, CheckpointStore
from qwright.sandbox.tree import Tree


class Workspace:
    """Files, commands and checkpoints of one session.

    `start_sandbox` is called once, at construction, so that the container starts while the model
    is already answering; the first command waits for it.
    """

    def __init__(
        self,
        tree: Tree,
        store: CheckpointStore,
        start_sandbox: Callable[[], Awaitable[Sandbox]],
    ) -> None: ...

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult: ...

    async def checkpoint(self, label: str, *, step: int) -> Checkpoint | None:
        """Record the checkout as a commit; None when nothing changed since the last one."""
        ...

    async def restore(self, checkpoint: Checkpoint) -> None: ...

    async def diff(self, since: Checkpoint | None = None) -> str: ...

    async def close(self) -> None: ...
