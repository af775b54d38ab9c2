from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.dialects import Delta
from qwright.agent.dialects.reader import TextReader
from tests.agent.streams import Seen, pieces, read
from tests.agent.tool_specs import TOOLS

READ: dict[str, Any] = {"name": "read_file", "arguments": {"path": "a.py"}}
J = json.dumps(READ)
PRETTY = json.dumps(READ, indent=2)
OTHER = json.dumps({"name": "run_shell_command", "arguments": {"command": "ls"}})
READ_CALL = ("read_file", {"path": "a.py"}, None)
OTHER_CALL = ("run_shell_command", {"command": "ls"}, None)


def answer(text: str, finish: str = "stop") -> Seen:
    return read(TextReader(TOOLS), [Delta(text)], finish)


MEANT = {
    "tags": f"<tool_call>\n{J}\n</tool_call>",
    "tags after prose": f"I will look.\n<tool_call>\n{J}\n</tool_call>",
    "tags in one line": f"Look: <tool_call>{J}</tool_call>",
    "tags without end": f"<tool_call>\n{J}\n",
    "tools tags": f"<tools>\n{J}\n</tools>",
    "wrong closing tag": f"<tool_call>{J}</tools>",
    "fence": f"Sure:\n\n```json\n{PRETTY}\n```\nThis reads the file.",
    "fence without end": f"```json\n{J}",
    "unlabelled fence that ends the answer": f"Sure:\n```\n{J}\n```\n",
    "fence within tags": f"<tool_call>\n```json\n{J}\n```\n</tool_call>",
    "bare": J,
    "bare at the end": f"I will read it.\n\n{PRETTY}\n",
    "bare with an orphan closing tag": f"{J}\n</tool_call>\nNow I wait.",
    "bare and a hallucinated response": f"{J}\n<tool_response>\nx = 1\n</tool_response>\nDone.",
    "doubled braces": "<tool_call>\n{" + J + "}\n</tool_call>",
    "doubled braces, bare": "{" + J + "}",
    "doubled braces, one end missing": "<tool_call>\n{" + J + "\n</tool_call>",
    "braces too many": f"<tool_call>\n{J}}}}}\n</tool_call>",
    "parameters": f"<tool_call>{J.replace('arguments', 'parameters')}</tool_call>",
    "args": f"<tool_call>{J.replace('arguments', 'args')}</tool_call>",
    "arguments as a string": json.dumps({"name": "read_file", "arguments": '{"path": "a.py"}'}),
    "wrapped in function": json.dumps({"type": "function", "function": READ}),
    "arguments first": json.dumps({"arguments": {"path": "a.py"}, "name": "read_file"}),
    "trailing commas": f"<tool_call>{J.replace('}', ',}')}</tool_call>",
    "single quotes": "<tool_call>{'name': 'read_file', 'arguments': {'path': 'a.py'}}</tool_call>",
    "after a thought": f"<think>\nI could.\n</think>\n<tool_call>{J}</tool_call>",
    "crlf": f"Sure.\r\n```json\r\n{J}\r\n```\r\n",
}


@pytest.mark.parametrize("text", MEANT.values(), ids=MEANT.keys())
def test_a_meant_call_is_read_once_and_not_shown(text: str) -> None:
    seen = answer(text)
    assert seen.calls == (READ_CALL,)
    assert "read_file" not in seen.shown
    assert not seen.cut


