"""Calls in JSON with the faults models and servers make, beside what only looks like one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qwright.agent.dialects import CallDelta, Delta
from qwright.agent.dialects.native import NativeReader
from qwright.agent.dialects.pairs import Pairs
from qwright.agent.dialects.reader import TextReader
from qwright.agent.model import TextDelta
from tests.agent.streams import Seen, pieces, read
from tests.agent.tool_specs import TOOLS

J = json.dumps({"name": "read_file", "arguments": {"path": "a.py"}})
OTHER = json.dumps({"name": "run_shell_command", "arguments": {"command": "rm -r ."}})
READ_CALL = ("read_file", {"path": "a.py"}, None)


def answer(text: str, finish: str = "stop") -> Seen:
    return read(TextReader(TOOLS), [Delta(text)], finish)


def edit(new: str) -> str:
    """A call whose `new` is written as it is, without escaping anything."""
    return f'{{"name": "edit", "arguments": {{"path": "a", "new": "{new}", "old": "o"}}}}'


MENDED = {
    "a brace missing before the closing tag": f"<tool_call>\n{J[:-1]}\n</tool_call>",
    "both braces missing before the closing tag": f"<tool_call>\n{J[:-2]}</tool_call>",
    "a brace missing before the closing fence": f"```json\n{J[:-1]}\n```",
    "a brace missing at the end": f"<tool_call>\n{J[:-1]}",
    "a leaked end of turn": f"{J}<|im_end|>",
    "a leaked end of text": f"<tool_call>{J}</tool_call><|endoftext|>",
    "a turn that goes on": f"<tool_call>{J}</tool_call><|im_end|>\n<|im_start|>user\nGo on.\n"
    f"<|im_start|>assistant\n<tool_call>{OTHER}</tool_call>",
    "an orphan end of call": f"<tool_call>\n{J}\nNow I read.\n</tool_call>",
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_a_meant_call_is_read_once_and_not_shown(text: str) -> None:
    seen = answer(text)
    assert seen.calls == (READ_CALL,)
    assert "<" not in seen.shown
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), "stop") == seen


@pytest.mark.parametrize("missing", [1, 2])
def test_a_brace_missing_in_an_answer_that_was_cut_is_no_call(missing: int) -> None:
    assert answer(f"<tool_call>\n{J[:-missing]}", "length").calls == ()
    native = [Delta(calls=(CallDelta(0, "1", "read_file", '{"path": "a"'),))]
    assert read(NativeReader(TOOLS), native, "length").calls == ()
    assert read(NativeReader(TOOLS), native, "tool_calls").calls[0][2] is not None


@pytest.mark.parametrize(
    "new",
    ['print("x")', 'say "hi"', 'f("a", "b")', '"', 'd["k"]', '<a href="x">', 'a = ""', '"""doc"""'],
)
@pytest.mark.parametrize("frame", ["<tool_call>\n{}\n</tool_call>", "```json\n{}\n```", "{}"])
def test_quotes_that_leave_one_reading_are_read(new: str, frame: str) -> None:
    seen = answer(frame.format(edit(new)))
    assert seen.calls == (("edit", {"path": "a", "new": new, "old": "o"}, None),)
    assert seen.shown == ""


@pytest.mark.parametrize(
    "new",
    [
        '{"a": "b"}',
        'a", "path": "b',
        f"<tool_call>{OTHER}</tool_call>",
        'x = {"k": "v", "path": 1}',
    ],
)
def test_quotes_that_leave_two_readings_are_told(new: str) -> None:
    seen = answer(f"<tool_call>{edit(new)}</tool_call>")
    assert [(name, bool(error)) for name, _, error in seen.calls] == [("edit", True)]


SPEC: dict[str, Any] = {
    "name": "read_file",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}
LISTED = json.dumps(SPEC)
NOT_MEANT = {
    "a listed tool": LISTED,
    "a listed tool in a fence": f"```json\n{LISTED}\n```\n",
    "a listed tool in its tags": f"<tools>\n{LISTED}\n</tools>",
    "a listed tool, its schema first": '<tools>{"name": "status", "parameters": '
    '{"type": "object", "properties": {}}}</tools>',
    "two backticks": f"Write ``<tool_call>{J}</tool_call>`` to call.",
    "a quoted line": f"> <tool_call>{J}</tool_call>\nis how.",
    "quoted lines": f"> <tool_call>\n{J}\n</tool_call>\nis how.",
}


@pytest.mark.parametrize("text", NOT_MEANT.values(), ids=NOT_MEANT.keys())
def test_what_only_looks_like_a_call_is_text(text: str) -> None:
    seen = answer(text)
    assert (seen.calls, seen.shown) == ((), text)
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), "stop") == seen


@pytest.mark.parametrize(
    "content",
    ['read_file(path="a.py")', "read_file\n<path>a.py</path>", "<read_file>\na.py\n</read_file>"],
)
def test_a_call_in_no_known_form_goes_back_to_the_model(content: str) -> None:
    text = f"I read it.\n<tool_call>\n{content}\n</tool_call>\nThen I go on."
    seen = answer(text)
    assert [(arguments, bool(error)) for _, arguments, error in seen.calls] == [({}, True)]
    assert "expected a JSON object" in (seen.calls[0][2] or "")
    assert seen.shown.split() == ["I", "read", "it.", "Then", "I", "go", "on."]
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), "stop") == seen


@pytest.mark.parametrize(
    "text",
    [
        "It begins with\n<tool_call>\nand ends with </tool_call>, around JSON.",
        "Say\n<tool_call>\nand read_file",
        "One says <tool_call>read_file</tool_call>",
    ],
)
def test_a_tag_that_is_only_talked_of_is_text(text: str) -> None:
    seen = answer(text)
    assert (seen.calls, seen.shown) == ((), text)
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), "stop") == seen


def test_a_turn_that_is_made_up_is_neither_read_nor_shown() -> None:
    seen = answer(f"Done.<|im_end|>\n<|im_start|>user\nMore\n<tool_call>{OTHER}</tool_call>")
    assert (seen.calls, seen.shown, seen.text) == ((), "Done.", "Done.")
    assert answer("The token <|im_end|> ends a turn.").shown == "The token <|im_end|> ends a turn."


def test_torn_surrogate_pairs_are_joined_wherever_they_were_torn() -> None:
    high, low = "\ud83c", "\udf89"
    text, thought = "🎉 ", f"a{high}"
    fed = [Delta(high, thought), Delta(f"{low} ", low), Delta(f"<tool_call>{J[:-4]}{high}")]
    fed += [Delta(f"{low}{J[-4:]}</tool_call>{high}")]
    seen = read(TextReader(TOOLS), fed, "stop")
    assert (seen.shown, seen.reasoning) == (f"{text}�", "a🎉")
    assert seen.calls[0][1] == {"path": "a.p🎉y"}
    native = [
        CallDelta(0, "1", "read_file", '{"path": "' + high),
        CallDelta(0, "1", None, low + '"}'),
    ]
    found = read(NativeReader(TOOLS), [Delta(calls=(one,)) for one in native], "stop")
    assert found.calls == (("read_file", {"path": "🎉"}, None),)


def test_half_a_pair_that_stays_alone_is_replaced_at_the_end() -> None:
    pairs = Pairs()
    assert [pairs.join("a\ud83c"), pairs.join("b"), pairs.join("\ud83c"), pairs.rest()] == [
        "a",
        "�b",
        "",
        "�",
    ]


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_long_answer_in_single_characters_is_scanned_once(
    finish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work, not time: how much text is looked at again must not grow with the number of pieces."""
    from qwright.agent.dialects import lenient_json

    content = 'x = "1"\n' * 2000
    text = "<tool_call>\n" + json.dumps(
        {"name": "edit", "arguments": {"path": "a", "old": "b", "new": content}}
    )
    looked = 0
    scan = lenient_json.Scanner.scan

    def counted(self: lenient_json.Scanner, text: str) -> lenient_json.Span:
        nonlocal looked
        before = self.at
        span = scan(self, text)
        looked += self.at - before
        return span

    monkeypatch.setattr(lenient_json.Scanner, "scan", counted)
    reader = TextReader(TOOLS)
    shown = [one for char in text for one in reader.feed(Delta(char))]
    reader.finish(finish)
    assert not [one for one in shown if isinstance(one, TextDelta)]
    assert looked < 2 * len(text)
