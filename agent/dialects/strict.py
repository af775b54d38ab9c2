"""Schemas in the form that servers can hold a model to."""

from __future__ import annotations

from qwright.agent.dialects.lenient_json import JsonValue


def strict_schema(schema: JsonValue) -> JsonValue:
    """Every property required and no other allowed; what was optional may be null instead.

    The readers leave such nulls out again.
    """
    if isinstance(schema, list):
        return [strict_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("default", "title")}
    strict = {key: value if key == "enum" else strict_schema(value) for key, value in kept.items()}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return strict
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    strict["properties"] = {
        key: strict_schema(part) if key in needed else _or_null(strict_schema(part))
        for key, part in properties.items()
    }
    return {**strict, "required": list(properties), "additionalProperties": False}


def _or_null(schema: JsonValue) -> JsonValue:
    """anyOf, since some servers do not understand a list of types."""
    null: JsonValue = {"type": "null"}
    if isinstance(schema, dict) and isinstance(choices := schema.get("anyOf"), list):
        return schema if null in choices else {**schema, "anyOf": [*choices, null]}
    return {"anyOf": [schema, null]}
