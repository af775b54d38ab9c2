"""A workspace over a real directory, with scripted or no commands, for the tools' tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from qwright.tools.base import Tool, ToolResult


class FakeSandbox(Sandbox):
    """Answers every command with `result` and remembers what was asked."""

    def __init__(self, result: CommandResult) -> None:
        self.result = result
        self.commands: list[str] = []

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        self.commands.append(command)
        return self.result

    async def pause(self) -> None: ...
    async def resume(self) -> None: ...
    async def close(self) -> None: ...


class FileWorkspace(Workspace):
    """Files of a directory; commands go to `sandbox`, and fail the test where there is none."""

    def __init__(self, root: Path, sandbox: Sandbox | None = None) -> None:
        self.tree = Tree(root)
        self._sandbox = sandbox

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        assert self._sandbox is not None, f"a command was run: {command}"
        return await self._sandbox.run(command, timeout=timeout, output_limit=output_limit)


class Rig:
    """A directory to put files into, and a way to call a tool on it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, data: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def bytes(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def call(self, tool: Tool, sandbox: Sandbox | None = None) -> ToolResult:
        return asyncio.run(tool.run(FileWorkspace(self.root, sandbox)))


def ended(output: str, exit_code: int = 0, **more: bool | int) -> CommandResult:
    """A command's result, for FakeSandbox."""
    return CommandResult(
        output,
        exit_code,
        0.1,
        timed_out=bool(more.get("timed_out")),
        out_of_memory=bool(more.get("out_of_memory")),
        dropped_bytes=int(more.get("dropped_bytes", 0)),
    )
