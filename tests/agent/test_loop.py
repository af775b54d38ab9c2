from __future__ import annotations

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ModelAuthError, ModelConnectionError
from qwright.agent.events import parse_event
from qwright.agent.limits import SAME_CALL_STOP, Limits
from qwright.agent.loop import Agent, Task
from qwright.agent.messages import ToolCall
from qwright.agent.model import RetryChunk, Usage
from qwright.agent.opening import CUT_OFF
from qwright.sandbox.base import CommandResult
from qwright.sandbox.errors import SandboxError, WorkspaceError
from tests.agent.stage import PATIENT, SEVERAL, Played, Stage, ran
from tests.fakes import Answer, call, ended, says

SEVERAL_TURNS = 2 * SEVERAL.turns_per_attempt
VERIFIED = Task("Fix a.py.", verify="python -m pytest -q")
DONE = Answer("All good.")
LOOK = call("read_file", path="a.py")
FIX = call("edit", path="a.py", old_string="x = 1", new_string="x = 2")
WRONG = call("edit", path="a.py", old_string="x = 1", new_string="x = 9")
OTHER = call("edit", path="a.py", old_string="x = 1", new_string="x = 8")
RUN = call("run_shell_command", command="make")


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


class TestAttempts:
    def test_each_starts_from_the_base_with_a_fresh_conversation(self, stage: Stage) -> None:
        found: list[bytes] = []

        def look(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.TurnStarted):
                found.append((stage.ws / "a.py").read_bytes())

        run = stage.play(
            says(WRONG),
            says(FIX),
            task=VERIFIED,
            profile=SEVERAL,
            act=stage.passes_when("a.py", b"x = 2"),
            during=look,
        )
        assert run.finished.reason == "done"
        assert [(one.attempt, one.of) for one in run.of(ev.AttemptStarted)] == [(2, 3)]
        assert found == [b"x = 1\n", b"x = 1\n"]
        assert run.model.asked[0] == run.model.asked[1]
        assert run.model.samplings[0] != run.model.samplings[1]
        assert run.file("a.py") == b"x = 2\n"

    def test_the_first_prompt_holds_the_files_and_the_failure(self, stage: Stage) -> None:
        profile = SEVERAL.model_copy(update={"attach_files": True})
        act = stage.passes_when("a.py", b"x = 2")
        run = stage.play(says(FIX), task=VERIFIED, profile=profile, act=act)
        assert run.types[1] == "verify_finished"
        prompt = run.model.asked[0][1].content
        assert prompt.startswith("Fix a.py.")
        assert "x = 1" in prompt
        assert "1 failed" in prompt

    def test_the_same_change_is_not_judged_twice(self, stage: Stage) -> None:
        run = stage.play(
            says(WRONG), task=VERIFIED, profile=SEVERAL, act=stage.passes_when("a.py", b"x = 2")
        )
        assert run.finished.reason == "not_verified"
        assert len(run.of(ev.AttemptStarted)) == 2
        # Once before the first turn, and once for the one change there was.
        assert len(run.sandbox.commands) == 2

    def test_different_changes_are_each_judged(self, stage: Stage) -> None:
        run = stage.play(
            says(WRONG),
            says(OTHER),
            says(FIX),
            task=VERIFIED,
            profile=SEVERAL,
            act=stage.passes_when("a.py", b"x = 2"),
        )
        assert run.finished.verified is True
        assert [one.exit_code for one in run.of(ev.VerifyFinished)] == [1, 1, 1, 0]

    def test_nothing_of_an_attempt_is_lost(self, stage: Stage) -> None:
        run = stage.play(
            says(WRONG),
            says(FIX),
            task=VERIFIED,
            profile=SEVERAL,
            act=stage.passes_when("a.py", b"x = 2"),
        )
        trees = [stage.store.tree_of(checkpoint) for checkpoint in stage.store.log()]
        kept = [stage.store.blob(tree["a.py"][1]) for tree in trees]
        assert kept == [b"x = 1\n", b"x = 9\n", b"x = 2\n"]
        assert run.file("a.py") == b"x = 2\n"


def test_without_a_verify_command_a_small_model_may_take_its_turns(stage: Stage) -> None:
    looks = [says(call("read_file", path="a.py", offset=n)) for n in range(SEVERAL_TURNS)]
    run = stage.play(*looks, says(FIX), DONE, profile=SEVERAL)
    assert run.finished.reason == "done"
    assert run.file("a.py") == b"x = 2\n"


