"""aider: edits a copy of the test bed on this machine; the tests run in a fresh container each."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from qwright.agent import events as ev
from qwright.agent.workplace import open_workspace
from qwright.evals.peers import inside
from qwright.evals.peers.gateway import CommandRequest
from qwright.evals.peers.run import Peer, Program, Stage
from qwright.evals.result import Solution
from qwright.sandbox.base import CommandResult
from qwright.sandbox.checkout import Checkout, create_checkout
from qwright.sandbox.session_dir import Session
from qwright.sandbox.text_patch import text_patch

_FLAGS = (
    *("--yes-always", "--no-stream", "--no-pretty", "--no-fancy-input", "--no-auto-commits"),
    *("--no-dirty-commits", "--no-gitignore", "--no-check-update", "--analytics-disable"),
    *("--no-show-model-warnings", "--no-show-release-notes", "--no-detect-urls"),
    # What it proposes would run on this machine.
    *("--no-suggest-shell-commands", "--disable-playwright"),
)
_CONFIGURATION = (".aider*", ".env")
"""What it would obey in the folder it works in, commands to run on this machine among it; the
first is also what it leaves behind."""
_APPLIED = re.compile(r"^Applied edit to ", re.MULTILINE)
_REFUSED = re.compile(r"^The LLM did not conform to the edit format", re.MULTILINE)


class Aider:
    """With its repository map, its default edit format, and our verify command as its tests."""

    name = "aider"
    command = "aider"

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncGenerator[Peer]:
        """A copy of the test bed that no container ever sees, with a repository of one commit."""
        source = stage.testbed.directory
        checkout = await asyncio.to_thread(
            create_checkout, source, stage.session.path, everything=True
        )
        await asyncio.to_thread(_copy_repository, source, checkout.store.work_tree)
        yield _Aider(stage, checkout)


class _Aider:
    def __init__(self, stage: Stage, checkout: Checkout) -> None:
        self._stage = stage
        self._checkout = checkout
        self._files = checkout.store.work_tree
        self._hidden = stage.scratch / "hidden"
        self._hidden.mkdir()
        _move(self._files, self._hidden)
        self._verified: bool | None = None

    def program(self, words: Sequence[str]) -> Program:
        stage, scratch = self._stage, self._stage.scratch
        (scratch / "prompt.txt").write_text(stage.job.instance.prompt, encoding="utf-8")
        metadata = {stage.model: {"litellm_provider": "openai", "mode": "chat", **self._window()}}
        (scratch / "models.json").write_text(json.dumps(metadata), encoding="utf-8")
        files = [
            *("--message-file", str(scratch / "prompt.txt")),
            *("--model-metadata-file", str(scratch / "models.json")),
            *("--chat-history-file", str(stage.out / "aider.chat.md")),
            *("--input-history-file", str(scratch / "input.history")),
        ]
        tests = []
        if stage.job.instance.verify:
            test = shlex.join([sys.executable, "-ISE", str(Path(inside.__file__))])
            tests = ["--test-cmd", test, "--auto-test"]
        return Program(["--model", stage.model, *_FLAGS, *files, *tests], {}, self._files)

    def _window(self) -> dict[str, int | float]:
        profile = self._stage.chosen.profile
        return {
            "max_input_tokens": profile.context - profile.max_output,
            "max_output_tokens": profile.max_output,
            "input_cost_per_token": 0.0,
            "output_cost_per_token": 0.0,
        }

    async def run(self, request: CommandRequest) -> CommandResult:
        """The tests: nothing they write comes back to where aider and its git work."""
        stage = self._stage
        verify = stage.job.instance.verify or "false"
        session = Session.create(self._files, root=stage.scratch)
        try:
            workspace = await open_workspace(
                session, self._files, stage.place, stage.hooks.say, stage.budget.fail
            )
            try:
                result = await workspace.run(verify, timeout=stage.job.settings.verify_timeout)
            finally:
                await workspace.close()
        finally:
            session.close()
            await asyncio.to_thread(shutil.rmtree, session.path, ignore_errors=True)
        self._verified = result.exit_code == 0
        stage.hear(
            ev.VerifyFinished(
                command=verify,
                exit_code=result.exit_code,
                output=result.output,
                seconds=result.seconds,
            )
        )
        return result

    def ended(self) -> tuple[ev.StopReason, str]:
        return "done", ""

    async def conclude(self, solution: Solution) -> Solution:
        left = self._stage.scratch / "left"
        left.mkdir()
        await asyncio.to_thread(_move, self._files, left)
        await asyncio.to_thread(_move, self._hidden, self._files)
        store = self._checkout.store
        await asyncio.to_thread(store.record, "Result", 1)
        last = store.cursor() or self._checkout.base
        applied, refused = count_edits(self._stage.out / "aider.log")
        return solution.model_copy(
            update={
                "patch": text_patch(store, self._checkout.base, last),
                "verified": self._verified,
                "tool_calls": applied + refused,
                "tool_errors": refused,
                "edit_calls": applied + refused,
                "edit_errors": refused,
                "malformed": refused,
            }
        )


def count_edits(log: Path) -> tuple[int, int]:
    """Edits that were made, and answers whose edits could not be, by what it printed."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    return len(_APPLIED.findall(text)), len(_REFUSED.findall(text))


def _copy_repository(source: Path, target: Path) -> None:
    """The test bed's own .git, writable."""
    if not (source / ".git").is_dir():
        return
    shutil.copytree(source / ".git", target / ".git", symlinks=True)
    for above, _, _ in os.walk(target / ".git"):
        os.chmod(above, 0o755)


def _move(source: Path, target: Path) -> None:
    """Its configuration, and what it leaves, from one folder to another."""
    for pattern in _CONFIGURATION:
        for path in source.glob(pattern):
            path.rename(target / path.name)
