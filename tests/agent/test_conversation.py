"""One conversation: how it grows, and what is tried first when it no longer fits."""

from __future__ import annotations

import asyncio

import pytest

from qwright.agent.context import Context
from qwright.agent.conversation import Conversation
from qwright.agent.errors import ContextOverflowError, ModelConnectionError, ModelError
from qwright.agent.limits import Budget, Limits, Stop
from qwright.agent.messages import Message
from qwright.agent.model import Finish, RetryChunk, Usage
from qwright.agent.opening import CUT_OFF
from qwright.agent.profile import DEFAULT
from qwright.tools.base import ToolResult
from tests.fakes import Answer, ScriptedModel, call

SYSTEM = Message(role="system", content="You help.")
READ = call("read_file", path="a.py")
LINES = "some words of a line\n"


def talk(size: int = 8_192) -> Conversation:
    context = Context(DEFAULT.model_copy(update={"context": size}))
    found = Conversation(context, SYSTEM, [])
    found.asked("Fix it.", "Fix it.")
    return found


def answer(found: Conversation, text: str = "Hm.", *, calls: bool = True) -> None:
    finish = Finish("calls" if calls else "stop", Usage(), text)
    found.answered(finish, [READ] if calls else [], text, 1_000)


def turns(found: Conversation, count: int, lines: int) -> None:
    for _ in range(count):
        answer(found)
        found.returned(READ, ToolResult(LINES * lines))


def left_out(found: Conversation) -> list[bool]:
    """Of each result, in order, whether a line stands in its place."""
    return ["to save room" in one.content for one in found.messages if one.role == "tool"]


def test_the_oldest_results_give_way_before_anything_is_summarised() -> None:
    found = talk()
    turns(found, 16, 100)
    assert found.shorten()
    old = left_out(found)
    assert old == sorted(old, reverse=True)
    assert 8 <= old.count(True) <= 13


def test_even_the_newest_give_way_but_not_what_is_unseen() -> None:
    found = talk(4_096)
    turns(found, 3, 150)
    answer(found, "words of mine " * 60)
    found.returned(READ, ToolResult(LINES * 150))
    assert found.shorten()
    assert left_out(found) == [True, True, True, False]


def test_where_room_is_left_nothing_changes() -> None:
    found = talk()
    turns(found, 2, 50)
    before = list(found.messages)
    assert found.shorten()
    assert found.messages == before


def test_an_answer_cut_off_is_told_so() -> None:
    found = talk()
    found.answered(Finish("length", Usage(completion=50), "I will"), [], "I will", 50)
    assert found.messages[-1].content == CUT_OFF


def test_a_long_history_of_words_is_summarised_and_begins_as_before() -> None:
    found = talk(4_096)
    for _ in range(12):
        answer(found, "words of mine " * 100, calls=False)
        found.told("Go on with what is left.")
    assert not found.shorten()
    start = found.messages[:2]
    event = found.compact("I know it now.", "a.py +1 -1")
    assert found.messages[0] is start[0]
    assert found.messages[1].content.startswith("Fix it.\n\n")
    for kept in ("words of mine", "Go on with what is left.", "a.py +1 -1", "I know it now."):
        assert kept in found.messages[1].content
    assert event.summary in found.messages[1].content
    assert event.after < event.before
    assert found.shorten()


@pytest.mark.parametrize(("lines", "stays"), [(20, True), (2_000, False)])
def test_what_was_just_read_stays_where_it_fits(lines: int, *, stays: bool) -> None:
    found = talk(4_096)
    for _ in range(12):
        answer(found, "words of mine " * 100, calls=False)
        found.told("Go on.")
    answer(found, "words of mine " * (1 if stays else 800))
    found.returned(READ, ToolResult(LINES * lines))
    last = found.messages[-2:]
    found.compact("", "")
    assert found.messages[2:] == (last if stays else [])


def test_what_cannot_shrink_is_not_tried_again() -> None:
    found = talk(4_096)
    with pytest.raises(Stop) as stopped:
        found.compact("", "")
    assert stopped.value.reason == "context_limit"
    assert len(found.messages) == 2


def test_a_refusal_is_believed_and_told() -> None:
    found = talk()
    notice = found.refused(ContextOverflowError("too long", 4_096))
    assert "4,096" in notice.text
    assert found.room < 4_096


def summarised(found: Conversation, *answers: Answer) -> tuple[str, list[Usage], ScriptedModel]:
    model = ScriptedModel(*answers)

    async def main() -> tuple[str, list[Usage]]:
        return await found.own_summary(model, Budget(Limits()))

    text, took = asyncio.run(main())
    return text, took, model


class TestOwnSummary:
    def test_it_is_asked_for_at_the_end_of_the_same_conversation(self) -> None:
        found = talk()
        turns(found, 2, 50)
        text, took, model = summarised(found, Answer("I read a.py.", usage=Usage(prompt=9)))
        assert (text, took) == ("I read a.py.", [Usage(prompt=9)])
        assert model.asked[0][:-1] == found.messages
        assert model.max_outputs[0] is not None
        assert model.max_outputs[0] <= 1_000

    def test_calls_and_what_a_retry_voids_are_not_part_of_it(self) -> None:
        retried = RetryChunk("thoughts only", 1, 0.0, Usage(prompt=7))
        last = Answer("I read.", (READ,), before=(retried,), usage=Usage(prompt=9))
        text, took, _ = summarised(talk(), last)
        assert text == "I read."
        assert [one.prompt for one in took] == [7, 9]

    @pytest.mark.parametrize(
        "error", [ModelConnectionError("gone"), ContextOverflowError("too long", 512)]
    )
    def test_a_failure_leaves_the_facts(self, error: ModelError) -> None:
        text, took, _ = summarised(talk(), Answer("I re", error=error))
        assert (text, took) == ("", [])

    def test_it_is_not_asked_for_where_nothing_fits(self) -> None:
        found = talk(2_048)
        answer(found, "words of mine " * 600)
        text, took, model = summarised(found, Answer("never"))
        assert (text, took, model.asked) == ("", [], [])
