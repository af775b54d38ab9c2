from __future__ import annotations

import json

import pytest

from qwright.agent.dialects import CallDelta, Delta
from qwright.agent.dialects.native import NativeReader
from qwright.agent.dialects.reader import TextReader
from qwright.agent.model import CallChunk
from tests.agent.streams import Seen, read
from tests.agent.tool_specs import TOOLS

J = '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}\n</tool_call>'
X = """<tool_call>
<function=read_file>
<parameter=path>
a.py
</parameter>
</function>
</tool_call>"""
READ_CALL = ("read_file", {"path": "a.py"}, None)
LONG = "I should look at the file first.\n\n"


def answers(reasoning: str, content: str = "", finish: str = "stop") -> list[Seen]:
    """As a server that separates the reasoning sends it, and as one that does not."""
    apart = [Delta(reasoning=reasoning), Delta(content)]
    within = [Delta(f"<think>\n{reasoning}" + (f"\n</think>\n{content}" if content else ""))]
    return [
        read(reader, fed, finish)
        for fed in (apart, within)
        for reader in (TextReader(TOOLS), NativeReader(TOOLS))
    ]


@pytest.mark.parametrize("call", [J, X])
@pytest.mark.parametrize("end", ["", "\n", "  \n\n"])
def test_the_call_that_all_reasoning_ends_with_is_taken(call: str, end: str) -> None:
    for seen in answers(LONG + call + end):
        assert seen.calls == (READ_CALL,)
        assert seen.shown == seen.text == ""


def test_of_several_calls_those_at_the_end_are_taken() -> None:
    for seen in answers(f"{LONG}{J} would be wrong.\n{X}\n{J}"):
        assert seen.calls == (READ_CALL, READ_CALL)


def test_a_tag_within_an_argument_begins_no_call() -> None:
    inner = J.replace("a.py", "<tool_call>")
    for seen in answers(f"{LONG}{inner}\n{X}"):
        assert seen.calls == (("read_file", {"path": "<tool_call>"}, None), READ_CALL)


def test_what_is_given_back_as_reasoning_does_not_hold_the_call() -> None:
    reader = TextReader(TOOLS)
    reader.feed(Delta(reasoning=LONG + X))
    assert [type(one) for one in reader.finish("stop")] == [CallChunk]
    assert reader.reasoning == LONG.rstrip()


@pytest.mark.parametrize("call", [J, X])
def test_any_other_call_in_reasoning_is_not_taken(call: str) -> None:
    cases = {
        "the answer goes on": answers(LONG + call, "Done."),
        "the server cut it": answers(LONG + call, finish="length"),
        "not at the end": answers(f"{LONG}{call}\nor not?"),
        "in a fence": answers(f"{LONG}```\n{call}"),
        "in a closed fence": answers(f"{LONG}```\n{call}\n```"),
        "between backticks": answers(f"{LONG}`{call}"),
        "in a call that is open": answers(
            f"{LONG}<tool_call>\n<function=edit>\n<parameter=new>\n# doc\n{call}"
        ),
        "in a JSON call that is open": answers(
            f'{LONG}<tool_call>\n{{"name": "edit", "arguments": {{"new": "\n{call}'
        ),
        "not complete": answers(LONG + call.removesuffix("</tool_call>")),
        "not known": answers(LONG + call.replace("read_file", "rm")),
        "not fitting": answers(LONG + call.replace("path", "start")),
        "without tags": answers(LONG + json.dumps({"name": "status", "arguments": {}})),
    }
    for case, found in cases.items():
        assert [seen.calls for seen in found] == [()] * 4, case


def test_native_calls_leave_none_to_be_rescued() -> None:
    native = Delta(calls=(CallDelta(0, "1", "status", "{}"),))
    seen = read(NativeReader(TOOLS), [Delta(reasoning=LONG + X), native], "stop")
    assert seen.calls == (("status", {}, None),)


@pytest.mark.parametrize("call", [J, X])
def test_a_call_after_code_whose_fence_was_not_closed_is_asked_for_again(call: str) -> None:
    text = f"Now I read it.\n```python\nx = 1\n{call}"
    seen = read(TextReader(TOOLS), [Delta(text)], "stop")
    assert [(name, arguments) for name, arguments, _ in seen.calls] == [("read_file", {})]
    assert "close the fence" in (seen.calls[0][2] or "")
    assert read(TextReader(TOOLS), [Delta(text)], "length").calls == ()


@pytest.mark.parametrize("call", [J, X])
def test_a_quoted_call_is_neither_run_nor_asked_for(call: str) -> None:
    for text in (
        f"```\n{call}",
        f"```xml\n{call}\n",
        f"```python\nx = 1\n{call}\n```\n",
        f"```python\nx = 1\n{call}\ny = 2",
    ):
        assert read(TextReader(TOOLS), [Delta(text)], "stop").calls == ()


@pytest.mark.parametrize("call", [J, X])
def test_no_thought_holds_a_call_wherever_it_stands(call: str) -> None:
    for text, shown in {
        f"<think>a</think>\n<think>{call}</think>\nDone": "Done",
        f"Hi <think>{call}</think> ok": "Hi ok",
        f"Hi\n<think>\n{call}": "Hi",
        f"> {call}\nis a quoted call": f"> {call} is a quoted call",
    }.items():
        seen = read(TextReader(TOOLS), [Delta(text)], "stop")
        assert seen.calls == ()
        assert seen.shown.split() == shown.split()


def test_a_call_between_two_thoughts_is_taken() -> None:
    text = f"<think>a</think>\n{J}\n<think>b</think>\n{X}"
    seen = read(TextReader(TOOLS), [Delta(text)], "stop")
    assert seen.calls == (READ_CALL, READ_CALL)
    assert seen.reasoning == "ab"
