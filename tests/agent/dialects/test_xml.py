from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.dialects import Delta
from qwright.agent.dialects.reader import TextReader
from tests.agent.streams import Seen, pieces, read
from tests.agent.tool_specs import TOOLS


def answer(text: str, finish: str = "stop") -> Seen:
    return read(TextReader(TOOLS), [Delta(text)], finish)


def written(name: str, **values: str) -> str:
    """A call as Qwen3-Coder was taught to write it."""
    parameters = "".join(
        f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items()
    )
    return f"<tool_call>\n<function={name}>\n{parameters}</function>\n</tool_call>"


X = written("read_file", path="a.py")
OTHER = written("run_shell_command", command="ls")
BARE = X.removeprefix("<tool_call>\n")
READ_CALL = ("read_file", {"path": "a.py"}, None)
OTHER_CALL = ("run_shell_command", {"command": "ls"}, None)

MEANT = {
    "as taught": X,
    "after prose": f"I will look.\n\n{X}",
    "in one line": "<tool_call><function=read_file><parameter=path>a.py</parameter></function>"
    "</tool_call>",
    "no opening tag": BARE,
    "no opening tag, after prose": f"I will look.\n{BARE}",
    "no opening tag, no closing tag": BARE.removesuffix("\n</tool_call>"),
    "no opening tag, before prose": f"{BARE}\nNow I wait.",
    "no end of function": X.replace("</function>\n", ""),
    "no end of parameter": X.replace("</parameter>\n", ""),
    "no closing tags": "<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n</parameter>\n",
    "no end of function and call": X.replace("</function>\n</tool_call>", ""),
    "parameter closed as function": X.replace("</parameter>\n</function>", "</function>"),
    "end of parameter with a number": X.replace("</parameter>", "</parameter1>"),
    "end of parameter, half": X.replace("</parameter>", "</parameter"),
    "end of parameter twice": X.replace("</parameter>", "</parameter>\n</parameter>"),
    "indented tags": X.replace("<parameter=path>\na.py\n", "  <parameter=path>\na.py\n  "),
    "closed by its own name": X.replace("</parameter>", "</path>"),
    "closed by its own name and rightly": X.replace("</parameter>", "</path>\n</parameter>"),
    "a stray closing tag": X.replace("</function>", "</path>\n</function>"),
    "function with a name attribute": X.replace(
        "<function=read_file>", '<function name="read_file">'
    ),
    "parameter with a name attribute": X.replace("<parameter=path>", '<parameter name="path">'),
    "bracket forgotten": X.replace("<parameter=path>\na.py\n", "<parameter=path=a.py"),
    "value in the tags' line": X.replace("\na.py\n", "a.py"),
    "value closed in its line": X.replace("a.py\n", "a.py"),
    "arguments as JSON": X.replace("<parameter=path>\na.py\n</parameter>", '{"path": "a.py"}'),
    "closed again and again": X + "\n</function>\n</tool_call>\n</tool_call>",
    "before a made-up response": f"{X}\n<tool_response>\nx = 1\n</tool_response>\n{OTHER}",
    "crlf": X.replace("\n", "\r\n"),
    "given twice, the last counts": X.replace(
        "<parameter=path>", "<parameter=path>\nb.py\n</parameter>\n<parameter=path>"
    ),
    "after a thought": f"<think>\nI could.\n</think>\n\n{X}",
    "without tag after a thought": f"<think>\nI could.\n</think>\n\n{BARE}",
}


@pytest.mark.parametrize("text", MEANT.values(), ids=MEANT.keys())
def test_a_meant_call_is_read_once_and_not_shown(text: str) -> None:
    seen = answer(text)
    assert seen.calls == (READ_CALL,)
    assert "<" not in seen.shown
    assert "a.py" not in seen.shown
    assert not seen.cut


