from __future__ import annotations

import json

import pytest

from qwright.agent.dialects import Delta
from qwright.agent.dialects.format import FormatDialect
from qwright.agent.dialects.forms import FormName, lean_schema, render_tools, render_xml
from qwright.agent.dialects.grammar import call_grammar
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.dialects.text import TextDialect
from qwright.agent.messages import Message, ToolCall
from tests.agent.streams import read
from tests.agent.tool_specs import EDIT, READ, SEARCH, TOOLS

CALL = ToolCall(id="1", name="read_file", arguments={"path": "ä.py"})
SYSTEM, USER = Message(role="system", content="Be brief."), Message(role="user", content="Go.")
CALLED = Message(role="assistant", content="Look.", tool_calls=(CALL, CALL))
RESULTS = (
    Message(role="tool", content="A", tool_call_id="1"),
    Message(role="tool", content="B", tool_call_id="2"),
)
RENDERED = '<tool_call>\n{"name": "read_file", "arguments": {"path": "ä.py"}}\n</tool_call>'


def test_calls_and_results_become_text() -> None:
    history = [SYSTEM, USER, CALLED, *RESULTS, Message(role="assistant", content="Done.")]
    wired = TextDialect().wire(history, TOOLS)
    assert [one["role"] for one in wired] == ["system", "user", "assistant", "user", "assistant"]
    assert wired[2]["content"] == f"Look.\n{RENDERED}\n{RENDERED}"
    assert wired[3]["content"] == (
        "<tool_response>\nA\n</tool_response>\n<tool_response>\nB\n</tool_response>"
    )


def test_the_system_prompt_ends_with_the_tools() -> None:
    dialect = TextDialect()
    suffix = dialect.system_suffix([READ, EDIT])
    assert dialect.wire([SYSTEM, USER], [READ, EDIT])[0]["content"] == "Be brief." + suffix
    lines = suffix.split("<tools>\n")[1].split("\n</tools>")[0].splitlines()
    assert [json.loads(line)["function"]["name"] for line in lines] == ["read_file", "edit"]
    assert '{"name": <function-name>, "arguments": <args-json-object>}' in suffix
    alone = dialect.wire([USER], [READ, EDIT])[0]
    assert alone == {"role": "system", "content": suffix.lstrip()}
    assert dialect.wire([USER], []) == [{"role": "user", "content": "Go."}]


def test_a_conversation_that_goes_on_keeps_its_prefix() -> None:
    history = [SYSTEM, USER, CALLED, *RESULTS, Message(role="user", content="More."), CALLED]
    wired = TextDialect().wire(history, TOOLS)
    for end in (1, 2, 3, 5, 6):
        part = TextDialect().wire(history[:end], TOOLS)
        assert wired[: len(part)] == part


def test_an_answer_that_spells_its_calls_is_sent_back_byte_for_byte() -> None:
    dialect = TextDialect()
    for text in (
        f"Look.\n\n{RENDERED}\n{RENDERED}",
        '```json\n{\n "name": "read_file", "arguments": {"path": "ä.py"}}\n' * 2 + "```",
        '{"name": "read_file", "arguments": {"path": "ä.py"}}\n' * 2,
    ):
        message = CALLED.model_copy(update={"content": text})
        assert dialect.wire([message], [])[0]["content"] == text
        assert "read_file" not in NativeDialect().wire([message], [])[0]["content"]
    one_less = CALLED.model_copy(update={"content": RENDERED})
    assert dialect.wire([one_less], [])[0]["content"] == f"{RENDERED}\n{RENDERED}\n{RENDERED}"


def test_a_call_that_failed_to_parse_is_not_rendered_as_if_it_had_not() -> None:
    failed = CALL.model_copy(update={"error": "no JSON"})
    message = Message(role="assistant", content="<tool_call>{", tool_calls=(failed,))
    assert TextDialect().wire([message], [])[0]["content"] == "<tool_call>{"


def test_a_later_system_message_becomes_a_users() -> None:
    wired = TextDialect().wire([SYSTEM, USER, SYSTEM], [])
    assert [one["role"] for one in wired] == ["system", "user", "user"]


