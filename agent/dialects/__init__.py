"""How tools are shown to a model, and how its calls are read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from qwright.agent.messages import Message
from qwright.agent.model import CallChunk, ReasoningDelta, TextDelta, ToolSpec

DialectName = Literal["native", "hermes", "tools", "xml"]
"""native: the API's tool_calls. The others are text: hermes JSON in <tool_call>, tools JSON in
<tools> (what Qwen2.5-Coder obeys), xml the <function=NAME> form of Qwen3-Coder and later."""
Constraint = Literal["none", "grammar", "strict", "structured", "format"]
"""How a server holds calls to their schema: grammar is llama.cpp's GBNF, strict a native tool's
strict flag (vLLM, SGLang), structured their structured_outputs, format Ollama's JSON schema."""


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A fragment of a native tool call, as a server streams it. Any field may be missing."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """What one server chunk adds to the answer."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[CallDelta, ...] = ()


Shown = TextDelta | ReasoningDelta


class Reader(Protocol):
    """Reads one answer. Feed it every delta, then finish it once."""

    def feed(self, delta: Delta) -> list[Shown]:
        """What can be shown now. Text that may become a call is held back."""
        ...

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        """The text still held back that is no call, then the calls.

        `reason` is the server's finish_reason; "length" means that the answer was cut, so that a
        call without its end is dropped. Identical for every split of the same answer into deltas.
        """
        ...

    @property
    def text(self) -> str:
        """For the history, after `finish`: the answer as it was written, calls in it included.

        Sent back unchanged it keeps a server's KV cache valid; each dialect's `wire` takes care
        that a call is not shown twice.
        """
        ...

    @property
    def reasoning(self) -> str: ...

    @property
    def cut(self) -> bool:
        """After `finish`: a call was begun and not completed."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing after this point can matter, so that the stream may be closed."""
        ...


class Dialect(Protocol):
    """One way to tell a model of its tools and to read what it calls."""

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        """Appended to the system prompt; empty where the server tells the model itself."""
        ...

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        """OpenAI chat messages, `system_suffix` included.

        Byte-stable: the wire form of a conversation is a prefix of that of its continuation.
        """
        ...

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """Further request parameters; those OpenAI does not know lie under `extra_body`."""
        ...

    def reader(self, tools: Sequence[ToolSpec]) -> Reader: ...
