"""One JSON object an answer, for servers that hold a model to a JSON schema and to nothing else.

The object is a call or a reply, so that a turn without a call remains possible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from qwright.agent.dialects import Delta, Reader, Shown
from qwright.agent.dialects.convert import definition
from qwright.agent.dialects.forms import describe, wire_turns
from qwright.agent.dialects.history import prose_beside_calls
from qwright.agent.dialects.lenient_json import JsonValue, unescaped
from qwright.agent.dialects.pairs import Pairs
from qwright.agent.dialects.reader import TextReader
from qwright.agent.messages import Message
from qwright.agent.model import CallChunk, TextDelta, ToolSpec

_SUFFIX = """

# Tools

You may call these functions:
{tools}

Answer with one JSON object: {call}{reply}."""
_CALL = '{"name": <function-name>, "arguments": <args-json-object>} to call a function'
_REPLY = ', {"reply": <text>} to say something'
_HEAD = re.compile(r'\s*\{\s*"reply"\s*:\s*"')
_PARTIAL_HEAD = re.compile(r'\s*(?:\{\s*(?:"(?:r(?:e(?:p(?:l(?:y(?:"\s*(?::\s*)?)?)?)?)?)?)?)?)?\Z')
_SPELLED = re.compile(r'(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*+')


class FormatDialect:
    """For Ollama, through `response_format`. `require_call`: a reply is not allowed."""

    def __init__(self, *, require_call: bool = False) -> None:
        self._require_call = require_call

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        if not tools:
            return ""
        shown = "\n".join(describe(tool) for tool in tools)
        reply = "" if self._require_call else _REPLY
        return _SUFFIX.format(tools=shown, call=_CALL, reply=reply)

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        return wire_turns(messages, self.system_suffix(tools), lambda one: self._wire(one, tools))

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        if not tools:
            return {}
        choices: list[JsonValue] = [_call_schema(tool) for tool in tools]
        if not self._require_call:
            choices.append(_object(reply={"type": "string"}))
        schema = {"name": "answer", "strict": True, "schema": {"anyOf": choices}}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def reader(self, tools: Sequence[ToolSpec]) -> Reader:
        return FormatReader(tools)

    def _wire(self, message: Message, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        if message.role != "assistant" or not tools:
            role = "user" if message.role == "system" else message.role
            return {"role": role, "content": message.content}
        content = message.content
        calls = [call for call in message.tool_calls if call.error is None]
        if not message.tool_calls:
            content = json.dumps({"reply": content}, ensure_ascii=False)
        elif calls and prose_beside_calls(message, tools) is None:
            spelled = ({"name": call.name, "arguments": call.arguments} for call in calls)
            content = "\n".join(json.dumps(one, ensure_ascii=False) for one in spelled)
        return {"role": "assistant", "content": content}


def _object(**properties: JsonValue) -> JsonValue:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _call_schema(tool: ToolSpec) -> JsonValue:
    name: JsonValue = {"type": "string", "enum": [tool.name]}
    return _object(name=name, arguments=_inlined(tool.parameters, tool.parameters, 0))


def _inlined(schema: JsonValue, root: JsonValue, depth: int) -> JsonValue:
    """Without references, which would point to the root of another schema."""
    if depth > 12:
        return {}
    if isinstance(schema, list):
        return [_inlined(part, root, depth + 1) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        return _inlined(definition(reference, root), root, depth + 1)
    kept = {key: part for key, part in schema.items() if key not in ("$defs", "title", "default")}
    return {key: _inlined(part, root, depth + 1) for key, part in kept.items()}


class FormatReader:
    """A Reader: a reply's text is shown as it comes; all else is left to a TextReader."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._inner = TextReader(tools)
        self._pairs = Pairs()
        self._held = ""
        self._kind: Literal["unknown", "reply", "other"] = "unknown"
        self._reply: list[str] = []

    def feed(self, delta: Delta) -> list[Shown]:
        shown = self._inner.feed(Delta(reasoning=delta.reasoning))
        self._held += delta.content
        if self._kind == "unknown":
            self._decide()
        if self._kind == "reply":
            shown += self._spell()
        elif self._kind == "other":
            content, self._held = self._held, ""
            shown += self._inner.feed(Delta(content))
        return shown

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        if self._kind == "reply":
            # A reply was given, so no call in the reasoning was meant.
            return [*self._inner.finish("length"), *self._show(self._pairs.rest())]
        return [*self._inner.feed(Delta(self._held)), *self._inner.finish(reason)]

    @property
    def text(self) -> str:
        return "".join(self._reply) if self._kind == "reply" else self._inner.text

    @property
    def reasoning(self) -> str:
        return self._inner.reasoning

    @property
    def cut(self) -> bool:
        return self._inner.cut

    @property
    def done(self) -> bool:
        return self._inner.done

    def _decide(self) -> None:
        if head := _HEAD.match(self._held):
            self._kind, self._held = "reply", self._held[head.end() :]
        elif not _PARTIAL_HEAD.match(self._held):
            self._kind = "other"

    def _spell(self) -> list[Shown]:
        """The part of the reply that has come; after its closing quote there is no more."""
        spelled = _SPELLED.match(self._held)
        end = spelled.end() if spelled else 0
        text, self._held = unescaped(self._held[:end]), self._held[end:]
        return self._show(self._pairs.join(text))

    def _show(self, text: str) -> list[Shown]:
        if text:
            self._reply.append(text)
        return [TextDelta(text)] if text else []
