"""What the layers above see of a sandbox: run a command, read what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MOUNT = "/workspace"
"""Where the session checkout lies inside the container, unless another place is asked for."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command in the container did."""

    output: str
    """stdout and stderr as they came, decoded with replacement, head and tail when cut."""
    exit_code: int
    """The command's own code; 124 when it was stopped at its timeout, 137 when killed."""
    seconds: float
    timed_out: bool = False
    dropped_bytes: int = 0
    """Bytes cut from the middle of `output`."""
    out_of_memory: bool = False


class Sandbox(Protocol):
    """One hardened container whose `/workspace` is the session checkout."""

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        """Run `command` with `bash -c` in `/workspace`, stdin closed.

        `timeout` is in seconds, `output_limit` in bytes kept (head and tail).
        Raises SandboxError when the container is gone; its outcome is then unknown and it is
        never silently run again.
        """
        ...

    async def pause(self) -> None: ...
    async def resume(self) -> None: ...

    async def close(self) -> None:
        """Remove the container. Safe to call twice."""
        ...
