"""Fakes the agent's tests share: a model that follows a script, a sandbox that runs a function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qwright.agent.errors import ModelError
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    Model,
    ReasoningDelta,
    Sampling,
    TextDelta,
    ToolSpec,
    Usage,
)
from qwright.sandbox.base import CommandResult, Sandbox

_USAGE = Usage(prompt=10, cached=4, completion=5)


@dataclass(frozen=True)
class Answer:
    """One answer of a scripted model. What comes first, comes first: text, calls, then the end."""

    text: str = ""
    calls: Sequence[ToolCall] = ()
    reasoning: str = ""
    usage: Usage = _USAGE
    before: Sequence[Chunk] = ()
    """Chunks ahead of everything else, such as a retry."""
    cut: bool = False
    """Whether the answer ran into the output limit."""
    hang: bool = False
    """Whether the server falls silent after the text."""
    error: ModelError | None = None
    """Raised after the text."""


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id=f"call-{name}", name=name, arguments=arguments)


def says(*calls: ToolCall, text: str = "") -> Answer:
    return Answer(text, calls)


class ScriptedModel:
    """Gives the answers in order and remembers what it was asked. The last one is for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.asked: list[list[Message]] = []
        self.offered: list[list[ToolSpec]] = []
        self.samplings: list[Sampling | None] = []
        self.max_outputs: list[int | None] = []
        self.closed_streams = 0
        self.is_closed = False

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        self.asked.append(list(messages))
        self.offered.append(list(tools))
        self.samplings.append(sampling)
        self.max_outputs.append(max_output)
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        try:
            for chunk in answer.before:
                yield chunk
            if answer.reasoning:
                yield ReasoningDelta(answer.reasoning)
            if answer.text:
                yield TextDelta(answer.text)
            if answer.hang:
                await asyncio.Event().wait()
            if answer.error:
                raise answer.error
            for one in answer.calls:
                yield CallChunk(one)
            reason = "length" if answer.cut else "calls" if answer.calls else "stop"
            yield Finish(reason, answer.usage, answer.text, answer.reasoning)
        finally:
            self.closed_streams += 1

    async def close(self) -> None:
        self.is_closed = True


def ended(output: str = "", exit_code: int = 0) -> CommandResult:
    return CommandResult(output, exit_code, 0.01)


Act = Callable[[str], CommandResult | None]
"""What a command does; None: it never ends."""


@dataclass
class ScriptedSandbox:
    """Runs a function instead of commands, and remembers them."""

    act: Act
    commands: list[str] = field(default_factory=list[str])
    stopped: int = 0
    """Commands that were cancelled."""
    is_closed: bool = False

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        self.commands.append(command)
        result = self.act(command)
        if result is not None:
            return result
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return ended()

    async def pause(self) -> None: ...
    async def resume(self) -> None: ...

    async def close(self) -> None:
        self.is_closed = True


if TYPE_CHECKING:
    MODEL: type[Model] = ScriptedModel
    SANDBOX: type[Sandbox] = ScriptedSandbox