SEVERAL = {
    "two blocks": f"{X}\n{OTHER}",
    "two functions in a block": X.replace(
        "\n</tool_call>", "\n" + OTHER.removeprefix("<tool_call>\n")
    ),
    "the first without its tag": f"{BARE}\n{OTHER}",
    "none with its tag": BARE + "\n" + OTHER.removeprefix("<tool_call>\n"),
    "the first without ends": "<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n"
    f"</parameter>\n{OTHER}",
    "the first without end of parameter": X.replace("</parameter>\n", "") + "\n" + OTHER,
    "the second as JSON": f'{X}\n<tool_call>\n{{"name": "run_shell_command", "arguments": '
    '{"command": "ls"}}\n</tool_call>',
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_calls_are_read_in_order(text: str) -> None:
    assert answer(text).calls == (READ_CALL, OTHER_CALL)


NOT_MEANT = {
    "in a fence": f"```xml\n{X}\n```\nis a call.",
    "in a fence without its tag": f"```\n{BARE}\n```\n",
    "between backticks": f"Write `{X}` to call.",
    "unknown name without tag": BARE.replace("read_file", "rm_rf"),
    "within a line": "To call it write <function=read_file> and so on.",
    "only mentioned": "The call begins with\n<function=read_file>\nand then has parameters.",
    "a template without its tag": BARE.replace("read_file", "{{ tool.name }}"),
    "a name in quotes": BARE.replace("=read_file>", '="read_file">'),
    "a name with a space": BARE.replace("read_file", "read file"),
}


@pytest.mark.parametrize("text", NOT_MEANT.values(), ids=NOT_MEANT.keys())
def test_a_call_that_was_not_meant_is_text(text: str) -> None:
    seen = answer(text)
    assert seen.calls == ()
    assert seen.shown == seen.text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (X.replace("read_file", "rm"), "no tool 'rm'"),
        (X.replace("read_file", "{{ tool.name }}"), "no tool '{{ tool.name }}'"),
        (written("read_file", path="a", start="many"), '"start" must be an integer, not "many"'),
        (written("read_file", path="a", start="None"), '"start" must be an integer, not "None"'),
        (written("read_file"), "given no path"),
        (written("edit", path="a"), "given no old and no new"),
        (X.replace("<parameter=path>\n", ""), "text where a <parameter=...> or </function>"),
        (
            "<tool_call>\n<function=read_file>\n<parameter=path>\na.py",
            'parameter "path" has no end',
        ),
        ("<tool_call>\n<function=read_file>", "no </function>"),
        (X.replace("<parameter=path>\na.py\n</parameter>", '{"path": a}'), "no JSON object"),
    ],
)
def test_a_call_that_is_wrong_goes_back_with_the_reason(text: str, reason: str) -> None:
    seen = answer(text)
    assert [call[1] for call in seen.calls] == [{}]
    assert reason in (seen.calls[0][2] or "")
    assert seen.shown == ""
    assert seen.text == text


def test_the_end_of_a_quoted_call_is_not_that_of_the_value() -> None:
    for text in (
        f"<tool_call>\n<function=edit>\n<parameter=path>\nx.md\n</parameter>\n<parameter=old>\n"
        f"y\n</parameter>\n<parameter=new>\n# doc\n{OTHER}\n",
        f"<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n{OTHER}",
    ):
        assert [bool(error) for _, _, error in answer(text).calls] == [True]


def test_a_value_does_not_end_in_what_comes_after_its_call() -> None:
    for after in (f",5;</parameter>\n{OTHER}", f"</parameter/><parameter=command>\n{OTHER}"):
        text = X.replace("</parameter>\n", "") + f"\n<tool_response>\n{after}"
        assert answer(text).calls == (READ_CALL,)


