"""Titles and commit messages: what a model adds is taken off, what it does not give is made up."""

from __future__ import annotations

import asyncio

import pytest

from qwright.agent.asides import ask_aside, commit_message, title_for
from qwright.agent.errors import ModelConnectionError, ModelError
from qwright.agent.limits import Budget, Limits, Stop
from qwright.agent.model import RetryChunk, Usage
from qwright.agent.profile import DEFAULT
from tests.fakes import Answer, ScriptedModel

SMALL = DEFAULT.model_copy(update={"prompt": "small"})
THINKING = DEFAULT.model_copy(update={"thinking": "always"})
PROMPT = "please fix the parser so that it takes\nempty lines too"
OWN = "please fix the parser so that"
DIFF = (
    "diff --git a/parse.py b/parse.py\n--- a/parse.py\n+++ b/parse.py\n@@ -1 +1 @@\n-a\n+b\n"
    "diff --git a/b.py b/b.py\n--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-a\n+b\n"
)
GONE = Answer("Fix", error=ModelConnectionError("gone"))


def title(*answers: Answer) -> str:
    return asyncio.run(title_for(ScriptedModel(*answers), DEFAULT, PROMPT, "I fixed it."))


def message(*answers: Answer) -> str:
    return asyncio.run(commit_message(ScriptedModel(*answers), DEFAULT, DIFF, ["parse: speed up"]))


@pytest.mark.parametrize(
    "said",
    [
        *(
            "Accept empty lines",
            '"Accept empty lines"',
            "**Accept empty lines**",
            "# Accept empty lines",
        ),
        *("Title: Accept empty lines", "Here is a title:\n\nAccept empty lines."),
        *("```\nAccept empty lines\n```", "```text\nAccept empty lines```"),
        *("<think>Which name?\nA short one.</think>\n\nAccept empty lines", "`Accept empty lines`"),
        *(
            "Sure! Here's the name:\n“Accept empty lines”",
            "Accept empty lines\n\nI chose this since...",
        ),
        *("**Title:** Accept empty lines", "\x1b[1mAccept empty\x07 lines\x1b[0m"),
    ],
)
def test_a_title_is_what_is_left_when_the_model_is_done_talking(said: str) -> None:
    assert title(Answer(said)) == "Accept empty lines"


def test_a_title_is_short_whatever_was_said() -> None:
    assert title(Answer("one two three four five six seven")) == "one two three four five six"
    assert len(title(Answer("x" * 400))) <= 60
    assert title(Answer("修复解析器")) == "修复解析器"


@pytest.mark.parametrize(
    "answer", [Answer(""), Answer("```\n```"), GONE, Answer("<think>forever"), Answer('""')]
)
def test_without_one_the_prompt_names_the_session(answer: Answer) -> None:
    assert title(answer) == OWN


def test_a_small_model_is_not_asked_for_a_title() -> None:
    model = ScriptedModel(Answer("never"))
    assert asyncio.run(title_for(model, SMALL, PROMPT, "")) == OWN
    assert not model.asked


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Accept empty lines", "Accept empty lines"),
        ("Accept empty lines\n\nThey were errors.", "Accept empty lines\n\nThey were errors."),
        ("Accept empty lines\nThey were errors.", "Accept empty lines\n\nThey were errors."),
        ("Here is the commit message:\n```\nfix: lines\n\nWhy.\n```\nBye.", "fix: lines\n\nWhy."),
        ("Commit message: fix: lines", "fix: lines"),
        ("# Accept\n\n# not a comment\nWhy.", "Accept\n\nWhy."),
        ("The parser: accept empty lines", "The parser: accept empty lines"),
        ('"Quote" the "name"', '"Quote" the "name"'),
        ("word " * 40, ("word " * 14).strip()),
        ("x" * 100, "x" * 72),
    ],
)
def test_a_commit_message_has_a_subject_and_perhaps_a_body(said: str, wanted: str) -> None:
    assert message(Answer(said)) == wanted


@pytest.mark.parametrize("answer", [Answer(""), GONE, Answer("```")])
def test_without_one_the_files_are_named(answer: Answer) -> None:
    assert message(answer) == "Change parse.py and 1 more"


def test_the_diff_is_cut_to_a_share_of_the_window() -> None:
    model = ScriptedModel(Answer("fix"))
    long = DIFF + "+line of code\n" * 50_000
    asyncio.run(commit_message(model, DEFAULT, long))
    [prompt] = model.asked[0]
    assert 10_000 < len(prompt.content) < 40_000
    assert "parse.py" in prompt.content
    assert model.offered == [[]]


class TestAsking:
    def test_what_a_retry_voids_is_no_part_and_all_is_counted(self) -> None:
        budget = Budget(Limits())
        answer = Answer("Yes.", before=(RetryChunk("busy", 1, 0.0),), usage=Usage(prompt=9))
        asked = ask_aside(ScriptedModel(answer), DEFAULT, "?", max_output=9, budget=budget)
        assert asyncio.run(asked) == "Yes."
        assert budget.tokens.prompt == 9

    def test_a_model_that_thinks_has_room_for_it(self) -> None:
        model = ScriptedModel(Answer("Yes."))
        for profile in (DEFAULT, THINKING):
            asyncio.run(ask_aside(model, profile, "?", max_output=9))
        plain, thinking = model.max_outputs
        assert plain == 9
        assert thinking is not None
        assert thinking > 1_000

    def test_a_failure_is_the_callers(self) -> None:
        with pytest.raises(ModelError):
            asyncio.run(ask_aside(ScriptedModel(GONE), DEFAULT, "?", max_output=9))

    def test_it_ends_with_its_budget(self) -> None:
        async def main() -> None:
            budget = Budget(Limits(seconds=0.05))
            model = ScriptedModel(Answer("Hm", hang=True))
            with pytest.raises(Stop):
                await ask_aside(model, DEFAULT, "?", max_output=9, budget=budget)
            assert await title_for(model, DEFAULT, PROMPT, "", budget=budget) == OWN
            assert model.closed_streams == len(model.asked)

        asyncio.run(main())
