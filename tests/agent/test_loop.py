"""One run: what happens, in which order, and what the model hears of it."""

from __future__ import annotations

import pytest

from qwright.agent import events as ev
from qwright.agent.events import parse_event
from qwright.agent.loop import Task
from qwright.agent.messages import ToolCall
from qwright.agent.model import RetryChunk
from qwright.agent.opening import CALL_NOW, CUT_OFF
from qwright.sandbox.base import CommandResult
from tests.agent.moves import DONE, FIX, LOOK, RUN, VERIFIED, WRONG
from tests.agent.stage import PATIENT, SEVERAL, Played, Stage, ran
from tests.fakes import Answer, call, ended, says


def test_events_come_in_the_order_of_what_happens(stage: Stage) -> None:
    run = stage.play(says(LOOK, FIX, text="Let me see."), DONE)
    assert run.types == [
        *("run_started", "turn_started", "text_delta", "usage_reported"),
        *("tool_started", "tool_finished", "tool_started", "tool_finished", "checkpoint_made"),
        *("turn_started", "text_delta", "usage_reported", "run_finished"),
    ]
    assert run.finished.reason == "done"
    assert run.finished.text == "All good."
    assert run.finished.verified is None
    assert run.finished.turns == 2
    assert run.finished.tokens == ev.Tokens(prompt=20, cached=8, completion=10)
    assert run.file("a.py") == b"x = 2\n"
    assert run.labels() == ["base", "read_file, edit"]
    started = run.events[0]
    assert isinstance(started, ev.RunStarted)
    assert (started.session, started.model, started.prompt) == ("s1", "m1", "Fix a.py.")


def test_the_model_sees_its_answer_and_every_result(stage: Stage) -> None:
    run = stage.play(Answer("Hm.", (LOOK, FIX), reasoning="I think"), DONE)
    first, second = run.model.asked
    assert [message.role for message in first] == ["system", "user"]
    assert second[:2] == first
    answer, *results = second[2:]
    assert (answer.role, answer.content, answer.reasoning) == ("assistant", "Hm.", "I think")
    assert answer.tool_calls == (LOOK, FIX)
    assert [(one.role, one.tool_call_id) for one in results] == [
        ("tool", LOOK.id),
        ("tool", FIX.id),
    ]
    assert "x = 1" in results[0].content
    assert run.model.offered[0] == run.model.offered[1]


def test_a_small_model_that_only_announces_a_call_is_asked_for_it_once(stage: Stage) -> None:
    small = PATIENT.model_copy(update={"attach_files": True})
    announced = says(text="I will call edit on a.py.")
    run = stage.play(announced, says(FIX), says(text="I used edit."), profile=small)
    assert run.model.asked[1][-1].content == CALL_NOW
    assert run.file("a.py") == b"x = 2\n"
    assert len(run.model.asked) == 3, "after a call its name is a report"
    again = Stage(stage.ws.parent / "again").play(announced, announced, profile=small)
    assert len(again.model.asked) == 2
    assert again.finished.reason == "done"
    large = Stage(stage.ws.parent / "large").play(announced, profile=PATIENT)
    assert len(large.model.asked) == 1


@pytest.mark.parametrize("attach", [False, True])
def test_notes_stand_before_the_task_and_are_no_system_text(stage: Stage, *, attach: bool) -> None:
    profile = PATIENT.model_copy(update={"attach_files": attach})
    run = stage.play(DONE, task=Task("Fix a.py.", notes="Use tabs."), profile=profile)
    system, first = run.model.asked[0]
    assert first.content.startswith("Use tabs.\n\nFix a.py.")
    assert "Use tabs." not in system.content
    assert isinstance(run.events[0], ev.RunStarted)
    assert run.events[0].prompt == "Fix a.py."


def test_a_call_that_writes_nothing_makes_no_checkpoint(stage: Stage) -> None:
    run = stage.play(says(LOOK), says(RUN), DONE)
    assert not run.of(ev.CheckpointMade)
    assert run.labels() == ["base"]


def test_what_a_command_wrote_is_recorded(stage: Stage) -> None:
    def act(command: str) -> CommandResult:
        (stage.ws / "made").write_text(command)
        return ended()

    run = stage.play(says(RUN), DONE, act=act)
    assert run.labels() == ["base", "run_shell_command"]
    assert run.of(ev.CheckpointMade)[0].commit == stage.store.log()[1].commit


