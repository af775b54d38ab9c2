"""What a tool is: pydantic arguments, and `run(workspace)` that returns a ToolResult."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import ErrorDetails

if TYPE_CHECKING:
    from qwright.sandbox.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave. `text` goes to the model, `details` (plain JSON data) to people."""

    text: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    is_error: bool = False


class Tool(BaseModel):
    """A call's validated arguments. The class docstring is the description the model reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    may_write: ClassVar[bool] = False
    """Whether a call can change files, so that a checkpoint follows it."""

    @field_validator("*")
    @classmethod
    def _encodable(cls, value: object) -> object:
        # JSON can spell half of a surrogate pair; no file and no command can hold it.
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as bad:
                raise ValueError("valid Unicode text") from bad
        return value

    async def run(self, workspace: Workspace) -> ToolResult:
        """Act on the workspace. A model's mistake is a ToolResult with `is_error`."""
        raise NotImplementedError

    async def preview(self, workspace: Workspace) -> str:
        """The unified diff `run` would make now; "" where that cannot be known beforehand."""
        del workspace
        return ""


class ToolSpec(TypedDict):
    """A tool as plain data. `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


_KEPT = ("type", "description", "enum", "items")
"""Schema keywords a model needs; the rest is checked here and would only cost tokens."""


def spec(tool: type[Tool]) -> ToolSpec:
    """Describe `tool` to a model: one line of text and a JSON schema without references."""
    schema = tool.model_json_schema()
    parameters = _lean_object(schema, schema.get("$defs", {}))
    description = " ".join(inspect.cleandoc(tool.__doc__ or "").split())
    return {"name": tool.name, "description": description, "parameters": parameters}


def _lean_object(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """An object's schema with what a model needs; `known` are the definitions it may refer to."""
    fields = cast(dict[str, dict[str, Any]], schema.get("properties", {}))
    properties = {
        name: {key: shown[key] for key in _KEPT if key in shown} for name, shown in fields.items()
    }
    for shown in properties.values():
        if reference := cast(dict[str, str], shown.get("items", {})).get("$ref"):
            shown["items"] = _lean_object(known[reference.rpartition("/")[2]], known)
    lean: dict[str, Any] = {"type": "object", "properties": properties}
    if required := schema.get("required"):
        lean["required"] = required
    # Without it a server that constrains decoding lets a model invent arguments.
    lean["additionalProperties"] = False
    return lean


def error(text: str, **details: object) -> ToolResult:
    """A result that tells the model what it did wrong."""
    return ToolResult(text, dict(details), is_error=True)


_ALIASES = {
    "file_path": "path",
    "absolute_path": "path",
    "filename": "path",
    "file": "path",
    "cmd": "command",
    "text": "content",
    "contents": "content",
    "old_str": "old_string",
    "old": "old_string",
    "search": "old_string",
    "new_str": "new_string",
    "new": "new_string",
    "replace": "new_string",
}
"""Argument names other agents taught models; all of them stand for text."""
_TYPES = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def parse_call(
    tools: Mapping[str, type[Tool]], name: str, arguments: Mapping[str, Any]
) -> Tool | ToolResult:
    """Validate a call against the tools on offer.

    Returns the tool ready to run, or a ToolResult with `is_error` whose one line names what is
    wrong and shows how to call. Near misses are accepted where only one thing can be meant: a
    known alias of an argument's name, a number or boolean as a string, null for an optional one.
    """
    tool = tools.get(name)
    if tool is None:
        return error(f"There is no tool {_quoted(name)}. Tools: {', '.join(tools)}.")
    try:
        return tool.model_validate(_rename(tool, arguments))
    except ValidationError as invalid:
        problems = invalid.errors(include_url=False, include_context=True)
        return error(f"{tool.name}: {_describe(problems)}. Call {signature(tool)}.")


def signature(tool: type[Tool]) -> str:
    """The tool's arguments as a call, e.g. `read_file(path, offset=1, limit=400)`."""
    shown = [
        field if info.is_required() else f"{field}={json.dumps(info.default)}"
        for field, info in tool.model_fields.items()
    ]
    return f"{tool.name}({', '.join(shown)})"


def _rename(tool: type[Tool], arguments: Mapping[str, Any]) -> dict[str, Any]:
    fields = tool.model_fields
    given = {key: value for key, value in arguments.items() if key in fields}
    for key, value in arguments.items():
        if key in fields:
            continue
        target = _ALIASES.get(key, key)
        usable = target in fields and isinstance(value, str)
        if usable and given.get(target, value) == value:
            given[target] = value
        else:
            given[key] = value
    return {
        key: value
        for key, value in given.items()
        if value is not None or key not in fields or fields[key].is_required()
    }


def _describe(problems: list[ErrorDetails]) -> str:
    missing = [_quoted(_field(one)) for one in problems if one["type"] == "missing"]
    unknown = [_quoted(_field(one)) for one in problems if one["type"] == "extra_forbidden"]
    parts = [f"missing {' and '.join(missing)}"] if missing else []
    if unknown:
        parts.append(f"there is no argument {' or '.join(unknown)}")
    return "; ".join(parts) or _mismatch(problems[0])


def _mismatch(problem: ErrorDetails) -> str:
    name, given = _quoted(_field(problem)), _shown(problem["input"])
    wanted = _TYPES.get(problem["type"])
    if wanted:
        return f"{name} must be {wanted}, not {given}"
    reason = problem["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{name} must be {reason}, not {given}"


def _field(problem: ErrorDetails) -> str:
    return str(problem["loc"][0]) if problem["loc"] else "arguments"


def _quoted(name: str) -> str:
    return json.dumps(name[:60])


def _shown(value: object) -> str:
    """A short JSON form of what was given, or its kind where that would be long."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + '..."'
