from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.dialects import Delta
from qwright.agent.dialects.format import FormatDialect, FormatReader
from qwright.agent.messages import Message, ToolCall
from tests.agent.streams import Seen, pieces, read
from tests.agent.tool_specs import READ, TOOLS

CALL = '{"name": "read_file", "arguments": {"path": "a.py"}}'


def answer(text: str, finish: str = "stop") -> Seen:
    return read(FormatReader(TOOLS), [Delta(text)], finish)


def test_a_call_is_read_and_not_shown() -> None:
    seen = answer(CALL)
    assert seen.calls == (("read_file", {"path": "a.py"}, None),)
    assert (seen.shown, seen.text) == ("", CALL)


def test_a_reply_is_shown_as_it_comes() -> None:
    reader = FormatReader(TOOLS)
    shown = [reader.feed(Delta(piece)) for piece in ('{"rep', 'ly": "Hel', "lo\\", "n", ' you"}')]
    assert [bool(one) for one in shown] == [False, True, True, True, True]
    assert reader.finish("stop") == []
    assert reader.text == "Hello\n you"


@settings(deadline=None)
@given(text=st.text(), cuts=st.lists(st.integers(0, 300), max_size=8), escaped=st.booleans())
def test_any_reply_arrives_exactly(text: str, cuts: list[int], *, escaped: bool) -> None:
    spelled = json.dumps({"reply": text}, ensure_ascii=escaped)
    seen = read(FormatReader(TOOLS), pieces(spelled, cuts), "stop")
    assert (seen.shown, seen.text, seen.calls) == (text, text, ())


def test_a_reply_that_was_cut_is_shown_so_far() -> None:
    assert answer('{"reply": "So f', "length").shown == "So f"
    assert answer('{"reply": "So f\\u00', "length").shown == "So f"


def test_a_call_that_was_cut_is_not_run() -> None:
    seen = answer(CALL[:-4], "length")
    assert (seen.calls, seen.shown, seen.cut) == ((), "", True)


def test_a_server_that_ignores_the_schema_is_read_all_the_same() -> None:
    assert answer("Just text.").shown == "Just text."
    assert answer(f"<tool_call>{CALL}</tool_call>").calls[0][0] == "read_file"
    assert answer('{"rep": 1}').shown == '{"rep": 1}'
    assert answer("{").shown == "{"


def test_a_reply_voids_the_call_its_reasoning_ends_with() -> None:
    fed = [Delta(reasoning=f"<tool_call>{CALL}</tool_call>"), Delta('{"reply": ""}')]
    assert read(FormatReader(TOOLS), fed, "stop").calls == ()


def test_the_schema_offers_each_tool_and_a_reply() -> None:
    sent = FormatDialect().request(TOOLS)["response_format"]
    assert sent["type"] == "json_schema"
    choices = sent["json_schema"]["schema"]["anyOf"]
    names = [one["properties"]["name"]["enum"][0] for one in choices[:-1]]
    assert names == [tool.name for tool in TOOLS]
    assert choices[-1]["required"] == ["reply"]
    forced = FormatDialect(require_call=True).request(TOOLS)["response_format"]
    assert len(forced["json_schema"]["schema"]["anyOf"]) == len(TOOLS)
    assert FormatDialect().request([]) == {}


def test_history_has_the_form_of_the_answers() -> None:
    call = ToolCall(id="1", name="read_file", arguments={"path": "a.py"})
    history = [
        Message(role="system", content="Be brief."),
        Message(role="user", content="Go."),
        Message(role="assistant", content=CALL, tool_calls=(call,)),
        Message(role="tool", content="x", tool_call_id="1"),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="x", tool_call_id="1"),
        Message(role="assistant", content="Done."),
    ]
    dialect = FormatDialect()
    wired = dialect.wire(history, TOOLS)
    assert [wired[n]["content"] for n in (2, 4, 6)] == [CALL, CALL, '{"reply": "Done."}']
    assert wired[3] == {"role": "user", "content": "<tool_response>\nx\n</tool_response>"}
    assert wired[0]["content"].startswith("Be brief.\n\n# Tools")
    for end in range(1, len(history)):
        assert wired[:end] == dialect.wire(history[:end], TOOLS)
    assert dialect.wire(history[1:2], []) == [{"role": "user", "content": "Go."}]


@pytest.mark.parametrize("require_call", [False, True])
def test_the_prompt_names_the_tools(*, require_call: bool) -> None:
    suffix = FormatDialect(require_call=require_call).system_suffix([READ])
    assert '"name": "read_file"' in suffix
    assert ('"reply"' in suffix) is not require_call
