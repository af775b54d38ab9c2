from __future__ import annotations

import random
import re
from typing import Any

import pytest

from qwright.agent.dialects import Delta
from qwright.agent.dialects.forms import FormName, render_json
from qwright.agent.dialects.grammar import PREAMBLE_COLUMNS, PREAMBLE_LINES, call_grammar
from qwright.agent.dialects.reader import TextReader
from qwright.agent.messages import ToolCall
from qwright.agent.model import ToolSpec
from tests.agent.gbnf import Grammar
from tests.agent.streams import read
from tests.agent.tool_specs import READ, SEARCH, STATUS, TOOLS

TODO = ToolSpec(
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
            "n": {"type": ["integer", "null"]},
        },
        "required": ["items"],
    },
)
ALL = (*TOOLS, TODO)


FORMS: tuple[FormName, ...] = ("hermes", "tools", "xml")


def samples(form: FormName, *, require_call: bool, count: int = 300) -> list[str]:
    made = call_grammar(ALL, form=form, require_call=require_call)
    grammar, draw = Grammar(made), random.Random(7)
    return [
        grammar.sample(draw, limit=draw.choice([5, 40, 200]), eager=draw.choice([0.4, 0.8, 0.97]))
        for _ in range(count)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("require_call", [False, True])
def test_every_rule_is_defined(form: FormName, *, require_call: bool) -> None:
    made = Grammar(call_grammar(ALL, form=form, require_call=require_call))
    assert made.undefined() == set()


@pytest.mark.parametrize("form", FORMS)
def test_what_the_grammar_allows_the_reader_reads(form: FormName) -> None:
    called = 0
    for text in samples(form, require_call=True):
        seen = read(TextReader(ALL), [Delta(text)], "stop")
        assert [error for _, _, error in seen.calls] == [None], text
        _check(*seen.calls[0][:2])
        called += 1
    assert called == 300


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_without_a_call_is_shown_and_holds_none(form: FormName) -> None:
    shown = called = 0
    for text in samples(form, require_call=False, count=600):
        seen = read(TextReader(ALL), [Delta(text)], "stop")
        assert all(error is None for _, _, error in seen.calls), text
        assert len(seen.calls) <= 1
        called += len(seen.calls)
        shown += not seen.calls
        assert "<tool_call>" not in seen.shown
    assert min(called, shown) > 50


@pytest.mark.parametrize(
    ("state", "word", "stops"),
    [
        ("angle", "tool", "_s"),
        ("angle", "function", "= "),
        ("key", "name", '"'),
        ("fence-key", "name", '"'),
    ],
)
def test_prose_holds_no_opener_of_a_call(state: str, word: str, stops: str) -> None:
    """No state on the way to an opener has a way out that takes the opener's next character."""
    grammar = Grammar(call_grammar([STATUS]))
    steps = [(word[:n], letter) for n, letter in enumerate(word)] + [(word, stops)]
    for read_so_far, following in steps:
        name = f"{state}-{read_so_far}".removesuffix("-")
        sets = grammar.sets(name)
        assert sets
        assert not [c for c in following for one in sets if re.fullmatch(one, c)]


def _check(name: str, arguments: dict[str, Any]) -> None:
    schema = next(tool for tool in ALL if tool.name == name).parameters
    assert set(schema.get("required", [])) <= arguments.keys() <= schema["properties"].keys()
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "number": (int, float)}
    for key, value in arguments.items():
        expected = schema["properties"][key]
        if "enum" in expected:
            assert value in expected["enum"]
        elif key == "n":
            assert value is None or isinstance(value, int)
        elif expected.get("type") in kinds:
            assert isinstance(value, kinds[expected["type"]])


def test_prose_before_a_required_call_is_short() -> None:
    longest = max(text.find('"name": ') for text in samples("hermes", require_call=True))
    assert longest < PREAMBLE_LINES * (PREAMBLE_COLUMNS + 1) + 40


def test_only_given_tools_can_be_named() -> None:
    grammar = call_grammar([READ])
    assert '\\"read_file\\"' in grammar
    assert "edit" not in grammar


def test_the_rendered_form_is_one_the_grammar_allows() -> None:
    rules = Grammar(call_grammar([SEARCH])).rules
    rendered = render_json(ToolCall(id="", name="grep_search", arguments={}))
    assert rendered == '<tool_call>\n{"name": "grep_search", "arguments": {}}\n</tool_call>'
    literals = [part.text for part in rules["tool-0"].parts[0].parts]
    assert literals[2] == '"name": "grep_search"'
    assert literals[4] == '"arguments": '


def test_optional_arguments_may_be_any_subset_in_order() -> None:
    grammar, draw = Grammar(call_grammar([SEARCH], require_call=True)), random.Random(3)
    seen: set[tuple[str, ...]] = set()
    for _ in range(400):
        text = grammar.sample(draw, limit=60, eager=0.5)
        seen.add(tuple(read(TextReader(ALL), [Delta(text)], "stop").calls[0][1]))
    keys = ("pattern", "mode", "globs")
    assert seen == {
        tuple(key for place, key in enumerate(keys) if mask >> place & 1) for mask in range(8)
    }


def test_the_grammar_is_stable() -> None:
    assert call_grammar(ALL) == call_grammar(ALL)
