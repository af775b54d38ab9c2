"""Several attempts at one task: what each begins with, what it leaves, which one stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from qwright.agent import events as ev
from qwright.agent import language
from qwright.agent.comparison import Comparison
from qwright.agent.errors import ModelAuthError, ModelError
from qwright.agent.language import translated
from qwright.agent.limits import Budget, Limits
from qwright.agent.loop import Agent, Task
from qwright.sandbox.attempts import everything_in, find_attempt, kept_attempts
from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import Checkpoint
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from tests.agent.moves import DONE, FIX, LOOK, OTHER, RUN, VERIFIED, WRONG
from tests.agent.stage import SEVERAL, Played, Stage
from tests.fakes import Act, Answer, ScriptedSandbox, call, ended, says

THREE = Task("Fix a.py.", attempts=3)
NEW_TEST = call("write_file", path="test_new.py", content="from a import x\nassert x == 2\n")
FOUR = call("edit", path="a.py", old_string="x = 1", new_string="x = 4\n\n\nmore = 4")


def kept(run: Played) -> dict[int, tuple[bytes, str]]:
    """What the branches of the attempts hold in a.py, and how they ended."""
    found = dict[int, tuple[bytes, str]]()
    for attempt in kept_attempts(run.store):
        blob = run.store.tree_of(attempt.left)["a.py"][1]
        found[attempt.number] = run.store.blob(blob), attempt.left.label
    return found


def chosen(run: Played) -> tuple[int, str]:
    (event,) = run.of(ev.AttemptChosen)
    language.choose("zh")
    assert translated(event.why) != event.why, "every reason is known in Chinese"
    language.choose("en")
    return event.attempt, event.why


def printing(stage: Stage, **said: str) -> Act:
    """What tests print by what a.py says: `x9="2 failed"` for "x = 9"."""

    def act(command: str) -> CommandResult:
        text = (stage.ws / "a.py").read_text()
        for key, value in said.items():
            if f"x = {key[1:]}" in text:
                return ended(value, int("failed" in value or "no" in value))
        return ended("5 failed in 0.1s", 1)

    return act


class TestWithAVerifyCommand:
    def test_the_one_with_the_fewest_failures_stands_where_none_passes(self, stage: Stage) -> None:
        act = printing(
            stage,
            x9="2 failed, 3 passed in 0.1s",
            x8="1 failed, 4 passed in 0.1s",
            x4="1 error in 0.1s failed",
        )
        run = stage.play(
            says(WRONG), says(OTHER), says(FOUR), task=VERIFIED, profile=SEVERAL, act=act
        )
        assert run.finished.reason == "not_verified"
        assert chosen(run) == (2, "1 of 5 tests fail, the fewest")
        assert run.file("a.py") == b"x = 8\n"
        assert "x = 8" in str(run.agent.messages), "the conversation goes on from there"
        failed = f"`{VERIFIED.verify}` did not pass"
        assert kept(run) == {
            1: (b"x = 9\n", failed),
            2: (b"x = 8\n", failed),
            3: (b"x = 4\n\n\nmore = 4\n", failed),
        }
        assert run.store.diff(*_ends(run, 1)).count("+x = 9") == 1

    def test_without_counts_it_is_the_first_that_changed_something(self, stage: Stage) -> None:
        act = printing(stage, x9="no", x8="no", x1="no")
        run = stage.play(
            says(LOOK), DONE, says(WRONG), says(OTHER), task=VERIFIED, profile=SEVERAL, act=act
        )
        assert chosen(run) == (2, "the first that changed something")
        assert run.file("a.py") == b"x = 9\n"

    def test_the_first_that_passes_stands_and_no_other_is_begun(self, stage: Stage) -> None:
        act = stage.passes_when("a.py", b"x = 2")
        run = stage.play(says(WRONG), says(FIX), task=VERIFIED, profile=SEVERAL, act=act)
        assert chosen(run) == (2, f"`{VERIFIED.verify}` passes")
        assert [label for _, label in kept(run).values()] == [
            f"`{VERIFIED.verify}` did not pass",
            "verified",
        ]

    def test_one_means_one(self, stage: Stage) -> None:
        task = replace(VERIFIED, attempts=1)
        act = stage.passes_when("a.py", b"x = 2")
        run = stage.play(says(WRONG), says(FIX), task=task, profile=SEVERAL, act=act)
        assert run.finished.reason == "not_verified"
        assert len(run.model.asked) == 1
        assert kept(run) == {}

    def test_more_can_be_had_of_any_model(self, stage: Stage) -> None:
        steps = (says(WRONG), DONE, DONE, says(FIX), DONE)
        act = stage.passes_when("a.py", b"x = 2")
        run = stage.play(*steps, task=replace(VERIFIED, attempts=2), act=act)
        assert run.finished.verified is True
        assert run.model.asked[0] == run.model.asked[3]
        assert run.model.samplings[0] != run.model.samplings[3]

    def test_a_limit_leaves_the_best_so_far(self, stage: Stage) -> None:
        act = printing(stage, x9="1 failed, 4 passed in 0.1s", x8="2 failed, 3 passed in 0.1s")
        task = replace(VERIFIED, limits=Limits(turns=2))
        run = stage.play(says(WRONG), says(OTHER), task=task, profile=SEVERAL, act=act)
        assert run.finished.reason == "turn_limit"
        assert chosen(run)[0] == 1
        assert run.file("a.py") == b"x = 9\n"

    def test_what_the_command_writes_is_no_part_of_an_attempt(self, stage: Stage) -> None:
        count = printing(stage, x9="2 failed, 1 passed in 0.1s", x8="1 failed, 2 passed in 0.1s")
        runs: list[str] = []

        def act(command: str) -> CommandResult:
            runs.append(command)
            (stage.ws / ".coverage").write_text(f"run {len(runs)}")
            return count(command) or pytest.fail("no verdict")

        idle = call("write_file", path="a.py", content="x = 1\n")
        steps = (says(idle), says(WRONG), says(OTHER))
        run = stage.play(*steps, task=VERIFIED, profile=SEVERAL, act=act)
        assert chosen(run) == (2, "1 of 3 tests fail, the fewest")
        for attempt in kept_attempts(run.store):
            assert ".coverage" not in run.store.tree_of(attempt.left)
        last = run.store.cursor() or pytest.fail("nothing recorded")
        assert ".coverage" not in run.store.tree_of(last)


class TestWhenTheModelIsGone:
    GONE = Answer("", error=ModelError("the server went away"))

    def test_what_was_finished_is_chosen_from(self, stage: Stage) -> None:
        act = printing(stage, x9="1 failed, 4 passed in 0.1s", x8="2 failed, 3 passed in 0.1s")
        steps = (says(WRONG), says(OTHER), self.GONE)
        run = stage.play(*steps, task=VERIFIED, profile=SEVERAL, act=act)
        assert run.finished.reason == "not_verified"
        assert chosen(run) == (1, "1 of 5 tests fail, the fewest")
        assert run.file("a.py") == b"x = 9\n"
        (notice,) = run.of(ev.Notice)
        assert notice.text == "attempt 3 is lost, those before it count: the server went away"

    def test_even_if_that_is_only_one(self, stage: Stage) -> None:
        run = stage.play(says(FIX), DONE, says(WRONG), self.GONE, task=THREE)
        assert run.finished.reason == "done"
        assert chosen(run) == (1, "the only one that came to its end")
        assert run.file("a.py") == b"x = 2\n"

    @pytest.mark.parametrize(
        ("before", "error", "reason"),
        [
            ((), ModelError("gone"), "model_error"),
            ((says(FIX), DONE), ModelAuthError("no key"), "key_refused"),
        ],
    )
    def test_nothing_to_choose_from_or_a_key_that_is_refused(
        self, stage: Stage, before: tuple[Answer, ...], error: ModelError, reason: str
    ) -> None:
        run = stage.play(*before, Answer("", error=error), task=THREE)
        assert run.finished.reason == reason


class TestEachBeginsAsTheTaskDid:
    def test_with_nothing_of_the_one_before(self, stage: Stage) -> None:
        (stage.ws / "node_modules").mkdir()
        (stage.ws / "node_modules" / "mine").write_text("installed")
        made = ["__pycache__/a.pyc", "node_modules/its", ".git/config", "deep/er/x", "plain"]
        found: list[set[str]] = []

        def act(command: str) -> CommandResult:
            for path in made if command == "make" else ():
                (stage.ws / path).parent.mkdir(parents=True, exist_ok=True)
                (stage.ws / path).write_text("made")
                if path == "plain":
                    (stage.ws / "away").symlink_to("/etc")
                    (stage.ws / "test_a.py").unlink()
            return ended("1 failed", 1)

        def look(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.TurnStarted):
                found.append({str(path.relative_to(stage.ws)) for path in stage.ws.rglob("*")})

        profile = SEVERAL.model_copy(update={"attempts": 2})
        stage.play(says(RUN), says(RUN), task=VERIFIED, profile=profile, act=act, during=look)
        before, *_, after = found
        assert after == before
        assert "node_modules/mine" in after

    def test_a_container_that_has_run_something_is_not_used_again(self, stage: Stage) -> None:
        act = stage.passes_when("a.py", b"x = 2")
        run = stage.play(says(WRONG), says(FIX), task=VERIFIED, profile=SEVERAL, act=act)
        assert run.sandbox.is_closed
        assert run.finished.verified is True

    def test_branches_are_those_of_the_last_task(self, stage: Stage) -> None:
        act = printing(stage)
        first = stage.play(
            says(WRONG), says(OTHER), says(FOUR), task=VERIFIED, profile=SEVERAL, act=act
        )
        assert set(kept(first)) == {1, 2, 3}
        stage.store.restore(stage.store.log()[0])
        second = stage.play(says(WRONG), DONE, says(FIX), DONE, task=replace(THREE, attempts=2))
        assert set(kept(second)) == {1, 2}
        with pytest.raises(WorkspaceError, match="no attempt 3: there are 1, 2"):
            find_attempt(second.store, 3)


class TestWithoutOne:
    def test_all_run_and_the_one_that_passes_most_stands(self, stage: Stage) -> None:
        act = printing(stage, x9="1 passed, 1 failed in 0.1s", x2="2 passed in 0.1s")
        run = stage.play(
            *(says(WRONG), DONE, says(FIX), says(text="Fixed."), says(OTHER), DONE),
            task=THREE,
            act=act,
        )
        assert run.finished.reason == "done"
        assert run.finished.text == "Fixed."
        judged = [(one.attempt, one.score, one.of) for one in run.of(ev.AttemptJudged)]
        assert judged == [(1, 1, 5), (2, 2, 5), (3, 0, 5)]
        assert chosen(run) == (2, "passes the most tests, 2")
        assert run.file("a.py") == b"x = 2\n"
        assert [text for text, _ in kept(run).values()] == [b"x = 9\n", b"x = 2\n", b"x = 8\n"]
        assert "compared" not in run.labels()

    def test_all_are_held_to_the_same_tests(self, stage: Stage) -> None:
        cheat = call("write_file", path="test_a.py", content="pass\n")
        seen: list[tuple[bytes, bytes, bool]] = []

        def act(command: str) -> CommandResult:
            assert "-m pytest" in command
            files = [(stage.ws / name).read_bytes() for name in ("a.py", "test_a.py")]
            seen.append((files[0], files[1], (stage.ws / "test_new.py").exists()))
            return ended("1 passed in 0.1s")

        run = stage.play(
            *(says(WRONG, cheat), DONE, says(FIX, NEW_TEST), DONE),
            task=replace(THREE, attempts=2),
            act=act,
        )
        test = b"from a import x\n"
        assert seen == [(b"x = 9\n", test, True), (b"x = 2\n", test, True)]
        assert chosen(run) == (1, "the tests do not tell them apart: the smallest change")
        assert run.file("test_a.py") == b"pass\n", "what stands is what it left"

    def test_tests_of_one_name_are_run_apart(self, stage: Stage) -> None:
        other = call("write_file", path="test_new.py", content="assert True\n")
        seen: list[bytes] = []

        def act(command: str) -> CommandResult:
            seen.append((stage.ws / "test_new.py").read_bytes())
            return ended("1 passed in 0.1s")

        run = stage.play(
            *(says(FOUR, other), DONE, says(FIX, NEW_TEST), DONE),
            task=replace(THREE, attempts=2),
            act=act,
        )
        assert len(set(seen)) == 2
        assert seen == [*seen[:2], *seen[:2]]
        assert [one.score for one in run.of(ev.AttemptJudged)] == [2, 2]
        assert chosen(run)[0] == 2, "the smaller change"

    def test_of_tests_that_take_too_long_those_that_were_touched_count(self, stage: Stage) -> None:
        seen: list[bool] = []

        def act(command: str) -> CommandResult:
            seen.append("test_new.py" in command)
            if "test_new.py" not in command:
                return CommandResult("..", 124, 60.0, timed_out=True)
            good = "x = 2" in (stage.ws / "a.py").read_text()
            return ended("1 passed in 0.1s" if good else "1 failed in 0.1s")

        moves = (says(WRONG), DONE, says(FIX, NEW_TEST), DONE)
        run = stage.play(*moves, task=replace(THREE, attempts=2), act=act)
        assert seen == [False, True, True]
        assert chosen(run) == (2, "passes the most tests, 1")
        judged = [(one.attempt, one.score, one.of) for one in run.of(ev.AttemptJudged)]
        assert judged == [(1, 0, 1), (2, 1, 1)]

    def test_nothing_to_compare(self, stage: Stage) -> None:
        run = stage.play(*(says(FIX), DONE) * 3, task=THREE)
        assert chosen(run) == (1, "the only change there is")
        assert run.sandbox.commands == []

    def test_the_limits_are_over_all_together(self, stage: Stage) -> None:
        task = replace(THREE, limits=Limits(turns=3))
        run = stage.play(says(FIX), DONE, says(WRONG), task=task)
        assert run.finished.reason == "done"
        assert chosen(run) == (1, "the only one that came to its end")
        assert run.file("a.py") == b"x = 2\n"

    def test_one_that_only_talked_is_an_attempt_too(self, stage: Stage) -> None:
        run = stage.play(DONE, says(FIX), DONE, DONE, task=THREE)
        assert [one.attempt for one in run.of(ev.AttemptStarted)] == [2, 3]
        assert chosen(run) == (2, "the only change there is")
        assert run.file("a.py") == b"x = 2\n"

    def test_going_round_in_circles_is_the_end_of_one_attempt(self, stage: Stage) -> None:
        run = stage.play(*[says(LOOK)] * 4, says(FIX), DONE, task=replace(THREE, attempts=2))
        assert run.finished.reason == "done"
        assert run.file("a.py") == b"x = 2\n"

    def test_an_interrupt_while_they_are_compared(self, stage: Stage) -> None:
        agents: list[Agent] = []

        def act(command: str) -> None:
            agents[0].interrupt()

        run = stage.play(
            *(says(WRONG), DONE, says(FIX, NEW_TEST), DONE),
            task=replace(THREE, attempts=2),
            act=act,
            during=lambda agent, _: agents.append(agent),
        )
        assert run.finished.reason == "interrupted"
        assert run.file("a.py") == b"x = 9\n"
        assert not (stage.ws / "test_new.py").exists(), "no other candidate's test stays"
        assert set(kept(run)) == {1, 2}


def test_without_time_to_compare_them_the_first_stands(stage: Stage) -> None:
    base = stage.store.cursor()
    lefts = dict[int, Checkpoint]()
    for number in (1, 2):
        (stage.ws / "a.py").write_text("x = 5\n" * (3 - number))
        lefts[number] = stage.store.record("edit", number) or pytest.fail("nothing recorded")

    async def compare() -> tuple[list[ev.Event], tuple[int, str]]:
        async def start() -> Sandbox:
            return ScriptedSandbox(lambda _: None)

        workspace = Workspace(Tree(stage.ws), stage.store, start)
        there = everything_in(stage.ws)
        comparison = Comparison(workspace, base or pytest.fail("no base"), there, lefts)
        judged = [one async for one in comparison.judge(Budget(Limits(seconds=0.0)), 60.0)]
        await workspace.close()
        return judged, comparison.best()

    assert asyncio.run(compare()) == ([], (1, "no time to compare them: the first"))


def _ends(run: Played, number: int) -> tuple[Checkpoint, Checkpoint]:
    attempt = find_attempt(run.store, number)
    return attempt.base, attempt.left
