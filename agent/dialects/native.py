"""Calls in the API's own `tool_calls`; where none came, calls in the answer's text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qwright.agent.dialects import CallDelta, Delta, Reader, Shown
from qwright.agent.dialects.calls import new_id, read_arguments, unknown_tool
from qwright.agent.dialects.history import prose_beside_calls
from qwright.agent.dialects.lenient_json import Scan, Scanner, parse
from qwright.agent.dialects.pairs import whole
from qwright.agent.dialects.reader import TextReader
from qwright.agent.dialects.schema import fit
from qwright.agent.dialects.strict import strict_schema
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk, ToolSpec


class NativeDialect:
    """The server shows the tools to the model and reads its calls.

    `strict`: it is asked to hold them to their schemas.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        return ""

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        return [_wire(message, tools, first=place == 0) for place, message in enumerate(messages)]

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        if not tools:
            return {}
        function = _strict_function if self._strict else _function
        shown = [{"type": "function", "function": function(tool)} for tool in tools]
        return {"tools": shown, "parallel_tool_calls": True}

    def reader(self, tools: Sequence[ToolSpec]) -> Reader:
        return NativeReader(tools)


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _strict_function(tool: ToolSpec) -> dict[str, Any]:
    return {**_function(tool), "strict": True, "parameters": strict_schema(tool.parameters)}


def _wire(message: Message, tools: Sequence[ToolSpec], *, first: bool) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    # Qwen's templates raise on a system message that is not the first.
    role = "user" if message.role == "system" and not first else message.role
    prose = prose_beside_calls(message, tools)
    wired: dict[str, Any] = {"role": role, "content": message.content if prose is None else prose}
    if message.tool_calls:
        wired["tool_calls"] = [_wire_call(call) for call in message.tool_calls]
    return wired


def _wire_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


@dataclass(slots=True)
class _Slot:
    """A call while its fragments arrive."""

    index: int | None
    given: str | None
    """The id the server gave, which another call may have too."""
    id: str
    name: str = ""
    arguments: str = ""
    scanner: Scanner = field(default_factory=lambda: Scanner(0))

    @property
    def complete(self) -> bool:
        return self.scanner.scan(self.arguments).scan is Scan.COMPLETE


class NativeReader:
    """Joins fragments by id, then by index, and survives the servers that mix these up."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._content = TextReader(tools)
        self._slots: list[_Slot] = []
        self._cut = False

    def feed(self, delta: Delta) -> list[Shown]:
        for fragment in delta.calls:
            self._add(fragment)
        return self._content.feed(delta)

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        if not self._slots:
            return self._content.finish(reason)
        # Beside native calls none in the reasoning was meant.
        read = self._content.finish("tool_calls" if reason == "stop" else reason)
        self._cut = False
        calls = [self._call(slot, length=reason == "length") for slot in self._slots]
        shown: list[Shown | CallChunk] = [one for one in read if not isinstance(one, CallChunk)]
        return [*shown, *(CallChunk(call) for call in calls if call)]

    @property
    def text(self) -> str:
        return self._content.text

    @property
    def reasoning(self) -> str:
        return self._content.reasoning

    @property
    def cut(self) -> bool:
        return self._cut if self._slots else self._content.cut

    @property
    def done(self) -> bool:
        return not self._slots and self._content.done

    def _add(self, fragment: CallDelta) -> None:
        slot = self._newest(fragment)
        if slot is None or _begins_another(slot, fragment):
            slot = _Slot(fragment.index, fragment.id, self._fresh(fragment.id))
            self._slots.append(slot)
        elif slot.complete and fragment.arguments == slot.arguments:
            return  # the whole call once more, as some servers end a stream
        elif not slot.id:
            slot.id = self._fresh(fragment.id)
        slot.name = slot.name or fragment.name or ""
        given = fragment.arguments or ""
        if slot.arguments.strip() == "{}" and given.lstrip().startswith("{"):
            slot.arguments, slot.scanner = "", Scanner(0)  # sent before the true ones, by some
        slot.arguments += given if slot.arguments else given.lstrip()

    def _newest(self, fragment: CallDelta) -> _Slot | None:
        """The last call with the fragment's id and index, or its id, or else on its index."""
        same_id = [slot for slot in self._slots if fragment.id and slot.given == fragment.id]
        unplaced = fragment.index is None
        placed = [slot for slot in same_id if slot.index == fragment.index]
        on_index = [slot for slot in self._slots if unplaced or slot.index == fragment.index]
        return next(reversed(placed or same_id or on_index), None)

    def _fresh(self, given: str | None) -> str:
        taken = {slot.id for slot in self._slots}
        return "" if given is None or given in taken else given

    def _call(self, slot: _Slot, *, length: bool) -> ToolCall | None:
        known_id = slot.id or new_id()
        text = whole(slot.arguments.strip())
        if length and not slot.complete:
            self._cut = True
            return None
        if slot.name not in self._tools:
            error = unknown_tool(slot.name, self._tools)
            return ToolCall(id=known_id, name=slot.name, arguments={}, error=error)
        try:
            arguments = fit(_arguments(text), self._tools[slot.name])
            return ToolCall(id=known_id, name=slot.name, arguments=arguments)
        except ValueError as error:
            reason = f"This call was not run: {error}."
            return ToolCall(id=known_id, name=slot.name, arguments={}, error=reason)


def _begins_another(slot: _Slot, fragment: CallDelta) -> bool:
    """Whether a fragment on a used index starts a further call rather than going on with it.

    Seen: the same index for every parallel call, a fresh id on every fragment of one call, and
    the name repeated on every fragment.
    """
    if slot.complete:
        repeated = fragment.arguments == slot.arguments and fragment.name == slot.name
        other = bool(fragment.id and slot.id) and fragment.id != slot.id
        return other or bool(fragment.name and fragment.arguments and not repeated)
    unfinished = bool(slot.arguments) or not (slot.name and fragment.name)
    return bool(fragment.id and slot.id) and fragment.id != slot.id and not unfinished


def _arguments(text: str) -> dict[str, Any]:
    return read_arguments(parse(text)) if text else {}
