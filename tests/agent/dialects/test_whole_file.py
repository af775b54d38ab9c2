from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.dialects import Delta
from qwright.agent.dialects.whole_file import WholeFileDialect, WholeFileReader, is_whole_file
from qwright.agent.messages import Message
from qwright.agent.model import CallChunk, TextDelta
from qwright.agent.opening import rewriting

ANSWER = "The comparison is wrong.\n\na.py\n```python\ndef f():\n    return '`'\n\n```"
CONTENT = "def f():\n    return '`'\n\n"


def read(pieces: list[str], reason: str = "stop") -> tuple[str, list[dict[str, object]]]:
    reader = WholeFileReader(["a.py", "b/c.py"])
    out = [shown for piece in pieces for shown in reader.feed(Delta(piece))]
    last = reader.finish(reason)
    text = "".join(one.text for one in [*out, *last] if isinstance(one, TextDelta))
    assert reader.text == "".join(pieces)
    return text, [one.call.arguments for one in last if isinstance(one, CallChunk)]


def test_prose_is_shown_and_the_file_is_a_call():
    text, calls = read([ANSWER])
    assert text == "The comparison is wrong.\n\n"
    assert calls == [{"path": "a.py", "content": CONTENT}]


@given(st.lists(st.integers(0, len(ANSWER)), max_size=8))
def test_every_split_reads_the_same(cuts: list[int]):
    ends = sorted({0, len(ANSWER), *cuts})
    pieces = [ANSWER[a:b] for a, b in pairwise(ends)]
    assert read(pieces) == read([ANSWER])


def test_an_answer_cut_at_the_limit_is_no_call():
    assert read([ANSWER], "length")[1] == []
    assert read([ANSWER[:-3]])[1] == []


def test_a_file_that_is_not_on_offer_is_not_written():
    assert read([ANSWER.replace("a.py", "test_a.py")])[1] == []


def test_the_grammar_names_only_the_paths_on_offer():
    tools = rewriting(["a.py", 'odd "name.py'])
    assert is_whole_file(tools)
    grammar = WholeFileDialect().request(tools)["extra_body"]["grammar"]
    assert grammar.endswith('path ::= "a.py" | "odd \\"name.py"\n')


def test_history_is_sent_as_the_model_wrote_it():
    tools = rewriting(["a.py"])
    messages = [
        Message(role="system", content="S"),
        Message(role="user", content="U"),
        Message(role="assistant", content=ANSWER),
        Message(role="tool", content="Replaced a.py."),
    ]
    wired = WholeFileDialect().wire(messages, tools)
    assert [one["role"] for one in wired] == ["system", "user", "assistant", "user"]
    assert wired[0]["content"].startswith("S\n\nSay in one or two sentences")
    assert wired[2]["content"] == ANSWER
