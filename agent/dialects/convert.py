"""From the text a model wrote for a value to the type its schema asks for."""

from __future__ import annotations

import ast
import json
import math
import re

from qwright.agent.dialects.lenient_json import JsonValue, parse

Schema = dict[str, JsonValue]

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_NOTHING = ("null", "none")


def branches(schema: JsonValue, root: JsonValue) -> list[Schema]:
    """The plain schemas a value may follow: references, unions and lists of types resolved."""
    return _branches(schema, root, 0)


def _branches(schema: JsonValue, root: JsonValue, depth: int) -> list[Schema]:
    if not isinstance(schema, dict) or depth > 8:
        return [{}]
    if isinstance(reference := schema.get("$ref"), str):
        return _branches(definition(reference, root), root, depth + 1)
    for word in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(word), list):
            return [plain for one in choices for plain in _branches(one, root, depth + 1)]
    if isinstance(kinds := schema.get("type"), list):
        return [{**schema, "type": kind} for kind in kinds]
    return [schema]


def definition(reference: str, root: JsonValue) -> JsonValue:
    """What a reference within a schema points to."""
    found = root
    for key in reference.removeprefix("#/").split("/"):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def kind_of(branch: Schema) -> str:
    """The JSON type of a plain schema; "" where it allows any."""
    kind = branch.get("type")
    if isinstance(kind, str):
        return kind
    if "properties" in branch:
        return "object"
    return "array" if "items" in branch else ""


def options(branch: Schema) -> list[JsonValue] | None:
    """The values an enum or a const allows; None where there is neither."""
    if "const" in branch:
        return [branch["const"]]
    values = branch.get("enum")
    return values if isinstance(values, list) else None


def from_text(text: str, schema: JsonValue, root: JsonValue) -> JsonValue:
    """A parameter's raw text as its schema's type, or as it is where that cannot be had.

    A text stays one, whatever it looks like, where the schema asks for a string or does not say.
    """
    found = branches(schema, root)
    if is_nothing(text, found):
        return None
    wanted = next((one for one in found if kind_of(one) != "null"), Schema())
    converted = convert(text, wanted)
    return text if converted is None else converted


def is_nothing(text: str, found: list[Schema]) -> bool:
    """Whether `text` spells the null that a schema allows."""
    return any(kind_of(one) == "null" for one in found) and text.strip().lower() in _NOTHING


def convert(text: str, branch: Schema) -> JsonValue:
    """`text` as a value of a plain schema that is not for strings; None where it is none."""
    if (values := options(branch)) is not None:
        return None if text in values else _option(text, values)
    bare, kind = text.strip(), kind_of(branch)
    if kind in ("integer", "number") and _INTEGER.fullmatch(bare):
        return int(bare)
    if kind == "number" and _NUMBER.fullmatch(bare):
        value = float(bare)
        return value if math.isfinite(value) else None
    if kind == "boolean" and bare.lower() in ("true", "false"):
        return bare.lower() == "true"
    if kind in ("array", "object"):
        return _structure(bare, list if kind == "array" else dict)
    return None


def _option(text: str, values: list[JsonValue]) -> JsonValue:
    return next((one for one in values if not isinstance(one, str) and str(one) == text), None)


def _structure(text: str, wanted: type[list[JsonValue]] | type[dict[str, JsonValue]]) -> JsonValue:
    """JSON, JSON within a JSON string, or Python's way to write the same."""
    value = _decoded(text)
    if isinstance(value, str):
        value = _decoded(value)
    return value if isinstance(value, wanted) else None


def _decoded(text: str) -> JsonValue:
    if not text[:1] or text[0] not in "[{\"'(":
        return None
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return _literal(text)


def _literal(text: str) -> JsonValue:
    """Python's way to write JSON; what JSON cannot hold, as a tuple or NaN, is refused."""
    try:
        value: JsonValue = ast.literal_eval(text)
        same = json.loads(json.dumps(value)) == value
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if same else None
