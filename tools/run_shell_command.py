"""run_shell_command: a bash command in the session's container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from qwright.tools.base import Tool, ToolResult, error
from qwright.tools.sanitise import terminal_text
from qwright.tools.truncate import LINE_LIMIT, cut_line, truncate

if TYPE_CHECKING:
    from qwright.sandbox.base import CommandResult
    from qwright.sandbox.workspace import Workspace

_USUAL = 120
_MOST = 600
_LONGEST = 100_000
"""Bytes of a command; the kernel takes no argument over 128 KiB."""


class RunShellCommand(Tool):
    """Run a bash command in the workspace. Gives its output and exit code."""

    name: ClassVar[str] = "run_shell_command"
    may_write: ClassVar[bool] = True
    command: str = Field(description="Command line; stdin is closed")
    timeout: float = Field(default=_USUAL, allow_inf_nan=False, description="Seconds, at most 600")

    async def run(self, workspace: Workspace) -> ToolResult:
        """Run it. Raises SandboxError when the container is gone."""
        if not self.command.strip():
            return error("run_shell_command: the command is empty.")
        if "\0" in self.command:
            return error("run_shell_command: a command cannot contain NUL.")
        if len(self.command.encode()) > _LONGEST:
            return error("run_shell_command: the command is too long; write a script file first.")
        # A grammar cannot hold a model to bounds: what lies beyond them is fitted.
        timeout = min(self.timeout, _MOST) if self.timeout > 0 else _USUAL
        done = await workspace.run(self.command, timeout=timeout)
        output = terminal_text(done.output).strip("\n")
        details: dict[str, Any] = {
            "exit_code": done.exit_code,
            "seconds": done.seconds,
            "output": output,
            "timed_out": done.timed_out,
            "out_of_memory": done.out_of_memory,
        }
        lost = f"; {done.dropped_bytes:,} bytes of output not kept" if done.dropped_bytes else ""
        text = f"{_short(output)}\n[{_outcome(done, timeout)}{lost}]"
        return ToolResult(text, details, is_error=done.exit_code != 0)


def _short(output: str) -> str:
    lines = [cut_line(line, LINE_LIMIT) for line in output.split("\n")]
    return truncate("\n".join(lines)) or "(no output)"


def _outcome(done: CommandResult, timeout: float) -> str:
    if done.timed_out:
        return f"stopped: it ran longer than the timeout of {timeout:g} s"
    if done.out_of_memory:
        return f"exit code {done.exit_code}: killed, it used more memory than the sandbox has"
    return f"exit code {done.exit_code}"
