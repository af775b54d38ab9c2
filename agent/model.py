"""The model protocol: messages and tools in, a stream of chunks out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from qwright.agent.messages import Message, ToolCall


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PrefillChunk:
    """The server is reading the prompt: `done` of `total` tokens, those it kept included."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text to show. Never contains any part of a tool call."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallChunk:
    """A complete tool call."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class RetryChunk:
    """The request failed and is sent again; what was streamed before this is void."""

    reason: str
    attempt: int
    wait: float
    """Seconds until the next try."""
    usage: Usage | None = None
    """Of an answer that was complete and is void all the same."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, as the server counted them; zero where it does not say."""

    prompt: int = 0
    cached: int = 0
    """Of the prompt, those read from a cache."""
    cache_written: int = 0
    """Of the prompt, those for which an explicit cache was made."""
    explicit_cache: bool = False
    """Whether the cache is one that was asked for; its price is another."""
    completion: int = 0
    reasoning: int = 0
    cost: float | None = None
    """US dollars, where the server tells; OpenRouter does."""
    estimated: bool = False
    prompt_seconds: float = 0.0
    completion_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """The last chunk. `text` is the assistant's raw answer, to be kept in the history."""

    reason: Literal["stop", "calls", "length"]
    usage: Usage
    text: str
    reasoning: str = ""


Chunk = PrefillChunk | TextDelta | ReasoningDelta | CallChunk | RetryChunk | Finish


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling values; None leaves the server's own."""

    temperature: float | None = 0.7
    top_p: float | None = 0.8
    top_k: int | None = 20
    min_p: float | None = 0.0
    repetition_penalty: float | None = 1.05
    seed: int | None = None


class Model(Protocol):
    """A model behind any server. Raises ModelError when it cannot answer."""

    def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """Ask once. Calls come only after they are complete; the last chunk is a Finish.

        A stream that was cut raises ModelConnectionError and has yielded no call: CallChunks come
        after the server said that the answer is complete. `sampling` and `max_output` (tokens)
        override the profile's. Close it to end the request before its end.
        """
        ...

    async def close(self) -> None: ...