def test_only_a_constrained_dialect_sends_a_grammar() -> None:
    assert TextDialect().request(TOOLS) == {}
    assert TextDialect(constraint="grammar").request([]) == {}
    assert TextDialect(constraint="grammar").request(TOOLS) == {
        "extra_body": {"grammar": call_grammar(TOOLS)}
    }
    required = TextDialect(constraint="grammar", require_call=True).request(TOOLS)
    assert required["extra_body"]["grammar"] == call_grammar(TOOLS, require_call=True)


def test_a_schema_is_shown_without_noise() -> None:
    schema: JsonValue = {
        "title": "Search",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "title": "Title"},
            "n": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        },
    }
    assert lean_schema(schema) == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "n": {"type": "integer"}},
    }
    assert lean_schema(SEARCH.parameters) != SEARCH.parameters


FORMS: tuple[FormName, ...] = ("hermes", "tools", "xml")
TYPED = ToolCall(
    id="1", name="read_file", arguments={"path": "a\n<b> & c", "start": 3, "end": None}
)
XML = """<tool_call>
<function=read_file>
<parameter=path>
a
<b> & c
</parameter>
<parameter=start>
3
</parameter>
<parameter=end>
null
</parameter>
</function>
</tool_call>"""


def test_a_call_is_written_as_its_model_writes_it() -> None:
    body = '{"name": "read_file", "arguments": {"path": "ä.py"}}'
    assert render_tools(CALL) == f"<tools>\n{body}\n</tools>"
    assert render_xml(TYPED) == XML


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_told_used_in_history_and_read_back(form: FormName) -> None:
    dialect = TextDialect(form)
    wired = dialect.wire([SYSTEM, USER, CALLED, *RESULTS], TOOLS)
    written = wired[2]["content"]
    assert written == "Look.\n" + "\n".join([FORMS_RENDERED[form]] * 2)
    seen = read(dialect.reader(TOOLS), [Delta(written)], "stop")
    assert seen.calls == (("read_file", {"path": "ä.py"}, None),) * 2
    assert wired[3]["content"].startswith("<tool_response>\nA\n</tool_response>\n")
    for tool in TOOLS:
        assert f'"name": "{tool.name}"' in wired[0]["content"]
    for end in (1, 2, 3, 5):
        part = dialect.wire([SYSTEM, USER, CALLED, *RESULTS][:end], TOOLS)
        assert wired[: len(part)] == part
    again = Message(role="assistant", content=written, tool_calls=(CALL, CALL))
    assert dialect.wire([again], TOOLS)[-1]["content"] == written


FORMS_RENDERED = {
    "hermes": RENDERED,
    "tools": RENDERED.replace("tool_call>", "tools>"),
    "xml": "<tool_call>\n<function=read_file>\n<parameter=path>\nä.py\n</parameter>\n"
    "</function>\n</tool_call>",
}


def test_typed_values_in_raw_text_are_known_again() -> None:
    call = TYPED.model_copy(update={"arguments": {"path": "a\n<b> & c", "start": 3}})
    text = render_xml(call)
    message = Message(role="assistant", content=text, tool_calls=(call,))
    assert TextDialect("xml").wire([message], TOOLS)[-1]["content"] == text
    assert NativeDialect().wire([message], TOOLS)[-1]["content"] == ""


def test_the_example_is_a_call_of_the_first_tool() -> None:
    suffix = TextDialect("tools").system_suffix([EDIT, READ])
    example = suffix[suffix.rindex("<tools>\n") + 8 : suffix.rindex("\n</tools>")]
    assert json.loads(example) == {
        "name": "edit",
        "arguments": {"path": "main.py", "old": "...", "new": "..."},
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_server_with_structured_outputs_is_sent_the_same_grammar(form: FormName) -> None:
    dialect = dialect_for(form, constraint="structured")
    grammar = call_grammar(TOOLS, form=form)
    assert dialect.request(TOOLS) == {
        "extra_body": {"structured_outputs": {"grammar": grammar}, "ebnf": grammar}
    }


def test_the_constraint_chooses_the_dialect() -> None:
    assert isinstance(dialect_for("hermes", constraint="format"), FormatDialect)
    assert isinstance(dialect_for("native", constraint="format"), FormatDialect)
    assert dialect_for("xml", constraint="strict").request(TOOLS) == {}
    strict = dialect_for("native", constraint="strict").request([READ])["tools"][0]["function"]
    assert strict["strict"] is True
    assert strict["parameters"]["required"] == ["path", "start", "end"]
    assert "strict" not in dialect_for("native").request([READ])["tools"][0]["function"]