def test_the_verify_command_decides_not_the_model(stage: Stage) -> None:
    run = stage.play(
        says(text="It is fine as it is."),
        says(FIX),
        DONE,
        task=VERIFIED,
        act=stage.passes_when("a.py", b"x = 2"),
    )
    assert [one.exit_code for one in run.of(ev.VerifyFinished)] == [1, 0]
    assert run.finished.reason == "done"
    assert run.finished.verified is True
    told = run.model.asked[1][-1]
    assert told.role == "user"
    assert "1 failed" in told.content


def test_a_run_that_is_never_verified_says_so(stage: Stage) -> None:
    run = stage.play(DONE, says(WRONG), DONE, task=VERIFIED, act=stage.passes_when("a.py", b"2"))
    assert run.finished.reason == "not_verified"
    assert run.finished.verified is False
    assert "python -m pytest -q" in run.finished.text
    assert len(run.of(ev.VerifyFinished)) == PATIENT.failures_per_attempt
    assert run.file("a.py") == b"x = 9\n"


def test_verification_runs_where_the_user_was(stage: Stage) -> None:
    run = stage.play(DONE, task=VERIFIED, subdirectory="my dir")
    assert run.sandbox.commands == ["cd 'my dir' && python -m pytest -q"]


class TestMistakesOfTheModel:
    @pytest.mark.parametrize(
        ("mistake", "said"),
        [
            (call("delete_everything"), "There is no tool"),
            (call("read_file"), 'missing "path"'),
            (call("edit", path="a.py"), 'missing "old_string"'),
            (call("read_file", path="a.py", colour="red"), "there is no argument"),
            (ToolCall(id="c", name="edit", arguments={}, error="no JSON: {"), "no JSON: {"),
            (call("read_file", path="../../etc/passwd"), "etc/passwd"),
            (call("read_file", path="/etc/passwd"), "/etc/passwd"),
            (call("read_file", path="missing.py"), "missing.py"),
            (call("edit", path="a.py", old_string="y", new_string="z"), "a.py"),
            (call("read_file", path="\ud800"), "Unicode"),
        ],
    )
    def test_each_is_a_result_and_the_model_goes_on(
        self, stage: Stage, mistake: ToolCall, said: str
    ) -> None:
        run = stage.play(says(mistake), says(FIX), DONE)
        assert run.finished.reason == "done"
        wrong = run.of(ev.ToolFinished)[0]
        assert wrong.is_error
        assert said in wrong.text
        assert run.model.asked[1][-1].content == wrong.text
        assert run.file("a.py") == b"x = 2\n"

    def test_the_good_calls_beside_a_bad_one_run(self, stage: Stage) -> None:
        run = stage.play(says(call("nothing"), FIX), DONE)
        assert [one.is_error for one in run.of(ev.ToolFinished)] == [True, False]
        assert run.file("a.py") == b"x = 2\n"

    def test_an_answer_that_was_cut_is_asked_for_again(self, stage: Stage) -> None:
        run = stage.play(Answer("I will now", cut=True), says(FIX), DONE)
        assert run.finished.reason == "done"
        assert run.model.asked[1][-1].content == CUT_OFF
        assert run.file("a.py") == b"x = 2\n"

    def test_a_retry_is_reported(self, stage: Stage) -> None:
        run = stage.play(Answer("Done.", before=(RetryChunk("busy", 1, 2.5),)))
        assert run.of(ev.Retrying) == [ev.Retrying(reason="busy", attempt=1, wait=2.5)]


def rich_run(stage: Stage) -> Played:
    """A run with nearly every event in it."""
    return stage.play(
        Answer("Hm.", (LOOK,), "I think", before=(RetryChunk("busy", 1, 0.5),)),
        says(WRONG),
        says(call("nothing", deep={"list": [1, None, "ä\n"]})),
        says(FIX),
        task=VERIFIED,
        profile=SEVERAL,
        act=stage.passes_when("a.py", b"x = 2"),
    )


def test_events_survive_json(stage: Stage) -> None:
    run = rich_run(stage)
    assert len(set(run.types)) >= 11
    for event in run.events:
        line = event.model_dump_json()
        assert "\n" not in line
        assert parse_event(line) == event


def test_a_command_is_given_to_the_sandbox_as_it_is(stage: Stage) -> None:
    run = stage.play(says(RUN), DONE, act=ran)
    assert run.sandbox.commands == ["make"]
