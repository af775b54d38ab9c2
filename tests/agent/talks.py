"""Plays a conversation of several prompts: one agent, real files, scripted answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from qwright.agent import events as ev
from qwright.agent.loop import Agent, Task
from qwright.agent.model import Model
from qwright.agent.policy import Decision, Policy, Request
from qwright.agent.profile import Profile
from qwright.agent.transcript import Transcript
from qwright.sandbox.base import Sandbox
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from qwright.tools import ALL_TOOLS
from tests.agent.stage import PATIENT, Stage, ran
from tests.fakes import Act, ScriptedSandbox

E = TypeVar("E")
During = Callable[[Agent, ev.Event], None]


@dataclass
class Talk:
    """An open conversation. `send` gives the events of one prompt."""

    agent: Agent
    workspace: Workspace
    events: list[ev.Event] = field(default_factory=list[ev.Event])

    async def send(
        self, task: Task | str, during: During = lambda agent, event: None
    ) -> list[ev.Event]:
        task = Task(task, judged="after_change") if isinstance(task, str) else task
        return await self._collect(self.agent.run(task), during)

    async def compact(self, hint: str = "") -> list[ev.Event]:
        return await self._collect(self.agent.compact(hint), lambda agent, event: None)

    async def _collect(self, run: AsyncGenerator[ev.Event, None], during: During) -> list[ev.Event]:
        found = list[ev.Event]()
        async with aclosing(run) as events:
            async for event in events:
                found.append(event)
                during(self.agent, event)
        self.events += found
        return found

    def said(self) -> list[tuple[str, str]]:
        """Role and content of the whole conversation, without the system prompt."""
        return [(one.role, one.content) for one in self.agent.messages[1:]]


@asynccontextmanager
async def talking(
    stage: Stage,
    model: Model,
    *,
    act: Act = ran,
    profile: Profile = PATIENT,
    policy: Policy | None = None,
    transcript: Transcript | None = None,
) -> AsyncGenerator[Talk]:
    async def start() -> Sandbox:
        return ScriptedSandbox(act)

    workspace = Workspace(Tree(stage.ws), stage.store, start)
    opening: asyncio.Future[Workspace] = asyncio.get_running_loop().create_future()
    opening.set_result(workspace)
    agent = Agent(
        model, profile, ALL_TOOLS, opening, policy=policy or Policy(), transcript=transcript
    )
    yield Talk(agent, workspace)
    await workspace.close()


def of(events: list[ev.Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def finished(events: list[ev.Event]) -> ev.RunFinished:
    last = events[-1]
    assert isinstance(last, ev.RunFinished)
    return last


@dataclass
class Person:
    """Answers the questions of a policy in order, and remembers them. None: never answers."""

    answers: list[Decision | None]
    asked: list[Request] = field(default_factory=list[Request])

    async def approve(self, request: Request) -> Decision:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        assert answer is not None
        return answer
