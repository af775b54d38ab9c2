"""One small request to a server, with everything about its answer that can be measured."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from qwright.agent.dialects import Dialect
from qwright.agent.endpoint import Endpoint
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import (
    CallChunk,
    Finish,
    PrefillChunk,
    ReasoningDelta,
    RetryChunk,
    TextDelta,
    ToolSpec,
    Usage,
)
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import Profile
from qwright.agent.retry import RetryPolicy
from qwright.agent.thinking import Effort

_ONCE_MORE = RetryPolicy(retries=1)
_LINE = "The quick brown fox jumps over the lazy dog. "
_LINE_TOKENS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A conversation of two messages; `most` tokens may come back."""

    system: str
    user: str
    tools: tuple[ToolSpec, ...]
    most: int


@dataclass(slots=True)
class Answer:
    """What came back. Times are seconds since the request was sent."""

    text: str = ""
    thought: bool = False
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    native: bool = False
    """Whether the server itself read the calls."""
    pieces: int = 0
    first: float = 0.0
    last: float = 0.0
    usage: Usage = field(default_factory=Usage)

    @property
    def decode_speed(self) -> float:
        """Tokens per second after the first one; 0 where it is not known."""
        seconds = self.usage.completion_seconds or self.last - self.first
        return (self.usage.completion - 1) / seconds if seconds > 0 and self.pieces > 2 else 0.0


class Ears:
    """Hears what a server refuses, and whether it read the last calls itself."""

    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.native = False

    @property
    def refused(self) -> Collection[str]:
        return self.fields

    def fields_refused(self, fields: Collection[str]) -> None:
        self.fields |= set(fields)

    def window_found(self, tokens: int) -> None:
        pass

    def called(self, *, native: bool, text: str) -> None:
        self.native = native


def filler(tokens: int) -> str:
    """Text of about as many tokens, in any Qwen's vocabulary."""
    return _LINE * (tokens // _LINE_TOKENS)


async def ask(
    endpoint: Endpoint,
    profile: Profile,
    dialect: Dialect,
    question: Question,
    ears: Ears,
    effort: Effort | None,
) -> Answer:
    """Send it once, and once more after a passing failure. Raises ModelError."""
    messages = [
        Message(role="system", content=question.system),
        Message(role="user", content=question.user),
    ]
    # What always thinks needs room for it before it answers.
    most = question.most + (2_000 if profile.thinking == "always" else 0)
    sampling = replace(profile.sampling, temperature=0.0, seed=1)
    ears.native = False
    model = OpenAIModel(endpoint, profile, dialect, effort=effort, notes=ears, retries=_ONCE_MORE)
    answer, started = Answer(), time.monotonic()
    chunks = model.stream(messages, question.tools, sampling=sampling, max_output=most)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                if isinstance(chunk, RetryChunk):
                    answer, started = Answer(thought=answer.thought), time.monotonic()
                elif not isinstance(chunk, PrefillChunk):
                    _note(answer, chunk, time.monotonic() - started)
    finally:
        await model.close()
    answer.native = ears.native
    return answer


def _note(
    answer: Answer, chunk: TextDelta | ReasoningDelta | CallChunk | Finish, at: float
) -> None:
    match chunk:
        case TextDelta():
            answer.pieces += 1
        case ReasoningDelta():
            answer.pieces += 1
            answer.thought = True
        case CallChunk(call):
            answer.calls.append(call)
        case Finish(_, usage, text, reasoning):
            answer.usage, answer.text = usage, text
            answer.thought = answer.thought or bool(reasoning)
            return
    answer.first = answer.first or at
    answer.last = at
