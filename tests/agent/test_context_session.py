"""Long sessions of the loop in windows of every size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.exits import Exit, of_reason
from qwright.agent.limits import Limits
from qwright.agent.loop import Task
from qwright.agent.messages import Message
from qwright.agent.model import ToolSpec, Usage
from qwright.agent.profile import DEFAULT, Profile
from qwright.sandbox.base import CommandResult
from tests.agent.stage import Stage
from tests.agent.windows import SUMMARY, Run, WindowedModel, by_characters, play, wired
from tests.fakes import Answer, call, ended, says

TASK = Task("Repair the fifth function of big.py.", verify="make test", limits=Limits(turns=60))
PLAN = "My plan: read big.py, edit a.py, then repair function_5."
FIX = call("edit", path="big.py", old_string="return 5 - 1", new_string="return 5 + 1")
BIG = "".join(
    f"def function_{n}(value: int) -> int:\n    # {'words ' * 8}\n    return {n} - 1\n\n"
    for n in range(400)
)


def profile(context: int, **more: object) -> Profile:
    return DEFAULT.model_copy(update={"context": context, **more})


def forty_turns() -> list[Answer]:
    """Reads and runs with long results, changes early and late, failures in between."""
    turns = [
        says(call("read_file", path="big.py"), text=PLAN),
        says(call("edit", path="a.py", old_string="x = 1", new_string="x = 2")),
    ]
    for n in range(18):
        looks = [call("read_file", path="big.py", offset=60 * n + k, limit=60) for k in (1, 31)]
        last = call("read_file", path="big.py", offset=1200 - 30 * n)
        if n % 6 == 5:
            last = call("run_shell_command", command=f"make step{n}")
        turns += [says(*looks), says(last)]
    return [*turns, says(FIX), Answer("The fifth function adds now.")]


def stage_with(root: Path) -> Stage:
    stage = Stage(root)
    (stage.ws / "big.py").write_text(BIG)
    stage.store.record("big.py", 0)
    return stage


@pytest.fixture
def big(tmp_path: Path) -> Stage:
    return stage_with(tmp_path / "big")


def acting(stage: Stage, command: str) -> CommandResult:
    if command != "make test":
        return ended("\n".join(f"{command}: line {n} of a log" for n in range(900)) + "\nFAILED", 2)
    good = "return 5 + 1" in (stage.ws / "big.py").read_text()
    return ended("1 passed") if good else ended("1 failed", 1)


def paired(messages: Sequence[Message]) -> bool:
    """Whether each result stands behind its call, and each call before its result."""
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if not waiting or waiting.pop(0) != message.tool_call_id:
                return False
        elif waiting:
            return False
        else:
            waiting = [one.id for one in message.tool_calls]
    return not waiting


@pytest.mark.parametrize("window", [4_096, 8_192, 32_768, 131_072, 1_000_000])
def test_forty_turns_finish_in_a_window_of_any_size(big: Stage, window: int) -> None:
    model = WindowedModel(window, forty_turns())
    run = play(big, model, profile(window), TASK, lambda command: acting(big, command))
    assert (run.finished.reason, run.finished.verified) == ("done", True)
    assert model.turn == 40
    assert model.refusals == 0
    for messages, size, room in zip(model.asked, model.sizes, model.rooms, strict=True):
        assert size + room <= window
        assert TASK.prompt in messages[1].content
        assert paired(messages)
    assert b"return 5 + 1" in (big.ws / "big.py").read_bytes()
    assert bool(run.compacted) == (window < 32_768)


@dataclass(frozen=True)
class Session:
    model: WindowedModel
    run: Run


@pytest.fixture(scope="module")
def in_8k(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Forty turns that are over."""
    stage = stage_with(tmp_path_factory.mktemp("session") / "big")
    model = WindowedModel(8_192, forty_turns())
    return Session(
        model, play(stage, model, profile(8_192), TASK, lambda command: acting(stage, command))
    )


def test_what_must_not_be_lost_survives_compaction(in_8k: Session) -> None:
    assert len(in_8k.run.compacted) >= 2
    last = in_8k.model.asked[-1][1].content
    for kept in (TASK.prompt, PLAN, "a.py +1 -1", "make step", "FAILED", SUMMARY):
        assert kept in last
    for one in in_8k.run.compacted:
        assert one.after < one.before
        assert PLAN in one.summary


