from __future__ import annotations

from typing import Any

import pytest

from qwright.agent.dialects.convert import from_text
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.schema import fit
from qwright.agent.dialects.strict import strict_schema
from qwright.agent.model import ToolSpec
from qwright.tools.base import parse_call, spec
from qwright.tools.read_file import ReadFile
from tests.agent.tool_specs import EDIT, READ, RUN, SEARCH, STATUS

ITEMS = ToolSpec(
    "todo_write",
    "",
    {
        "type": "object",
        "$defs": {
            "Item": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "done": {"type": "boolean"}},
                "required": ["text"],
            }
        },
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
            "n": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "level": {"enum": [1, 2, "all"]},
        },
        "required": ["items"],
    },
)


@pytest.mark.parametrize(
    ("tool", "given", "fitted"),
    [
        (READ, {"path": "a", "start": "3"}, {"path": "a", "start": 3}),
        (READ, {"path": "a", "start": 3.0}, {"path": "a", "start": 3}),
        (READ, {"path": "a", "start": None}, {"path": "a"}),
        (READ, {"path": 12}, {"path": "12"}),
        (READ, {"path": "12"}, {"path": "12"}),
        (READ, {"path": "null"}, {"path": "null"}),
        (READ, {"file_path": "a"}, {"file_path": "a"}),
        (RUN, {"command": "ls", "background": "true"}, {"command": "ls", "background": True}),
        (RUN, {"command": "ls", "background": "False"}, {"command": "ls", "background": False}),
        (RUN, {"command": "ls", "timeout": "1.5"}, {"command": "ls", "timeout": 1.5}),
        (SEARCH, {"globs": '["*.py"]'}, {"globs": ["*.py"]}),
        (SEARCH, {"globs": "['*.py']"}, {"globs": ["*.py"]}),
        (SEARCH, {"globs": [1]}, {"globs": ["1"]}),
        (SEARCH, {"pattern": None}, {"pattern": None}),
        (SEARCH, {"mode": "files"}, {"mode": "files"}),
        (STATUS, {}, {}),
        (
            ITEMS,
            {"items": '[{"text": "x", "done": "true"}]'},
            {"items": [{"text": "x", "done": True}]},
        ),
        (ITEMS, {"items": ['{"text": "x"}'], "n": "4"}, {"items": [{"text": "x"}], "n": 4}),
        (ITEMS, {"items": [], "n": "none", "level": "1"}, {"items": [], "n": None, "level": 1}),
        (ITEMS, {"items": [], "level": "all"}, {"items": [], "level": "all"}),
    ],
)
def test_what_can_mean_one_thing_is_mended(
    tool: ToolSpec, given: dict[str, Any], fitted: dict[str, Any]
) -> None:
    made = fit(given, tool)
    assert made == fitted
    assert [type(value) for value in made.values()] == [type(value) for value in fitted.values()]


@pytest.mark.parametrize(
    ("tool", "given", "reason"),
    [
        (READ, {}, "read_file was given no path"),
        (READ, {"start": 3}, "read_file was given no path"),
        (RUN, {"command=ls": ""}, "run_shell_command was given no command"),
        (EDIT, {"path": "a"}, "edit was given no old and no new"),
        (READ, {"path": ["a"]}, '"path" must be a string, not a list'),
        (READ, {"path": {"a": 1}}, '"path" must be a string, not an object'),
        (READ, {"path": True}, '"path" must be a string, not true'),
        (READ, {"path": None}, '"path" must be a string, not null'),
        (READ, {"path": "a", "start": "three"}, '"start" must be an integer, not "three"'),
        (READ, {"path": "a", "start": 1.5}, '"start" must be an integer, not 1.5'),
        (RUN, {"command": "ls", "timeout": "1e999"}, '"timeout" must be a number, not "1e999"'),
        (RUN, {"command": "ls", "timeout": 10**400}, '"timeout" must be a number, not 1000'),
        (RUN, {"command": "ls", "background": "yes"}, '"background" must be true or false'),
        (SEARCH, {"globs": "*.py"}, '"globs" must be a list, not "*.py"'),
        (SEARCH, {"globs": "[a"}, '"globs" must be a list, not "[a"'),
        (SEARCH, {"mode": "word"}, '"mode" must be "files" or'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tool: ToolSpec, given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        fit(given, tool)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_fits_is_what_the_tool_itself_accepts() -> None:
    described = ToolSpec(**spec(ReadFile))
    fitted = fit({"path": "a", "limit": "7", "offset": None}, described)
    tool = parse_call({"read_file": ReadFile}, "read_file", fitted)
    assert isinstance(tool, ReadFile)
    assert tool.limit == 7


NULLABLE: JsonValue = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("null", NULLABLE, None),
        ("None", NULLABLE, None),
        ("7", NULLABLE, 7),
        (" 7\n", {"type": "integer"}, 7),
        ("7.5", {"type": "integer"}, "7.5"),
        ("7", {"type": "number"}, 7),
        ("7e2", {"type": "number"}, 700.0),
        ("7", {"type": "string"}, "7"),
        ("null", {"type": "string"}, "null"),
        ("7", {"type": ["integer", "null"]}, 7),
        ("7", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "7"),
        ("TRUE", {"type": "boolean"}, True),
        ("1", {"type": "boolean"}, "1"),
        ("{'a': True}", {"type": "object"}, {"a": True}),
        ("(1, 2)", {"type": "array"}, "(1, 2)"),
        ("[nan]", {"type": "array"}, "[nan]"),
        ("[" * 5000, {"type": "array"}, "[" * 5000),
        ("7", {}, "7"),
        ("7", None, "7"),
        ("[1]", {"$ref": "#/$defs/none"}, "[1]"),
    ],
)
def test_a_text_becomes_what_its_schema_says(
    text: str, schema: JsonValue, value: JsonValue
) -> None:
    made = from_text(text, schema, {})
    assert (made, type(made)) == (value, type(value))


def test_a_strict_schema_requires_all_and_allows_null_for_what_was_optional() -> None:
    strict = strict_schema(ITEMS.parameters)
    assert isinstance(strict, dict)
    assert strict["required"] == ["items", "n", "level"]
    assert strict["additionalProperties"] is False
    properties = strict["properties"]
    assert isinstance(properties, dict)
    assert properties["items"] == {"type": "array", "items": {"$ref": "#/$defs/Item"}}
    assert properties["n"] == NULLABLE
    assert properties["level"] == {"anyOf": [{"enum": [1, 2, "all"]}, {"type": "null"}]}
    inner = strict["$defs"]
    assert isinstance(inner, dict)
    assert inner["Item"] == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "done": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["text", "done"],
        "additionalProperties": False,
    }


def test_the_nulls_a_strict_server_sends_are_left_out_again() -> None:
    given = {"items": [{"text": "x", "done": None}], "n": None, "level": None}
    assert fit(given, ITEMS) == {"items": [{"text": "x"}], "n": None}
