"""Whatever a session does, what is sent fits the window and keeps its calls with their results."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.context import Context
from qwright.agent.conversation import Conversation
from qwright.agent.messages import Message
from qwright.agent.model import Finish, Usage
from qwright.agent.profile import DEFAULT
from qwright.tools.base import ToolResult
from tests.fakes import call

TEXTS = (
    "some words of a line\n",
    "0.125,0.375\n",
    "这个函数会抛出异常\n",
    "{}[]();\n",
    "=" * 60 + "\n",
)
TURN = st.tuples(
    st.lists(st.tuples(st.sampled_from(TEXTS), st.integers(0, 1_500)), max_size=4),
    st.integers(0, 200),
    st.sampled_from(["", "loop", "user"]),
)
"""Results of an answer's calls, the answer's words, and who says something then."""
PROMPT = "And now something else, please: "
Turn = tuple[list[tuple[str, int]], int, str]


def play(found: Conversation, turns: list[Turn]) -> None:
    prompts = ["Fix it."]
    for number, (results, words, speaks) in enumerate(turns):
        if not found.shorten():
            found.compact("In my own words.", "a.py +1 -1")
        assert found.room > 0
        calls = [call("read_file", path=f"{n}.py") for n in range(len(results))]
        finish = Finish("calls" if calls else "stop", Usage(), "word " * words)
        found.answered(finish, calls, finish.text, found.room)
        for one, (text, times) in zip(calls, results, strict=True):
            found.returned(one, ToolResult(text * times))
        if speaks == "user":
            prompts.append(f"{PROMPT}{number}.")
            found.settle("[interrupted]")
            found.asked(prompts[-1], prompts[-1])
        elif speaks or not calls:
            found.told("It still fails.")
        check(found, prompts)


def check(found: Conversation, prompts: list[str]) -> None:
    system, first, *rest = found.messages
    assert (system.content, first.content[:7]) == ("You help.", "Fix it.")
    said = "\n".join(one.content for one in found.messages if one.asked)
    places = [said.index(prompt) for prompt in prompts]
    assert places == sorted(places)
    waiting = 0
    for message in rest:
        if message.role == "tool":
            waiting -= 1
            assert waiting >= 0
        else:
            assert waiting == 0
            waiting = len(message.tool_calls)
    assert waiting == 0


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([4_096, 8_192, 32_768]), st.lists(TURN, max_size=12))
def test_it_always_fits_and_stays_paired(size: int, turns: list[Turn]) -> None:
    context = Context(DEFAULT.model_copy(update={"context": size}))
    found = Conversation(context, Message(role="system", content="You help."), [])
    found.asked("Fix it.", "Fix it.")
    play(found, turns)
    if not found.shorten():
        found.compact("", "")
    assert context.tokens(found.messages, []) <= context.limit