def test_a_summary_costs_tokens_too(in_8k: Session) -> None:
    reported = [one for one in in_8k.run.events if isinstance(one, ev.UsageReported)]
    assert in_8k.model.summaries >= 1
    assert len(reported) == 40 + in_8k.model.summaries
    assert in_8k.run.finished.tokens.prompt == sum(in_8k.model.sizes)


def test_each_request_begins_with_the_one_before(big: Stage) -> None:
    model = WindowedModel(32_768, forty_turns())
    play(big, model, profile(32_768), TASK, lambda command: acting(big, command))
    sent = [wired(messages) for messages in model.asked]
    rewritten = [n for n, (one, two) in enumerate(pairwise(sent)) if two[: len(one)] != one]
    # What was rewritten is evaluated again: seldom, then, and much at once.
    assert rewritten
    assert all(later - sooner >= 4 for sooner, later in pairwise(rewritten))


def test_a_large_window_is_never_touched(big: Stage) -> None:
    model = WindowedModel(1_000_000, forty_turns())
    play(big, model, profile(1_000_000), TASK, lambda command: acting(big, command))
    assert wired(model.asked[-1])[: len(model.asked[-2])] == wired(model.asked[-2])
    assert all("left out to save room" not in one.content for one in model.asked[-1])


@pytest.mark.parametrize("names_window", [True, False])
def test_a_window_smaller_than_was_known_is_learned(big: Stage, names_window: bool) -> None:
    model = WindowedModel(8_192, forty_turns(), names_window=names_window)
    run = play(big, model, profile(131_072), TASK, lambda command: acting(big, command))
    assert run.finished.reason == "done"
    assert len(run.notices) == model.refusals
    assert model.refusals <= (1 if names_window else 12)


def test_a_server_that_cuts_silently_ends_the_run_with_what_to_do(big: Stage) -> None:
    model = WindowedModel(4_096, forty_turns(), strict=False)
    run = play(big, model, profile(32_768), TASK, lambda command: acting(big, command))
    assert run.finished.reason == "model_error"
    assert of_reason(run.finished.reason) == Exit.MODEL == 43
    assert "OLLAMA_CONTEXT_LENGTH" in run.finished.text
    assert "\n" not in run.finished.text
    assert model.turn < 10


@pytest.mark.parametrize("characters", [2, 6])
def test_the_servers_tokenizer_may_be_any(big: Stage, characters: int) -> None:
    def count(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        return by_characters(messages, tools) * 3 // characters

    model = WindowedModel(16_384, forty_turns(), count=count)
    run = play(big, model, profile(16_384), TASK, lambda command: acting(big, command))
    assert run.finished.reason == "done"
    assert model.refusals == 0
    assert max(model.sizes) > 10_000, "the window is used"


def test_servers_that_count_nothing_are_given_the_benefit(big: Stage) -> None:
    model = WindowedModel(32_768, forty_turns(), reports=lambda prompt: Usage())
    run = play(big, model, profile(32_768), TASK, lambda command: acting(big, command))
    assert run.finished.reason == "done"
    assert model.refusals <= 1


def test_a_task_that_never_fits_ends_clearly(big: Stage) -> None:
    task = Task("Read this: " + "word " * 20_000)
    run = play(big, WindowedModel(8_192, [Answer("Done.")]), profile(8_192), task)
    assert run.finished.reason == "context_limit"
    assert of_reason(run.finished.reason) == Exit.LIMIT == 55
    assert "8,192" in run.finished.text
    assert "\n" not in run.finished.text


def test_without_a_summary_of_the_model_the_facts_must_do(big: Stage) -> None:
    model = WindowedModel(8_192, forty_turns(), summary="")
    run = play(big, model, profile(8_192), TASK, lambda command: acting(big, command))
    assert run.finished.reason == "done"
    assert model.summaries == len(run.compacted)
    assert "a.py +1 -1" in run.compacted[-1].summary
    assert "Your own summary" not in run.compacted[-1].summary


def test_a_model_held_to_calls_is_not_asked_for_a_summary(big: Stage) -> None:
    model = WindowedModel(8_192, forty_turns())
    held = profile(8_192, constraint="grammar")
    run = play(big, model, held, TASK, lambda command: acting(big, command))
    assert run.finished.reason == "done"
    assert (model.summaries, bool(run.compacted)) == (0, True)
