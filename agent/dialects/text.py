"""Calls as text in `<tool_call>` tags, the way Qwen2.5 was taught; for servers that read none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from qwright.agent.dialects import Reader
from qwright.agent.dialects.grammar import call_grammar
from qwright.agent.dialects.history import prose_beside_calls
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.reader import TextReader
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import ToolSpec

_SUFFIX = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


class TextDialect:
    """Tools in the system prompt, calls and results as text.

    `constrained`: the server is llama.cpp and is sent a grammar, so that a call cannot be
    malformed. `require_call`: every answer must be a call.
    """

    def __init__(self, *, constrained: bool = False, require_call: bool = False) -> None:
        self._constrained = constrained
        self._require_call = require_call

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        if not tools:
            return ""
        return _SUFFIX.format(tools="\n".join(_describe(tool) for tool in tools))

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        system = messages[0].content if messages and messages[0].role == "system" else ""
        rest = messages[1:] if messages and messages[0].role == "system" else messages
        head = system + self.system_suffix(tools)
        wired: list[dict[str, Any]] = [{"role": "system", "content": head.lstrip()}] if head else []
        for role, turn in groupby(rest, key=lambda message: message.role):
            if role == "tool":
                wired.append({"role": "user", "content": "\n".join(map(_response, turn))})
            else:
                wired += [_wire(message) for message in turn]
        return wired

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        if not (self._constrained and tools):
            return {}
        grammar = call_grammar(tools, require_call=self._require_call)
        return {"extra_body": {"grammar": grammar}}

    def reader(self, tools: Sequence[ToolSpec]) -> Reader:
        return TextReader(tools)


def _describe(tool: ToolSpec) -> str:
    parameters = lean_schema(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return json.dumps({"type": "function", "function": function}, ensure_ascii=False)


def lean_schema(schema: JsonValue) -> JsonValue:
    """A schema without what costs tokens and tells a model nothing.

    Titles and additionalProperties go; `X or null` with no default becomes an X not required.
    """
    if not isinstance(schema, dict):
        return schema
    lean: dict[str, JsonValue] = {}
    for key, value in schema.items():
        if key == "anyOf" and isinstance(value, list):
            lean |= _without_null(value)
        elif key in ("properties", "$defs") and isinstance(value, dict):
            lean[key] = {name: lean_schema(part) for name, part in value.items()}
        elif key not in ("title", "additionalProperties") and (key, value) != ("default", None):
            lean[key] = lean_schema(value)
    return lean


def _without_null(choices: list[JsonValue]) -> dict[str, JsonValue]:
    left = [lean_schema(choice) for choice in choices if choice != {"type": "null"}]
    if len(left) == 1 and isinstance(left[0], dict):
        return left[0]
    return {"anyOf": left}


def _wire(message: Message) -> dict[str, Any]:
    # Qwen's templates raise on a system message that is not the first.
    role = "user" if message.role == "system" else message.role
    parts = [message.content] if message.content else []
    if prose_beside_calls(message) is None:
        parts += [render_call(call) for call in message.tool_calls if call.error is None]
    return {"role": role, "content": "\n".join(parts)}


def render_call(call: ToolCall) -> str:
    """A call in tags, for messages whose text does not spell it."""
    body = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    return f"<tool_call>\n{body}\n</tool_call>"


def _response(message: Message) -> str:
    return f"<tool_response>\n{message.content}\n</tool_response>"