class TestLimits:
    def test_turns(self, stage: Stage) -> None:
        looks = [says(call("read_file", path="a.py", offset=n)) for n in range(5)]
        run = stage.play(*looks, task=Task("t", limits=Limits(turns=3)))
        assert run.finished.reason == "turn_limit"
        assert run.finished.turns == 3
        assert "--max-turns" in run.finished.text
        assert len(run.model.asked) == 3

    def test_tokens(self, stage: Stage) -> None:
        step = Answer(calls=(LOOK,), usage=Usage(prompt=90, completion=20))
        run = stage.play(step, task=Task("t", limits=Limits(tokens=100)))
        assert run.finished.reason == "token_limit"
        assert "110 tokens" in run.finished.text
        assert len(run.model.asked) == 1
        assert run.of(ev.ToolFinished), "what was paid for is used"

    def test_time_while_the_model_is_silent(self, stage: Stage) -> None:
        run = stage.play(Answer("Hm", hang=True), task=Task("t", limits=Limits(seconds=0.2)))
        assert run.finished.reason == "time_limit"
        assert "--max-wall-time" in run.finished.text

    def test_time_while_a_command_runs(self, stage: Stage) -> None:
        def act(command: str) -> None:
            (stage.ws / "half").write_text("written")

        run = stage.play(says(RUN), act=act, task=Task("t", limits=Limits(seconds=0.5)))
        assert run.finished.reason == "time_limit"
        assert run.sandbox.stopped == 1
        assert run.labels() == ["base", "stopped: time_limit"]

    def test_a_limit_comes_before_fresh_attempts(self, stage: Stage) -> None:
        run = stage.play(
            says(WRONG),
            task=Task("t", "check", limits=Limits(turns=1)),
            profile=SEVERAL,
            act=stage.passes_when("a.py", b"x = 2"),
        )
        assert run.finished.reason == "turn_limit"


class TestCircles:
    def test_the_same_call_again_and_again_is_stopped(self, stage: Stage) -> None:
        run = stage.play(says(LOOK))
        assert run.finished.reason == "repeated_call"
        assert "read_file" in run.finished.text
        results = run.results()
        assert len(results) == SAME_CALL_STOP - 1
        assert "same call" not in results[0]
        assert all("same call" in text for text in results[1:])
        assert run.model.asked[-1][-1].content == results[-1]

    def test_the_same_call_on_other_files_is_another_call(self, stage: Stage) -> None:
        count = iter(range(100))

        def act(command: str) -> CommandResult:
            (stage.ws / "log").write_text(str(next(count)))
            return ended("again")

        steps = [says(RUN)] * (SAME_CALL_STOP + 1)
        run = stage.play(*steps, DONE, act=act)
        assert run.finished.reason == "done"

    def test_it_ends_an_attempt_and_not_the_run(self, stage: Stage) -> None:
        profile = SEVERAL.model_copy(update={"turns_per_attempt": 10, "attach_files": False})
        steps = [says(LOOK)] * SAME_CALL_STOP
        run = stage.play(
            *steps,
            says(LOOK),
            says(FIX),
            task=VERIFIED,
            profile=profile,
            act=stage.passes_when("a.py", b"x = 2"),
        )
        assert run.finished.reason == "done"
        assert len(run.of(ev.AttemptStarted)) == 1


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


class TestInterrupt:
    def test_while_the_model_speaks(self, stage: Stage) -> None:
        def stop(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.TextDelta) and event.text == "Hm":
                agent.interrupt()

        run = stage.play(says(FIX), Answer("Hm", hang=True), during=stop)
        assert run.finished.reason == "interrupted"
        assert run.labels() == ["base", "edit"]

    def test_while_a_command_runs_keeps_what_it_wrote(self, stage: Stage) -> None:
        def act(command: str) -> None:
            (stage.ws / "half").write_text("written")

        def stop(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.ToolStarted):
                agent.interrupt()

        run = stage.play(says(RUN), act=act, during=stop)
        assert run.finished.reason == "interrupted"
        assert "tool_finished" not in run.types

    def test_before_the_first_turn(self, stage: Stage) -> None:
        run = stage.play(DONE, during=lambda agent, event: agent.interrupt())
        assert run.finished.reason == "interrupted"

    def test_a_second_run_begins_anew(self, stage: Stage) -> None:
        assert stage.play(says(LOOK)).finished.reason == "repeated_call"
        assert stage.play(says(LOOK), DONE).finished.reason == "done"


class TestFailures:
    def test_of_the_model(self, stage: Stage) -> None:
        error = ModelConnectionError("no connection to the server")
        run = stage.play(says(FIX), Answer("Then", error=error))
        assert run.finished.reason == "model_error"
        assert run.finished.text == "no connection to the server"
        assert run.labels() == ["base", "edit"]

    def test_of_the_key(self, stage: Stage) -> None:
        run = stage.play(Answer(error=ModelAuthError("the key is wrong")))
        assert run.finished.reason == "key_refused"
        assert run.finished.text == "the key is wrong"

    def test_of_the_container(self, stage: Stage) -> None:
        def act(command: str) -> CommandResult:
            raise SandboxError("the container is gone")

        run = stage.play(says(FIX), says(RUN), act=act)
        assert run.finished.reason == "sandbox_error"
        assert run.finished.text == "the container is gone"

    def test_of_the_workspace(self, stage: Stage) -> None:
        run = stage.play(says(LOOK), broken=WorkspaceError("no space left"))
        assert run.finished.reason == "sandbox_error"
        assert run.finished.text == "no space left"

    def test_what_fails_meanwhile_ends_a_silent_model(self, stage: Stage) -> None:
        def fail(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.TextDelta):
                agent.fail(SandboxError("no engine"))

        run = stage.play(Answer("Hm", hang=True), during=fail)
        assert (run.finished.reason, run.finished.text) == ("sandbox_error", "no engine")

    def test_a_stop_that_cannot_be_recorded_still_ends_the_run(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise WorkspaceError("no space left")

        monkeypatch.setattr("qwright.sandbox.store.CheckpointStore.record", fail)
        run = stage.play(says(LOOK))
        assert run.finished.reason == "repeated_call"
        assert "no space left" in run.finished.text


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
