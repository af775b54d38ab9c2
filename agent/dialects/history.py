"""Whether an assistant message spells its own calls in its text, and what it says besides.

A text answer is kept as the model wrote it, so that it can be sent back byte for byte. A dialect
that renders calls itself must then not render them a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent.dialects import Delta
from qwright.agent.dialects.reader import TextReader
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk, ToolSpec


def prose_beside_calls(message: Message, tools: Sequence[ToolSpec]) -> str | None:
    """The text without the calls, when it spells just those of `tool_calls`; else None."""
    wanted = _meanings(message.tool_calls)
    if not wanted or not message.content:
        return None
    known = {tool.name: tool for tool in tools}
    reader = TextReader([known.get(name) or ToolSpec(name, "", {}) for name, _ in wanted])
    reader.feed(Delta(message.content))
    read = [one.call for one in reader.finish("stop") if isinstance(one, CallChunk)]
    return reader.prose if _meanings(read) == wanted else None


def _meanings(calls: tuple[ToolCall, ...] | list[ToolCall]) -> list[tuple[str, object]]:
    return [(call.name, call.arguments) for call in calls if call.error is None]