SEVERAL = {
    "two blocks": f"<tool_call>\n{J}\n</tool_call>\n<tool_call>\n{OTHER}\n</tool_call>",
    "two objects in a block": f"<tool_call>\n{J}\n{OTHER}\n</tool_call>",
    "an array in a block": f"<tool_call>\n[{J}, {OTHER}]\n</tool_call>",
    "two objects in a fence": f"```json\n{J}\n{OTHER}\n```",
    "two bare lines": f"{J}\n{OTHER}",
    "first block not closed": f"<tool_call>{J}<tool_call>{OTHER}</tool_call>",
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_calls_are_read_in_order(text: str) -> None:
    assert answer(text).calls == (READ_CALL, OTHER_CALL)


NOT_MEANT = {
    "in a fence of another language": f"```xml\n<tool_call>\n{J}\n</tool_call>\n```\n",
    "in a python fence": f"```python\n{J}\n```\n",
    "in an open fence": f"```text\n<tool_call>{J}</tool_call>",
    "in a fence of tildes": f"~~~\n<tool_call>{J}</tool_call>\n~~~\n",
    "in a longer fence": f"````md\n```json\n{J}\n```\n````\n",
    "between backticks": f"Write `<tool_call>{J}</tool_call>` to call.",
    "bare before prose": f"{J}\n\nis what I would write.",
    "within a line": f"The call {J} reads.",
    "unlabelled fence before prose": f"```\n{J}\n```\nis an example.",
    "unknown name, bare": '{"name": "rm", "arguments": {}}',
    "unknown name, fence": '```json\n{"name": "rm", "arguments": {}}\n```',
    "unknown name, tools": '<tools>{"name": "rm", "arguments": {}}</tools>',
    "name alone": '{"name": "read_file", "version": "1.0"}',
    "the tools as the prompt has them": '<tools>\n{"type": "function", "function": {"name": "x"}}',
    "a tag that is only named": "Put it in <tool_call></tool_call> tags, or <tool_call> alone",
    "a package file": '```json\n{"name": "app", "dependencies": {}}\n```',
    "a response that is only named": "It comes as <tool_response> text.",
    "nested in a document": f'{{\n"steps": [\n{J}\n]\n}}',
}


@pytest.mark.parametrize("text", NOT_MEANT.values(), ids=NOT_MEANT.keys())
def test_a_call_that_was_not_meant_is_text(text: str) -> None:
    seen = answer(text)
    assert seen.calls == ()
    assert seen.shown == seen.text == text


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n<tool_call>{J}</tool_call>\n</think>\nDone.",
        f"I could say\n<tool_call>{J}</tool_call>\n</think>\n\nDone.",
        f"<think>\nhm {J}",
        f"<think>\n<tool_call>{J}</tool_call>\nor not",
        f"<think>\n```\n<tool_call>{J}</tool_call>",
        f"<think>\n`<tool_call>{J}</tool_call>",
        f"<think>\n<tool_call>{J}",
    ],
)
def test_a_call_inside_reasoning_is_never_read(text: str) -> None:
    assert answer(text).calls == ()


def test_reasoning_of_a_server_that_separates_it_is_never_read() -> None:
    fed = [Delta(reasoning=f"<tool_call>{J}</tool_call>"), Delta("Done.")]
    seen = read(TextReader(TOOLS), fed, "stop")
    assert seen.calls == ()
    assert seen.shown == "Done."
    assert "read_file" in seen.reasoning


ENCLOSED = [
    ("<tool_call>\n", "\n</tool_call>"),
    ("<tools>", "</tools>"),
    ("```json\n", "\n```"),
    ("", ""),
]


@pytest.mark.parametrize(("opening", "closing"), ENCLOSED)
def test_a_call_cut_anywhere_is_neither_executed_nor_shown(opening: str, closing: str) -> None:
    for end in range(1, len(opening + J) + 1):
        text = (opening + J + closing)[:end]
        seen = answer(f"Look.\n{text}", "length")
        assert seen.calls == (), text
        assert '{"' not in seen.shown
        assert seen.text.startswith("Look.")


@pytest.mark.parametrize(("opening", "closing"), ENCLOSED[:3])
def test_length_does_not_void_a_call_that_was_closed(opening: str, closing: str) -> None:
    seen = answer(f"{opening}{J}{closing}\n\n<tool_call>\n{J[:30]}", "length")
    assert seen.calls == (READ_CALL,)
    assert seen.cut


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<tool_call>{"name": "rm", "arguments": {}}</tool_call>', "no tool 'rm'"),
        ('<tool_call>{"name": "read_file", "path": "a.py"}</tool_call>', '"arguments"'),
        ('<tool_call>{"arguments": {}}</tool_call>', '"name"'),
        ('<tool_call>{"name": "read_file", "arguments": [1]}</tool_call>', "not a JSON object"),
        ('<tool_call>{"name": "read_file", "name": "edit"}</tool_call>', "twice"),
        ('<tool_call>{"name": "read_file", "arguments": {"path": "a.py}}</tool_call>', "JSON"),
        ('<tool_call>{"name": "edit", "arguments": {"new": "f("x")"}}</tool_call>', "JSON"),
        ('<tool_call>{"name": "read_file", "arguments": {}}</tool_call>', "no path"),
        ('{"name": "edit", "arguments": {"new": "print("x")"}}', "JSON"),
        ('```json\n{"name": "edit", "arguments": {"new": "print("x")"}}\n```', "JSON"),
    ],
)
def test_a_call_that_was_meant_and_is_wrong_goes_back_with_the_reason(
    text: str, reason: str
) -> None:
    seen = answer(text)
    assert len(seen.calls) == 1
    _, arguments, error = seen.calls[0]
    assert arguments == {}
    assert error is not None
    assert reason in error
    assert "\n" not in error
    assert seen.shown == ""
    assert seen.text == text


