"""A call's arguments, made to fit its tool's schema where only one thing can be meant.

The one place where wrong types are mended, for every reader. What is still wrong after this the
tool's own validation says to the model.
"""

from __future__ import annotations

import json
from typing import Any, cast

from qwright.agent.dialects.convert import Schema, branches, convert, is_nothing, kind_of, options
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.model import ToolSpec

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}

_MOST = 2**63
"""No tool can use a larger number."""


def fit(arguments: dict[str, Any], tool: ToolSpec) -> dict[str, Any]:
    """`arguments` with wrong types mended and nulls for optional ones left out.

    Raises ValueError with one line when one cannot be mended, or when required arguments are
    missing and none was given that could stand for them under another name.
    """
    fitted = _object(arguments, tool.parameters, tool.parameters)
    properties = properties_of(tool)
    missing = [key for key in _required(tool.parameters) if key not in fitted]
    if missing and not any(key.isidentifier() for key in fitted.keys() - properties.keys()):
        takes = f"call {tool.name}({', '.join(properties)})"
        raise ValueError(f"{tool.name} was given no {' and no '.join(missing)}; {takes}")
    for key, value in fitted.items():
        found = branches(properties.get(key), tool.parameters)
        if not any(_accepts(value, one) for one in found):
            raise ValueError(f'"{key}" must be {_wanted(found)}, not {_brief(value)}')
    return fitted


def properties_of(tool: ToolSpec) -> dict[str, JsonValue]:
    """The schemas of a tool's arguments by name."""
    return cast(dict[str, JsonValue], tool.parameters.get("properties") or {})


def _required(schema: Schema) -> list[str]:
    return cast(list[str], schema.get("required") or [])


def _object(value: dict[str, Any], schema: Schema, root: JsonValue) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return value
    required = _required(schema)
    fitted = {key: _fit(part, properties.get(key, {}), root) for key, part in value.items()}
    return {
        key: part
        for key, part in fitted.items()
        if part is not None
        or key in required
        or key not in properties
        or any(_accepts(None, one) for one in branches(properties[key], root))
    }


def _fit(value: JsonValue, schema: JsonValue, root: JsonValue) -> JsonValue:
    found = branches(schema, root)
    accepting = next((one for one in found if _accepts(value, one)), None)
    if accepting is not None:
        return _inside(value, accepting, root)
    if isinstance(value, str) and is_nothing(value, found):
        return None
    if isinstance(value, str):
        converted = (convert(value, one) for one in found)
        return next((_fit(one, schema, root) for one in converted if one is not None), value)
    if isinstance(value, float) and value.is_integer() and _asks(found, "integer"):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and _asks(found, "string"):
        return str(value)
    return value


def _inside(value: JsonValue, branch: Schema, root: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return _object(value, branch, root)
    if isinstance(value, list):
        return [_fit(one, branch.get("items"), root) for one in value]
    return value


def _accepts(value: JsonValue, branch: Schema) -> bool:
    if (values := options(branch)) is not None:
        return any(one == value and type(one) is type(value) for one in values)
    kind = kind_of(branch)
    if isinstance(value, bool):
        return kind in ("boolean", "")
    if isinstance(value, int) and abs(value) > _MOST:
        return False
    wanted = _TYPES.get(kind)
    return wanted is None or isinstance(value, wanted)


def _asks(found: list[Schema], kind: str) -> bool:
    """Whether that type is the only one asked for, null aside."""
    kinds = {kind_of(one) for one in found if options(one) is None} - {"null"}
    return kinds == {kind}


_NAMES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


def _wanted(found: list[Schema]) -> str:
    values = [json.dumps(value) for one in found for value in options(one) or ()]
    return " or ".join(values or [_NAMES[kind_of(one)] for one in found if kind_of(one) in _NAMES])


def _brief(value: JsonValue) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + '..."'