DOCS = f"To call a tool, write\n\n{X}\n\nand wait."
CONTENTS = {
    "a whole call": DOCS,
    "a call and nothing else": X,
    "two calls": f"{X}\n{OTHER}",
    "a call without its tag": BARE,
    "an opening tag alone": "<tool_call>\nopens a call",
    "a function alone": "<function=read_file>\nis how it begins",
    "a parameter alone": "write\n<parameter=path>\nbefore it",
    "closing tags alone": 'END = """\n</parameter>\n</function>\n</tool_call>\n"""',
    "closing tags in a line": 'END = "</parameter></function></tool_call>"',
    "end of function in a line": "x.endswith('</parameter></function>')",
    "end of parameter": "a\n</parameter>\nb",
    "end of function": "a\n</function>\nb",
    "end of call": "a\n</tool_call>\nb",
    "a response": "a\n<tool_response>\nb\n</tool_response>",
    "a call and its response": f"{X}\n<tool_response>\nx\n</tool_response>",
    "JSON": '{"path": ["x"]}',
    "a fence": "```python\nx\n```",
    "a thought": "<think>\nx\n</think>",
    "indentation": "    x = 1\n\n\n  y = 2\n   ",
    "newlines": "\n\n",
    "nothing": "",
    "null": "null",
    "entities": "&lt;a&gt; <b> \\n \\u00e9 'x' \"y\"",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_files_content_arrives_exactly(content: str) -> None:
    for order in (("path", "old", "new"), ("new", "path", "old"), ("old", "new", "path")):
        values = {key: content if key == "new" else key for key in order}
        seen = answer(f"Look.\n{written('edit', **values)}\n{OTHER}")
        assert seen.calls == (("edit", values, None), OTHER_CALL)
        assert seen.shown.rstrip() == "Look."


def test_a_call_cut_anywhere_is_neither_executed_nor_shown() -> None:
    # Cut after a call's end that its content spells, an answer cannot be told from a whole one.
    decidable = [one for name, one in CONTENTS.items() if name != "closing tags alone"]
    for content in decidable:
        text = written("edit", new=content, path="x", old="y")
        whole = len(text) - len("\n</tool_call>")
        for end in range(len("<tool_call>\n<function="), whole):
            seen = answer(f"Look.\n{text[:end]}", "length")
            assert seen.calls == (), text[:end]
            assert seen.cut
            assert seen.shown.rstrip() == "Look."


def test_length_does_not_void_a_call_that_was_closed() -> None:
    seen = answer(f"{X}\n{OTHER[:40]}", "length")
    assert seen.calls == (READ_CALL,)
    assert seen.cut


@pytest.mark.parametrize(
    ("name", "values", "arguments"),
    [
        ("read_file", {"path": "a", "start": "3", "end": "-1"}, {"start": 3, "end": -1}),
        ("run_shell_command", {"command": "ls", "background": "True"}, {"background": True}),
        ("run_shell_command", {"command": "ls", "background": "false"}, {"background": False}),
        ("run_shell_command", {"command": "ls", "timeout": "2.5"}, {"timeout": 2.5}),
        ("grep_search", {"globs": '["a", "b"]'}, {"globs": ["a", "b"]}),
        ("grep_search", {"globs": "['a', 'b']"}, {"globs": ["a", "b"]}),
        ("grep_search", {"globs": '"[\\"a\\"]"'}, {"globs": ["a"]}),
        ("grep_search", {"pattern": "12"}, {"pattern": "12"}),
        ("grep_search", {"pattern": "None"}, {}),
        ("grep_search", {"mode": "files"}, {"mode": "files"}),
        ("read_file", {"path": "null"}, {"path": "null"}),
        ("read_file", {"path": '{"a": 1}'}, {"path": '{"a": 1}'}),
        ("read_file", {"path": "a", "other": "3"}, {"other": "3"}),
    ],
)
def test_values_are_typed_by_the_schema(
    name: str, values: dict[str, str], arguments: dict[str, Any]
) -> None:
    read_back = answer(written(name, **values)).calls[0][1]
    assert {key: value for key, value in read_back.items() if key in arguments} == arguments
    assert read_back.keys() <= values.keys()


@pytest.mark.parametrize("text", [*MEANT.values(), *SEVERAL.values(), *NOT_MEANT.values()])
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_every_split_gives_the_same(text: str, finish: str) -> None:
    whole = answer(text, finish)
    for cut in range(1, len(text)):
        assert read(TextReader(TOOLS), pieces(text, [cut]), finish) == whole
    assert read(TextReader(TOOLS), [Delta(char) for char in text], finish) == whole


PARTS = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<function=read_file>", "<function=edit>", "</function>"),
        *("<parameter=path>", "<parameter=new>", "</parameter>", "<parameter=x>", "</path>", "\n"),
        *("a.py", "```", "`", "<tool_response>", "</think>", X, BARE, "<function", "=", "text"),
        *("<function=no>", '<function name="edit">', " ", "<", ">", '{"name": "status"}'),
    ]
)
TEXTS = st.lists(PARTS, max_size=16).map("".join)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=12), st.sampled_from(["stop", "length"]))
def test_any_split_of_any_text_gives_the_same(text: str, cuts: list[int], finish: str) -> None:
    assert read(TextReader(TOOLS), pieces(text, cuts), finish) == answer(text, finish)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80).filter(lambda text: "</parameter>" not in text),
    st.lists(st.integers(0, 300), max_size=10),
)
def test_any_value_arrives_exactly(value: str, cuts: list[int]) -> None:
    text = "Look.\n" + written("edit", path="a", old=value, new=f"MARK{value}")
    seen = read(TextReader(TOOLS), pieces(text, cuts), "stop")
    assert seen.calls == (("edit", {"path": "a", "old": value, "new": f"MARK{value}"}, None),)
    assert seen.shown.rstrip() == "Look."