def test_quoted_calls_in_the_content_of_a_broken_call_stay_unread() -> None:
    inner = (
        '<tool_call>{"name": "run_shell_command", "arguments": {"command": "rm -r ."}}</tool_call>'
    )
    broken = (
        '<tool_call>{"name": "edit", "arguments": {"new": "print("' + inner + '")"}}</tool_call>'
    )
    seen = answer(broken)
    assert [call[2] is None for call in seen.calls] == [False]


def test_closing_tags_inside_a_string_do_not_end_the_call() -> None:
    new = 'a</tool_call><tool_call>{"name": "status"}</tool_call>```'
    call = {"name": "edit", "arguments": {"path": "x", "old": "y", "new": new}}
    for text in (
        f"<tool_call>{json.dumps(call)}</tool_call>",
        f"```json\n{json.dumps(call)}\n```",
        json.dumps(call),
    ):
        assert answer(text).calls == (("edit", call["arguments"], None),)


def test_nothing_after_a_hallucinated_response_is_read_or_kept() -> None:
    response = "<tool_response>\nx\n</tool_response>"
    text = f"<tool_call>{J}</tool_call>\n{response}\n<tool_call>{OTHER}</tool_call>"
    reader = TextReader(TOOLS)
    assert reader.feed(Delta(text)) == []
    assert reader.done
    seen = read(reader, [], "stop")
    assert seen.calls == (READ_CALL,)
    assert seen.text == f"<tool_call>{J}</tool_call>"


def test_without_tools_everything_is_text() -> None:
    for text in (J, f"```json\n{J}\n```"):
        assert read(TextReader(()), [Delta(text)], "stop").shown == text


def test_history_keeps_the_answer_as_it_was_written() -> None:
    for text in (*MEANT.values(), *SEVERAL.values(), *NOT_MEANT.values()):
        if "<think>" not in text and "<tool_response>" not in text:
            assert answer(text).text == text
    assert answer(MEANT["after a thought"]).text == f"<tool_call>{J}</tool_call>"


def test_prose_is_what_is_left_without_the_calls() -> None:
    def prose(text: str) -> str:
        reader = TextReader(TOOLS)
        read(reader, [Delta(text)], "stop")
        return reader.prose

    assert prose(f"Look.\n<tool_call>\n{J}\n</tool_call>\n") == "Look."
    assert prose(f"Look.\n\n<tool_call>\n{J}\n</tool_call>") == "Look.\n"
    assert prose(f"A\n```json\n{J}\n```\nB") == "A\nB"


def test_plain_text_is_shown_as_it_comes() -> None:
    reader = TextReader(TOOLS)
    shown = [reader.feed(Delta(piece)) for piece in ("Hel", "lo", " world")]
    assert all(shown)


@pytest.mark.parametrize("text", [*MEANT.values(), *SEVERAL.values(), *NOT_MEANT.values()])
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_every_split_gives_the_same(text: str, finish: str) -> None:
    whole = answer(text, finish)
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), finish) == whole
    assert read(TextReader(TOOLS), [Delta(char) for char in text], finish) == whole


FRAGMENTS = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<tools>", "</tools>", "<tool_response>", "<think>"),
        *("</think>", "```", "```json\n", "```py\n", "\n```\n", "~~~\n", "{", "}", "}}", "[", '"'),
        *("\n", " ", "`", "'", "<", "<tool", J, PRETTY, OTHER, "{" + J + "}", J[:25], "a < b", ","),
        *('{"name"', "Text. ", "\\", "é🏗", "\r\n", '{"a": 1}', "<function=x>", "null", ":"),
    ]
)
TEXTS = st.lists(FRAGMENTS | st.text(max_size=4), max_size=14).map("".join)
FINISH = st.sampled_from(["stop", "length", "tool_calls"])


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=12), FINISH)
def test_any_split_of_any_text_gives_the_same(text: str, cuts: list[int], finish: str) -> None:
    assert read(TextReader(TOOLS), pieces(text, cuts), finish) == answer(text, finish)


@settings(max_examples=300, deadline=None)
@given(
    before=st.text(st.characters(exclude_characters="`<{[~"), max_size=30),
    value=st.text(max_size=60),
    opening=st.sampled_from(ENCLOSED),
    cuts=st.lists(st.integers(0, 200), max_size=10),
    ascii_only=st.booleans(),
)
def test_arguments_arrive_exactly_and_never_on_the_screen(
    before: str, value: str, opening: tuple[str, str], cuts: list[int], *, ascii_only: bool
) -> None:
    secret = {"path": f"MARK{value}"}
    body = json.dumps({"name": "read_file", "arguments": secret}, ensure_ascii=ascii_only)
    text = f"{before}\n{opening[0]}{body}{opening[1]}"
    seen = read(TextReader(TOOLS), pieces(text, cuts), "stop")
    assert seen.calls == (("read_file", secret, None),)
    assert not re.search(r"MARK|<tool|\{|```", seen.shown)
