"""GBNF rules for JSON, and for the JSON that a schema allows."""

from __future__ import annotations

import json

from qwright.agent.dialects.lenient_json import JsonValue

Rules = dict[str, str]

JSON_RULES = {
    "gap": r'("\n" [ ]{0,12})?',
    "comma": r'"," (" " | "\n" [ ]{0,12})',
    "string": r'"\"" char* "\""',
    "char": r'[^"\\\x00-\x1f] | "\\" (["\\bfnrt/] | "u" unit hex hex)',
    "unit": "[0-9a-cA-CefEF] hex | [dD] [0-7]",
    "hex": "[0-9a-fA-F]",
    "integer": '"-"? ("0" | [1-9] [0-9]{0,15})',
    "number": 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "string | number | boolean | null | array | object",
    "array": '"[" gap (value (comma value)*)? gap "]"',
    "object": '"{" gap (member (comma member)*)? gap "}"',
    "member": 'string ": " value',
}
_SCALARS = ("string", "integer", "number", "boolean", "null")


def schema_rule(schema: JsonValue, name: str, rules: Rules, root: JsonValue) -> str:
    """The expression for a schema; rules it needs are added under names that begin with `name`."""
    if not isinstance(schema, dict):
        return "value"
    if "enum" in schema or "const" in schema:
        return _choices(schema.get("enum", [schema.get("const")]))
    if isinstance(choices := schema.get("anyOf"), list):
        parts = [schema_rule(part, f"{name}-{n}", rules, root) for n, part in enumerate(choices)]
        return "({})".format(" | ".join(parts))
    if isinstance(reference := schema.get("$ref"), str):
        return _reference(reference, rules, root)
    return _typed(schema, name, rules, root)


def _typed(schema: dict[str, JsonValue], name: str, rules: Rules, root: JsonValue) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        either: JsonValue = {"anyOf": [{**schema, "type": one} for one in kind]}
        return schema_rule(either, name, rules, root)
    if kind == "array":
        item = schema_rule(schema.get("items"), name + "-item", rules, root)
        rules[name] = f'"[" gap ({item} (comma {item})*)? gap "]"'
        return name
    if kind == "object" and isinstance(properties := schema.get("properties"), dict):
        return _object(properties, schema.get("required"), name, rules, root)
    return kind if isinstance(kind, str) and kind in (*_SCALARS, "object") else "value"


def _reference(reference: str, rules: Rules, root: JsonValue) -> str:
    """A rule for `#/$defs/Name`; entered before it is built, so that it may hold itself."""
    key = reference.rsplit("/", 1)[-1]
    definitions = root.get("$defs") if isinstance(root, dict) else None
    if not isinstance(definitions, dict) or key not in definitions:
        return "value"
    name = "def-" + "".join(char if char.isascii() and char.isalnum() else "-" for char in key)
    if name not in rules:
        rules[name] = ""
        rules[name] = schema_rule(definitions[key], name + "-of", rules, root)
    return name


def _object(
    properties: dict[str, JsonValue],
    required: JsonValue,
    name: str,
    rules: Rules,
    root: JsonValue,
) -> str:
    """Properties in declared order, optional ones left out at will, commas between those written.

    Built from the end: `first` is what follows while nothing is written yet, `more` what follows
    after a property.
    """
    needed = required if isinstance(required, list) else []
    first, more = "", ""
    for place, (key, schema) in reversed(list(enumerate(properties.items()))):
        value = schema_rule(schema, f"{name}-{place}", rules, root)
        pair = f"{literal(json.dumps(key) + ': ')} {value}"
        rest, skipped = _rule(f"{name}-more-{place}", more, rules), first
        first, more = f"{pair} {rest}".strip(), f"comma {pair} {rest}".strip()
        if key not in needed:
            first = f"{first} | {skipped}" if skipped else f"({first})?"
            more = f"(comma {pair})? {rest}".strip()
        first = _rule(f"{name}-from-{place}", first, rules)
    rules[name] = f'"{{" gap {first} gap "}}"' if first else '"{}"'
    return name


def _rule(name: str, expression: str, rules: Rules) -> str:
    if expression:
        rules[name] = expression
    return name if expression else ""


def _choices(values: JsonValue) -> str:
    options = values if isinstance(values, list) else [values]
    spelled = [literal(json.dumps(option, ensure_ascii=False)) for option in options]
    return "({})".format(" | ".join(spelled))


def literal(text: str) -> str:
    """A text as GBNF spells it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
