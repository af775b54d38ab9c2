"""From what a model wrote to a ToolCall, or to the reason why it is none."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from qwright.agent.dialects.convert import from_text
from qwright.agent.dialects.lenient_json import JsonValue, Scan, escaped, parse, scan
from qwright.agent.dialects.schema import fit, properties_of
from qwright.agent.dialects.xml import Function
from qwright.agent.messages import ToolCall
from qwright.agent.model import ToolSpec

ARGUMENT_KEYS = ("arguments", "parameters", "args")
CALL_KEYS = ("name", *ARGUMENT_KEYS, "function", "type", "id")
"""Keys a call's object may begin with; an object that begins otherwise is shown at once."""

_NAME = re.compile(r"""["']name["']\s*:\s*["']([\w.-]+)["']""")
GAP = re.compile(r"[\s,}]*")
"""What may lie between and after the objects of a block; braces are left from a doubled layer."""
_BLOCK_START = re.compile(r"\s*(?:```\w*\s*)?")
_BLOCK_END = re.compile(r"\s*(?:```\s*(?:</[a-z_]+>)?|</[a-z_]+>|\Z)")
NOT_JSON = "it is not valid JSON; quotes, backslashes and newlines in strings need a backslash"
_LAYER = re.compile(r"\{\s*(?=\{)")


def new_id() -> str:
    """An id for a call whose server or dialect gave none."""
    return f"call_{secrets.token_hex(6)}"


def inner_brace(text: str, start: int) -> int:
    """Where the object begins when `{{...}}` was written for `{...}`.

    Qwen2.5-Coder's own chat template shows the doubled form to the model.
    """
    while layer := _LAYER.match(text, start):
        start = layer.end()
    return start


def read_calls(text: str, tools: Mapping[str, ToolSpec]) -> list[ToolCall]:
    """The calls in the content of a call block: objects in a row, or one array of them.

    Raises ValueError with a reason the model can act on; then none of the block is executed.
    """
    calls: list[ToolCall] = []
    for value in _values(text):
        for item in value if isinstance(value, list) else [value]:
            calls.append(read_call(item, tools))
    if not calls:
        raise ValueError("there is no JSON object in it")
    return calls


def _values(text: str) -> list[JsonValue]:
    values: list[JsonValue] = []
    position = 0
    while position < len(text):
        start = inner_brace(text, position)
        if text[start] not in "{[":
            raise ValueError(f"expected a JSON object, found {text[start : start + 20]!r}")
        span = scan(text, start)
        if span.scan is not Scan.COMPLETE:
            raise ValueError(NOT_JSON)
        values.append(parse(text[start : span.end]))
        position = skip(GAP, text, span.end)
    return values


def skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    """The position after what `pattern` matches there, if it does."""
    match = pattern.match(text, position)
    return match.end() if match else position


class DescriptionError(ValueError):
    """An object says what a tool is, as a model does that lists its tools."""


def _is_schema(value: JsonValue) -> bool:
    return isinstance(value, dict) and isinstance(value.get("properties"), dict)


def read_call(value: JsonValue, tools: Mapping[str, ToolSpec]) -> ToolCall:
    """One decoded object as a call. Raises ValueError when it is none."""
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    if isinstance(function := value.get("function"), dict):
        value = function
    name = value.get("name")
    if not isinstance(name, str):
        raise ValueError('it has no "name"')
    if name not in tools:
        raise ValueError(unknown_tool(name, tools))
    if "arguments" not in value and ("description" in value or _is_schema(value.get("parameters"))):
        raise DescriptionError("it describes a tool and calls none")
    given = next((value[key] for key in ARGUMENT_KEYS if key in value), None)
    if given is None and value.keys() - {"name", "id", "type", *ARGUMENT_KEYS}:
        raise ValueError('its arguments must lie in an object under "arguments"')
    return ToolCall(id=new_id(), name=name, arguments=fit(read_arguments(given), tools[name]))


def read_unescaped(
    text: str, start: int, tools: Mapping[str, ToolSpec]
) -> tuple[list[ToolCall], int] | None:
    """The call at `start` whose strings hold quotes without backslashes, and where it ends.

    None where it can be read in more than one way: it must end its block, fit its tool, and have
    no argument the tool does not know.
    """
    found = escaped(text, inner_brace(text, skip(_BLOCK_START, text, start)))
    ends = _BLOCK_END.match(text, skip(GAP, text, found[1])) if found else None
    if found is None or ends is None:
        return None
    try:
        calls = read_calls(found[0], tools)
    except ValueError:
        return None
    known = all(call.arguments.keys() <= properties_of(tools[call.name]).keys() for call in calls)
    return (calls, ends.end()) if known else None


def read_arguments(given: JsonValue) -> dict[str, Any]:
    """A call's arguments; a string is decoded, twice at most. Raises ValueError."""
    for _ in range(2):
        if isinstance(given, str):
            given = parse(given) if given.strip() else None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError('its "arguments" are not a JSON object')
    return given


def written_call(function: Function, tools: Mapping[str, ToolSpec]) -> ToolCall:
    """A call in Qwen3-Coder's form, its values typed by the tool's schema."""
    tool = tools.get(function.name)
    try:
        if tool is None:
            raise ValueError(unknown_tool(function.name, tools))
        if function.problem:
            raise ValueError(function.problem)
        arguments = fit(_arguments(function, tool), tool)
    except ValueError as error:
        return failed(function.name, str(error))
    return ToolCall(id=new_id(), name=tool.name, arguments=arguments)


def _arguments(function: Function, tool: ToolSpec) -> dict[str, Any]:
    if function.json:
        return read_arguments(parse(function.json))
    properties = properties_of(tool)
    return {
        key: from_text(text, properties.get(key), tool.parameters)
        for key, text in function.values.items()
    }


def unknown_tool(name: str, known: Collection[str]) -> str:
    return f"there is no tool {name[:60]!r}; the tools are {', '.join(known)}"


def failed_call(text: str, reason: str) -> ToolCall:
    """A call that was clearly meant and cannot be run; its error goes back to the model."""
    name = _NAME.search(text)
    return failed(name.group(1) if name else "tool_call", reason)


def failed(name: str, reason: str) -> ToolCall:
    error = f"This call was not run: {reason}."
    return ToolCall(id=new_id(), name=name, arguments={}, error=error)
