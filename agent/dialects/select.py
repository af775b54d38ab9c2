"""Which dialect to speak with a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qwright.agent.dialects import Constraint, Dialect, DialectName, Reader
from qwright.agent.dialects.format import FormatDialect
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.raw import RawDialect, is_raw
from qwright.agent.dialects.text import TextDialect
from qwright.agent.messages import Message
from qwright.agent.model import ToolSpec


def dialect_for(
    name: DialectName,
    *,
    constraint: Constraint = "none",
    require_call: bool = False,
    raw: bool = False,
) -> Dialect:
    """`require_call` has a meaning only under a constraint of the text, "strict" for native only.

    `raw`: under a grammar, files and lines go as raw code.
    """
    if constraint == "format":
        return FormatDialect(require_call=require_call)
    if name == "native":
        return NativeDialect(strict=constraint == "strict")
    text = TextDialect(name, constraint=constraint, require_call=require_call)
    return _ByTools(text) if raw and constraint == "grammar" else text


class _ByTools:
    """Text calls, but raw code where a model is offered no more than files or lines to change."""

    def __init__(self, text: TextDialect) -> None:
        self._text = text
        self._raw = RawDialect()

    def _of(self, tools: Sequence[ToolSpec]) -> Dialect:
        return self._raw if is_raw(tools) else self._text

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        return self._of(tools).system_suffix(tools)

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        return self._of(tools).wire(messages, tools)

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        return self._of(tools).request(tools)

    def reader(self, tools: Sequence[ToolSpec]) -> Reader:
        return self._of(tools).reader(tools)
