from __future__ import annotations

import json

import pytest

from qwright.agent.dialects import CallDelta, Delta
from qwright.agent.dialects.native import NativeDialect, NativeReader
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk
from tests.agent.streams import NAMES, calls_of, deltas, expected, read
from tests.agent.tool_specs import READ, TOOLS


def calls(*fragments: CallDelta, finish: str = "tool_calls") -> list[ToolCall]:
    reader = NativeReader(TOOLS)
    for fragment in fragments:
        reader.feed(Delta(calls=(fragment,)))
    return [one.call for one in reader.finish(finish) if isinstance(one, CallChunk)]


def brief(found: list[ToolCall]) -> list[tuple[str, object]]:
    return [(call.name, call.arguments.get("path")) for call in found]


A, B = '{"path": "a"}', '{"path": "b"}'
BOTH = [("read_file", "a"), ("read_file", "b")]


@pytest.mark.parametrize(
    "fragments",
    [
        (CallDelta(0, "1", "read_file", A), CallDelta(1, "2", "read_file", B)),
        (CallDelta(0, "1", "read_file", A), CallDelta(0, "2", "read_file", B)),
        (CallDelta(0, None, "read_file", A), CallDelta(0, None, "read_file", B)),
        (CallDelta(None, "1", "read_file", A), CallDelta(None, "2", "read_file", B)),
        (CallDelta(0, "1", "read_file", A), CallDelta(1, "1", "read_file", B)),
        (CallDelta(0, "", "read_file", A), CallDelta(1, "", "read_file", B)),
        (
            CallDelta(0, "1", "read_file", ""),
            CallDelta(1, "2", "read_file", ""),
            CallDelta(0, None, None, A[:5]),
            CallDelta(1, None, None, B[:7]),
            CallDelta(0, None, None, A[5:]),
            CallDelta(1, None, None, B[7:]),
        ),
        (
            CallDelta(0, "1", "read_file", A[:4]),
            CallDelta(0, "fresh", None, A[4:]),
            CallDelta(1, "2", "read_file", B[:4]),
            CallDelta(1, "fresher", None, B[4:]),
        ),
    ],
)
def test_two_calls_are_told_apart(fragments: tuple[CallDelta, ...]) -> None:
    found = calls(*fragments)
    assert brief(found) == BOTH
    assert len({call.id for call in found}) == 2
    assert all(call.id for call in found)


@pytest.mark.parametrize(
    "fragments",
    [
        [CallDelta(0, "1", "read_file", A), CallDelta(0, "1", "read_file", A)],
        [CallDelta(0, "1", "read_file", A), CallDelta(0, None, "read_file", "")],
        [CallDelta(0, "1", "read_file", A[:4]), CallDelta(0, "1", "read_file", A[4:])],
        [CallDelta(0, "1", "read_file", A[:4]), CallDelta(1, "1", None, A[4:])],
        [CallDelta(0, "1", "read_file", char) for char in A],
        [
            CallDelta(0, "1", "read_file", "{}"),
            CallDelta(0, None, None, A[:4]),
            CallDelta(0, None, None, A[4:]),
        ],
        [CallDelta(0, f"id{n}", "read_file", char) for n, char in enumerate(A)],
    ],
)
def test_one_call_is_not_taken_for_two(fragments: list[CallDelta]) -> None:
    assert brief(calls(*fragments)) == [("read_file", "a")]


def test_no_arguments_is_an_empty_object() -> None:
    assert calls(CallDelta(0, "1", "status", ""))[0].error is None
    two = calls(CallDelta(0, "1", "status", None), CallDelta(0, "2", "status", None))
    assert len(two) == 2


@pytest.mark.parametrize("end", range(len(A)))
def test_length_drops_the_call_that_was_cut(end: int) -> None:
    reader = NativeReader(TOOLS)
    reader.feed(Delta(calls=(CallDelta(0, "1", "read_file", A),)))
    reader.feed(Delta(calls=(CallDelta(1, "2", "read_file", B[:end]),)))
    found = [one.call for one in reader.finish("length") if isinstance(one, CallChunk)]
    assert brief(found) == [("read_file", "a")]
    assert reader.cut


def test_wrong_calls_carry_the_reason() -> None:
    broken = calls(CallDelta(0, "1", "read_file", '{"path": "a'))
    unknown = calls(CallDelta(0, "1", "rm", "{}"))
    assert [call.arguments for call in broken + unknown] == [{}, {}]
    assert "not run" in (broken[0].error or "")
    assert "no tool 'rm'; the tools are read_file, edit" in (unknown[0].error or "")


@pytest.mark.parametrize("name", NAMES)
def test_recorded_answers_are_read_as_meant(name: str) -> None:
    fed, finish = deltas(name)
    seen = read(NativeReader(TOOLS), fed, finish or "stop")
    if finish:
        assert [(call, arguments) for call, arguments, _ in seen.calls] == calls_of(name)
        assert seen.text == expected(name)["text"]
        assert seen.reasoning == expected(name)["reasoning"]
    assert "<tool" not in seen.shown
    assert '"name"' not in seen.shown


@pytest.mark.parametrize("name", NAMES)
def test_recorded_answers_split_at_every_character_are_the_same(name: str) -> None:
    fed, finish = deltas(name)
    finish = finish or "stop"
    whole = read(NativeReader(TOOLS), fed, finish)
    fine = [
        Delta(content, reasoning)
        for delta in fed
        for content, reasoning in [
            *((char, "") for char in delta.content),
            *(("", char) for char in delta.reasoning),
        ]
    ]
    fragments = [delta for delta in fed if delta.calls]
    assert read(NativeReader(TOOLS), [*fine, *fragments], finish) == whole


def test_native_calls_win_over_the_same_call_in_the_text() -> None:
    text = '<tool_call>{"name": "read_file", "arguments": {"path": "b"}}</tool_call>'
    reader = NativeReader(TOOLS)
    reader.feed(Delta(text, calls=(CallDelta(0, "1", "read_file", A),)))
    found = [one.call for one in reader.finish("tool_calls") if isinstance(one, CallChunk)]
    assert brief(found) == [("read_file", "a")]


def test_the_wire_form_pairs_calls_with_results() -> None:
    call = ToolCall(id="c1", name="read_file", arguments={"path": "ä"})
    wired = NativeDialect().wire(
        [
            Message(role="system", content="S"),
            Message(role="user", content="U"),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="R", tool_call_id="c1"),
            Message(role="system", content="note"),
        ],
        TOOLS,
    )
    assert [one["role"] for one in wired] == ["system", "user", "assistant", "tool", "user"]
    function = wired[2]["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"path": "ä"}
    assert wired[3]["tool_call_id"] == wired[2]["tool_calls"][0]["id"] == "c1"
    assert all(isinstance(one["content"], str) for one in wired)


def test_tools_are_sent_only_when_there_are_any() -> None:
    request = NativeDialect().request([READ])
    assert request["tools"][0]["function"]["parameters"] == READ.parameters
    assert request["parallel_tool_calls"] is True
    assert NativeDialect().request([]) == {}
    assert NativeDialect().system_suffix([READ]) == ""
