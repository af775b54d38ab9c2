from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.dialects import Delta
from qwright.agent.dialects.raw import RawDialect, is_raw
from qwright.agent.messages import Message
from qwright.agent.model import CallChunk, TextDelta, ToolSpec
from qwright.agent.rewriting import one_line, whole_file

FILE = "def f(x):\n    if x > 1:\n        return x\n    return x\n"
WHOLE = whole_file({"a.py": FILE, "b/c.py": FILE})
LINES = one_line({"a.py": FILE}, {})
REWRITE = "The comparison is wrong.\n\na.py\n```python\ndef f():\n    return '`'\n\n```"
CONTENT = "def f():\n    return '`'\n\n"
EDIT = "The wrong line of a.py is:\n```\n    if x > 1:\n```\nIt must be:\n```\n    if x >= 1:\n```"
CHANGE = {"path": "a.py", "old_string": "    if x > 1:", "new_string": "    if x >= 1:"}


def read(
    tools: list[ToolSpec], pieces: list[str], reason: str = "stop"
) -> tuple[str, list[dict[str, object]]]:
    reader = RawDialect().reader(tools)
    out = [shown for piece in pieces for shown in reader.feed(Delta(piece))]
    last = reader.finish(reason)
    text = "".join(one.text for one in [*out, *last] if isinstance(one, TextDelta))
    assert reader.text == "".join(pieces)
    return text, [one.call.arguments for one in last if isinstance(one, CallChunk)]


def test_prose_is_shown_and_the_file_is_a_call():
    text, calls = read(WHOLE, [REWRITE])
    assert text == "The comparison is wrong.\n\n"
    assert calls == [{"path": "a.py", "content": CONTENT}]


def test_a_changed_line_is_a_call():
    assert read(LINES, [EDIT]) == ("", [CHANGE])


@pytest.mark.parametrize(("tools", "answer"), [(WHOLE, REWRITE), (LINES, EDIT)])
@given(st.lists(st.integers(0, 90), max_size=8))
def test_every_split_reads_the_same(tools: list[ToolSpec], answer: str, cuts: list[int]):
    ends = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    pieces = [answer[a:b] for a, b in pairwise(ends)]
    assert read(tools, pieces) == read(tools, [answer])


@pytest.mark.parametrize(("tools", "answer"), [(WHOLE, REWRITE), (LINES, EDIT)])
def test_an_answer_cut_at_the_limit_is_no_call(tools: list[ToolSpec], answer: str):
    assert read(tools, [answer], "length")[1] == []
    assert read(tools, [answer[:-3]])[1] == []


def test_a_file_that_is_not_on_offer_is_not_touched():
    assert read(WHOLE, [REWRITE.replace("a.py", "test_a.py")])[1] == []
    assert read(LINES, [EDIT.replace("a.py", "b.py")])[1] == []


def test_the_grammar_names_only_what_is_on_offer():
    assert is_raw(WHOLE)
    assert is_raw(LINES)
    whole = RawDialect().request(whole_file({'odd "name.py': ""}))["extra_body"]["grammar"]
    assert whole.endswith('path ::= ("odd \\"name.py")\n')
    lines = RawDialect().request(LINES)["extra_body"]["grammar"]
    new = "\\n```\\nIt must be:\\n```\\n"
    assert f'"    if x > 1:{new}    " [^ \\t\\n`] [^\\n]*' in lines
    # The second `return x` is told from the first only by the line above it.
    assert f'"        return x\\n    return x{new}        return x\\n    "' in lines
    assert "def f" not in lines


def test_every_line_on_offer_is_found_once():
    offered = LINES[0].parameters["properties"]["old_string"]["enum"]
    assert [FILE.count(text) for text in offered] == [1] * len(offered)
    assert offered[-1] == "        return x\n    return x"


def test_every_line_gets_its_turn():
    def offered(tried: dict[str, int]) -> list[str]:
        return one_line({"a.py": FILE}, tried)[0].parameters["properties"]["old_string"]["enum"]

    lines = offered({})
    assert offered({lines[0]: 1}) == lines[1:]
    assert offered(dict.fromkeys(lines, 1)) == lines


def test_history_is_sent_as_the_model_wrote_it():
    messages = [
        Message(role="system", content="S"),
        Message(role="user", content="U"),
        Message(role="assistant", content=REWRITE),
        Message(role="tool", content="Replaced a.py."),
    ]
    wired = RawDialect().wire(messages, WHOLE)
    assert [one["role"] for one in wired] == ["system", "user", "assistant", "user"]
    assert wired[0]["content"] == "S"
    assert wired[1]["content"].startswith("U\n\nSay in one or two sentences")
    assert [one["content"] for one in wired[2:]] == [REWRITE, "Replaced a.py."]


def test_the_instruction_ends_the_newest_prompt_of_a_conversation():
    asked = [Message(role="user", content=text, asked=text) for text in ("Look.", "Fix it.")]
    answer, told = Message(role="assistant", content="I did."), Message(role="user", content="No.")
    messages = [asked[0], answer, asked[1], answer, told]
    wired = [one["content"] for one in RawDialect().wire(messages, LINES)]
    assert [text for text in wired if "a.py" in text] == [wired[2]]
    assert wired[2].startswith("Fix it.\n\n")
