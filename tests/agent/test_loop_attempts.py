"""Fresh attempts of a small model, judged by a verify command."""

from __future__ import annotations

from qwright.agent import events as ev
from qwright.agent.loop import Agent
from tests.agent.moves import DONE, FIX, OTHER, VERIFIED, WRONG
from tests.agent.stage import SEVERAL, Stage
from tests.fakes import call, says

SEVERAL_TURNS = 2 * SEVERAL.turns_per_attempt


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
