"""The verify command of a task, which decides success whatever the model says."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from qwright.agent.events import VerifyFinished
from qwright.agent.limits import Stop
from qwright.sandbox.base import CommandResult
from qwright.sandbox.workspace import Workspace

Wait = Callable[[Awaitable[CommandResult]], Awaitable[CommandResult]]


@dataclass(slots=True)
class Judge:
    """Runs one task's verify command where the user was. `wait` holds it to the run's limits."""

    command: str
    timeout: float
    """Seconds."""
    wait: Wait
    remembers: bool
    """Whether files that failed are known again: for fresh attempts, which may repeat a change."""
    verified: bool | None = None
    """The last verdict; None before the first."""
    failed: dict[str, VerifyFinished] = field(default_factory=dict[str, VerifyFinished])
    """What was said of files that failed, by their git tree; empty where nothing is remembered."""

    async def first(self, workspace: Workspace) -> VerifyFinished:
        """What it says before anything was done."""
        where = workspace.subdirectory
        run = self.command if where == "." else f"cd {shlex.quote(where)} && {self.command}"
        done = await self.wait(workspace.run(run, timeout=self.timeout))
        self.verified = done.exit_code == 0
        return VerifyFinished(
            command=self.command,
            exit_code=done.exit_code,
            output=done.output,
            seconds=done.seconds,
        )

    async def verdict(self, workspace: Workspace) -> VerifyFinished:
        """On the present files. Raises Stop where an attempt before left the same."""
        state = workspace.state
        if state in self.failed:
            text = f"`{self.command}` did not pass; the same change was tried before"
            raise Stop("not_verified", text)
        verdict = await self.first(workspace)
        if not self.verified and self.remembers:
            self.failed[state] = verdict
        return verdict
