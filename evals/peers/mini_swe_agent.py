"""mini-swe-agent: its own docker environment, whose docker is a way into our container."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from qwright.agent import events as ev
from qwright.agent.workplace import open_workspace
from qwright.evals.peers import inside
from qwright.evals.peers.gateway import CommandRequest
from qwright.evals.peers.run import Peer, Program, Stage
from qwright.evals.result import Solution
from qwright.sandbox.base import CommandResult
from qwright.sandbox.text_patch import text_patch
from qwright.sandbox.workspace import Workspace

_SLACK = 30
"""Seconds by which its own timeout of a command is later than ours, which keeps the output."""
_REASONS: Mapping[str, ev.StopReason] = {
    "Submitted": "done",
    "LimitsExceeded": "turn_limit",
    "TimeExceeded": "time_limit",
    "ContextWindowExceededError": "context_limit",
}
"""Its words for how it ended, in ours; the others are names of exceptions."""


class MiniSweAgent:
    """Its own configuration for models: with tool calls where ours has them, else in text."""

    name = "mini-swe-agent"
    command = "mini"

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncGenerator[Peer]:
        """A container over a copy of the test bed, as our own agent gets."""
        workspace = await open_workspace(
            stage.session,
            stage.testbed.directory,
            stage.place,
            stage.hooks.say,
            stage.budget.fail,
        )
        try:
            yield _Mini(stage, workspace)
        finally:
            await workspace.close()


class _Mini:
    def __init__(self, stage: Stage, workspace: Workspace) -> None:
        self._stage = stage
        self._workspace = workspace
        self._trajectory = stage.out / f"{stage.job.instance.id.replace('/', '_')}.traj.json"
        self._commands = 0

    def program(self, words: Sequence[str]) -> Program:
        stage = self._stage
        config = stage.scratch / "config.yaml"
        config.write_text(json.dumps(self._config()), encoding="utf-8")
        native = stage.chosen.profile.dialect == "native"
        own = [] if "-c" in words else ["-c", "mini.yaml" if native else "mini_textbased.yaml"]
        form = [] if "--model-class" in words or native else ["--model-class", "litellm_textbased"]
        flags = ["-c", str(config), "-y", "--exit-immediately", "-o", str(self._trajectory)]
        variables = {
            "MSWEA_CONFIGURED": "true",
            "MSWEA_SILENT_STARTUP": "1",
            "MSWEA_GLOBAL_CONFIG_DIR": str(stage.scratch / "home"),
        }
        return Program([*own, *form, *flags], variables, stage.scratch)

    def _config(self) -> dict[str, object]:
        """What is added to its own configuration; JSON is YAML."""
        stage, instance = self._stage, self._stage.job.instance
        settings = stage.job.settings
        task = instance.prompt
        if instance.verify:
            task += f"\n\nIt is solved when this command succeeds: {instance.verify}"
        return {
            "run": {"task": task},
            # Money and time are ours to limit; a limit of its own ends it in good order.
            "agent": {"step_limit": settings.max_turns or 0, "cost_limit": 0.0},
            "model": {"model_name": stage.model, "cost_tracking": "ignore_errors"},
            "environment": {
                "environment_class": "docker",
                "executable": str(self._docker()),
                "image": stage.testbed.image,
                "cwd": instance.mount,
                "timeout": int(settings.verify_timeout) + _SLACK,
                "interpreter": ["bash", "-c"],
            },
        }

    def _docker(self) -> Path:
        script = self._stage.scratch / "docker"
        words = [sys.executable, "-ISE", str(Path(inside.__file__))]
        script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        script.chmod(0o700)
        return script

    async def run(self, request: CommandRequest) -> CommandResult:
        self._commands += 1
        call = f"command-{self._commands}"
        shown = request.argv[-1] if request.argv else ""
        arguments = {"command": shown}
        self._stage.hear(ev.ToolStarted(id=call, name="bash", arguments=arguments))
        result = await self._workspace.run(
            _line(request), timeout=self._stage.job.settings.verify_timeout
        )
        self._stage.hear(
            ev.ToolFinished(
                id=call,
                name="bash",
                is_error=result.exit_code != 0,
                text=result.output,
                details={"command": shown, "exit_code": result.exit_code},
                seconds=result.seconds,
            )
        )
        return result

    def ended(self) -> tuple[ev.StopReason, str]:
        status, _ = read_trajectory(self._trajectory)
        return _REASONS.get(status, "model_error"), status

    async def conclude(self, solution: Solution) -> Solution:
        await self._workspace.checkpoint("Result", step=1)
        store = self._workspace.store
        last = store.cursor() or self._workspace.base
        patch = text_patch(store, self._workspace.base, last)
        _, malformed = read_trajectory(self._trajectory)
        return solution.model_copy(update={"patch": patch, "malformed": malformed})


def _line(request: CommandRequest) -> str:
    """The command as a line for the container's shell."""
    variables = [f"{name}={value}" for name, value in request.environment.items()]
    run = shlex.join(["env", *variables, *request.argv])
    return f"cd -- {shlex.quote(request.directory)} && {run}" if request.directory else run


def read_trajectory(trajectory: Path) -> tuple[str, int]:
    """How it ended in its own words, and how many of its answers had no command to be read.

    Of a program that was killed while it wrote, or that never did, little is known.
    """
    try:
        data = cast("dict[str, Any]", json.loads(trajectory.read_bytes()))
        messages = cast("list[dict[str, Any]]", data.get("messages", []))
        extras = [cast("dict[str, Any]", one.get("extra") or {}) for one in messages]
        ended = str(cast("dict[str, Any]", data.get("info", {})).get("exit_status") or "")
    except (OSError, ValueError, AttributeError):
        return "no trajectory", 0
    return ended or "unknown", sum(one.get("interrupt_type") == "FormatError" for one in extras)
