"""Plays a run of the loop: scripted answers, real files and checkpoints, scripted commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from qwright.agent import events as ev
from qwright.agent.loop import Agent, Task
from qwright.agent.profile import DEFAULT, Profile
from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.store import CheckpointStore
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from qwright.tools import ALL_TOOLS
from tests.fakes import Act, Answer, ScriptedModel, ScriptedSandbox, ended
from tests.sandbox.repos import make_store

E = TypeVar("E")
During = Callable[[Agent, ev.Event], None]

FILES = {"a.py": b"x = 1\n", "test_a.py": b"from a import x\n"}
PATIENT = DEFAULT.model_copy(update={"failures_per_attempt": 2})
SEVERAL = PATIENT.model_copy(
    update={
        "attempts": 3,
        "turns_per_attempt": 2,
        "failures_per_attempt": 1,
        "eager_verify": True,
    }
)
"""Judged after every change, with fresh attempts, as a small model is; every tool is offered."""


@dataclass
class Played:
    """A run that is over."""

    model: ScriptedModel
    agent: Agent
    store: CheckpointStore
    sandbox: ScriptedSandbox
    events: list[ev.Event] = field(default_factory=list[ev.Event])

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def finished(self) -> ev.RunFinished:
        last = self.events[-1]
        assert isinstance(last, ev.RunFinished)
        return last

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def results(self) -> list[str]:
        """What the model was told by tools."""
        return [event.text for event in self.of(ev.ToolFinished)]

    def file(self, path: str) -> bytes:
        return (self.store.work_tree / path).read_bytes()

    def labels(self) -> list[str]:
        return [checkpoint.label for checkpoint in self.store.log()]


def ran(command: str) -> CommandResult:
    return ended(f"ran {command}")


class Stage:
    """A directory with a checkout in it; `play` runs one task there."""

    def __init__(self, root: Path) -> None:
        self.store = make_store(root, FILES)
        self.store.record("base", 0)
        self.ws = self.store.work_tree

    def passes_when(self, path: str, text: bytes) -> Act:
        """Commands that succeed once `path` holds `text`."""

        def act(command: str) -> CommandResult:
            good = text in (self.ws / path).read_bytes()
            return ended("1 passed") if good else ended("1 failed", 1)

        return act

    def play(
        self,
        *answers: Answer,
        task: Task | None = None,
        act: Act = ran,
        profile: Profile = PATIENT,
        during: During = lambda agent, event: None,
        broken: QwrightError | None = None,
        subdirectory: str = ".",
    ) -> Played:
        """Run `task`. `during` hears of each event; `broken`: why the workspace cannot open."""
        done = asyncio.run(
            self._play(
                answers, task or Task("Fix a.py."), act, profile, during, broken, subdirectory
            )
        )
        assert done.types.count("run_finished") == 1
        assert done.types[0] == "run_started"
        assert done.model.closed_streams == len(done.model.asked)
        return done

    async def _play(
        self,
        answers: tuple[Answer, ...],
        task: Task,
        act: Act,
        profile: Profile,
        during: During,
        broken: QwrightError | None,
        subdirectory: str,
    ) -> Played:
        sandbox = ScriptedSandbox(act)

        async def start() -> Sandbox:
            return sandbox

        opening: asyncio.Future[Workspace] = asyncio.get_running_loop().create_future()
        workspace = Workspace(Tree(self.ws), self.store, start)
        workspace.subdirectory = subdirectory
        if broken:
            opening.set_exception(broken)
        else:
            opening.set_result(workspace)
        model = ScriptedModel(*answers)
        agent = Agent(model, profile, ALL_TOOLS, opening, session="s1", model_name="m1")
        played = Played(model, agent, self.store, sandbox)
        async with aclosing(agent.run(task)) as events:
            async for event in events:
                played.events.append(event)
                during(agent, event)
        await workspace.close()
        return played
