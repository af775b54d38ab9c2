"""The forms in which a model is told to write its calls as text, and its calls in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.schema import properties_of
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import ToolSpec

FormName = Literal["hermes", "tools", "xml"]

_HERMES = """

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
_TOOLS = """

# Tools

You may call these functions:
{tools}

To call one, write its name and its arguments as JSON within <tools></tools> tags, for example:
{example}"""
_XML = """

# Tools

You have access to the following functions:

<tools>
{tools}
</tools>

If you choose to call a function ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
</tool_call>

Every call begins with <tool_call>, and nothing in a value is escaped."""
_EXAMPLES = {"path": "main.py", "command": "ls"}


def render_json(call: ToolCall) -> str:
    """A call as Qwen2.5 was taught it, for messages whose text does not spell it."""
    return f"<tool_call>\n{_body(call)}\n</tool_call>"


def render_tools(call: ToolCall) -> str:
    """A call in the only tags that Qwen2.5-Coder writes when it is asked to."""
    return f"<tools>\n{_body(call)}\n</tools>"


def render_xml(call: ToolCall) -> str:
    """A call as Qwen3-Coder was taught it: strings raw, all else as JSON."""
    parameters = "".join(
        f"<parameter={key}>\n{_raw(value)}\n</parameter>\n" for key, value in call.arguments.items()
    )
    return f"<tool_call>\n<function={call.name}>\n{parameters}</function>\n</tool_call>"


@dataclass(frozen=True, slots=True)
class Form:
    suffix: str
    """For the system prompt, with places for `tools` and `example`."""
    render: Callable[[ToolCall], str]


FORMS: Mapping[FormName, Form] = {
    "hermes": Form(_HERMES, render_json),
    "tools": Form(_TOOLS, render_tools),
    "xml": Form(_XML, render_xml),
}


def instruction(form: Form, tools: Sequence[ToolSpec]) -> str:
    """What the system prompt says of the tools."""
    shown = "\n".join(describe(tool) for tool in tools)
    return form.suffix.format(tools=shown, example=form.render(_example(tools[0])))


def describe(tool: ToolSpec) -> str:
    """A tool as one line of JSON."""
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


def _example(tools: ToolSpec) -> ToolCall:
    """A call of the tool with all that it requires."""
    required = [key for key in properties_of(tools) if key in tools.parameters.get("required", [])]
    arguments = {key: _EXAMPLES.get(key, "...") for key in required}
    return ToolCall(id="", name=tools.name, arguments=arguments)


def _body(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def _raw(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def wire_turns(
    messages: Sequence[Message], suffix: str, wire: Callable[[Message], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Tools as text: `suffix` behind the system prompt, results in a row as one user's turn."""
    has_system = bool(messages) and messages[0].role == "system"
    head = ((messages[0].content if has_system else "") + suffix).lstrip()
    wired: list[dict[str, Any]] = [{"role": "system", "content": head}] if head else []
    for role, turn in groupby(messages[has_system:], key=lambda message: message.role):
        if role == "tool":
            wired.append({"role": "user", "content": "\n".join(map(_response, turn))})
        else:
            wired += map(wire, turn)
    return wired


def _response(message: Message) -> str:
    """A tool's result. Its place says which call it answers: these templates know no ids."""
    return f"<tool_response>\n{message.content}\n</tool_response>"
