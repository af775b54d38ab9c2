"""How a run ends early: limits, circles, interrupts, failures."""

from __future__ import annotations

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ModelAuthError, ModelConnectionError
from qwright.agent.limits import SAME_CALL_STOP, Limits
from qwright.agent.loop import Agent, Task
from qwright.agent.model import Usage
from qwright.sandbox.base import CommandResult
from qwright.sandbox.errors import SandboxError, WorkspaceError
from tests.agent.moves import DONE, FIX, LOOK, RUN, VERIFIED, WRONG
from tests.agent.stage import SEVERAL, Stage
from tests.fakes import Answer, call, ended, says


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
        done = stage.play(says(LOOK), DONE)
        assert (done.finished.reason, done.agent.failure) == ("done", None)


class TestFailures:
    def test_of_the_model(self, stage: Stage) -> None:
        error = ModelConnectionError("no connection to the server")
        run = stage.play(says(FIX), Answer("Then", error=error))
        assert run.finished.reason == "model_error"
        assert run.finished.text == "no connection to the server"
        assert run.agent.failure is error
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
