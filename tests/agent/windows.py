"""Models behind a window: one refuses what is too long, another silently forgets its beginning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qwright.agent import events as ev
from qwright.agent.compaction import ASK
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.errors import ContextOverflowError
from qwright.agent.loop import Agent, Task
from qwright.agent.messages import Message
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    Model,
    Sampling,
    TextDelta,
    ToolSpec,
    Usage,
)
from qwright.agent.profile import Profile
from qwright.sandbox.base import Sandbox
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from qwright.tools import tools_for
from tests.agent.stage import Stage, ran
from tests.fakes import Act, Answer, ScriptedSandbox

SUMMARY = "I read it all; the bug must be in the fifth function."
Count = Callable[[Sequence[Message], Sequence[ToolSpec]], int]


def by_characters(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """Tokens as a server may count them: a third of the characters of what is on the wire."""
    dialect = NativeDialect()
    return len(json.dumps([dialect.wire(messages, tools), dialect.request(tools)])) // 3


@dataclass
class WindowedModel:
    """Answers by the script, one answer a turn whatever became of the conversation.

    `strict` refuses a prompt that leaves no room for the answer asked for; otherwise its beginning
    is forgotten and not counted. A request for a summary gets SUMMARY and is no turn.
    """

    window: int
    script: Sequence[Answer]
    strict: bool = True
    names_window: bool = True
    count: Count = by_characters
    reports: Callable[[int], Usage] = lambda prompt: Usage(prompt=prompt, completion=20)
    summary: str = SUMMARY
    turn: int = 0
    asked: list[list[Message]] = field(default_factory=list[list[Message]])
    sizes: list[int] = field(default_factory=list[int])
    """Tokens of each prompt that was answered and, beside it, of the longest answer to it."""
    rooms: list[int] = field(default_factory=list[int])
    refusals: int = 0
    summaries: int = 0

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        assert max_output is not None
        assert max_output > 0
        prompt = self.count(messages, tools)
        if self.strict and prompt + max_output > self.window:
            self.refusals += 1
            named = self.window if self.names_window else None
            raise ContextOverflowError("the request is too long", named, None)
        self.asked.append(list(messages))
        self.sizes.append(prompt)
        self.rooms.append(max_output)
        answer = self._answer(messages)
        if answer.text:
            yield TextDelta(answer.text)
        for call in answer.calls:
            yield CallChunk(call)
        usage = self.reports(self._seen(messages, tools))
        yield Finish("calls" if answer.calls else "stop", usage, answer.text)

    async def close(self) -> None: ...

    def _seen(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        """Tokens that are left when the oldest messages but the system's are forgotten."""
        left = list(messages)
        while self.count(left, tools) > self.window - 20 and len(left) > 2:
            left.pop(1)
        return min(self.count(left, tools), self.window)

    def _answer(self, messages: Sequence[Message]) -> Answer:
        if messages[-1].content.endswith(ASK):
            self.summaries += 1
            return Answer(self.summary)
        self.turn += 1
        return self.script[min(self.turn, len(self.script)) - 1]


@dataclass(frozen=True)
class Run:
    events: list[ev.Event]

    @property
    def finished(self) -> ev.RunFinished:
        last = self.events[-1]
        assert isinstance(last, ev.RunFinished)
        return last

    @property
    def compacted(self) -> list[ev.Compacted]:
        return [one for one in self.events if isinstance(one, ev.Compacted)]

    @property
    def notices(self) -> list[str]:
        return [one.text for one in self.events if isinstance(one, ev.Notice)]


def play(stage: Stage, model: Model, profile: Profile, task: Task, act: Act = ran) -> Run:
    """Run `task` on the stage's files with any model."""
    return Run(asyncio.run(_play(stage, model, profile, task, act)))


async def _play(
    stage: Stage, model: Model, profile: Profile, task: Task, act: Act
) -> list[ev.Event]:
    async def start() -> Sandbox:
        return ScriptedSandbox(act)

    workspace = Workspace(Tree(stage.ws), stage.store, start)
    opening: asyncio.Future[Workspace] = asyncio.get_running_loop().create_future()
    opening.set_result(workspace)
    tools = tools_for(profile.tools, profile.context)
    agent = Agent(model, profile, tools, opening, provider="ollama")
    async with aclosing(agent.run(task)) as events:
        found = [event async for event in events]
    await workspace.close()
    return found


def wired(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return NativeDialect().wire(messages, [])


if TYPE_CHECKING:
    WINDOWED: type[Model] = WindowedModel
