"""Several prompts to one agent: the conversation goes on, whatever became of the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from itertools import pairwise

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ModelConnectionError
from qwright.agent.limits import Limits
from qwright.agent.loop import Agent, Task
from qwright.agent.messages import Message
from qwright.agent.model import PrefillChunk
from qwright.sandbox.base import CommandResult
from tests.agent.moves import DONE, FIX, LOOK, OTHER, RUN, WRONG
from tests.agent.stage import PATIENT, SEVERAL, Stage
from tests.agent.talks import finished, of, talking
from tests.fakes import Answer, ScriptedModel, call, ended, says

CHECK = "python -m pytest -q"
AGAIN = Task("Now the tests.", verify=CHECK, judged="after_change")


def settled(messages: Sequence[Message]) -> bool:
    """Whether each call has its result and the model the last word."""
    calls = [one.id for message in messages for one in message.tool_calls]
    results = [message.tool_call_id for message in messages if message.role == "tool"]
    return calls == results and messages[-1].role == "assistant"


def test_each_request_begins_with_the_one_before(stage: Stage) -> None:
    model = ScriptedModel(says(LOOK, FIX), DONE, Answer("It sets x."), says(RUN), DONE)

    async def main() -> None:
        async with talking(stage, model) as talk:
            for prompt in ("Fix a.py.", "What does it do?", "Run make."):
                assert finished(await talk.send(prompt)).reason == "done"
            steps = [one.step for one in of(talk.events, ev.CheckpointMade)]
            assert steps == [1], "reading and running changed nothing"

    asyncio.run(main())
    for one, two in pairwise(model.asked):
        assert two[: len(one)] == one
    assert all(tools == model.offered[0] for tools in model.offered)
    prompts = [one.content for one in model.asked[-1] if one.role == "user"]
    assert prompts == ["Fix a.py.", "What does it do?", "Run make."]


class TestInterrupted:
    def test_what_was_said_so_far_stays_and_the_next_prompt_follows(self, stage: Stage) -> None:
        model = ScriptedModel(Answer("First I will", hang=True), Answer("Then not."))

        def stop(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.TextDelta):
                agent.interrupt()

        async def main() -> None:
            async with talking(stage, model) as talk:
                assert finished(await talk.send("Rewrite it.", stop)).reason == "interrupted"
                assert talk.said()[1:] == [("assistant", "First I will\n\n[interrupted]")]
                assert finished(await talk.send("No, leave it.")).text == "Then not."
                assert settled(talk.agent.messages)

        asyncio.run(main())
        assert [one.role for one in model.asked[1]] == ["system", "user", "assistant", "user"]

    def test_every_call_gets_a_result(self, stage: Stage) -> None:
        other = call("run_shell_command", command="make test")
        model = ScriptedModel(says(LOOK, RUN, other.model_copy(update={"id": "c3"})), DONE)

        def act(command: str) -> None:
            (stage.ws / "half").write_text(command)

        def stop(agent: Agent, event: ev.Event) -> None:
            if isinstance(event, ev.ToolStarted) and event.name == RUN.name:
                agent.interrupt()

        async def main() -> None:
            async with talking(stage, model, act=act) as talk:
                await talk.send("Run it.", stop)
                results = [text for role, text in talk.said() if role == "tool"]
                assert "x = 1" in results[0]
                assert results[1:] == ["[interrupted]", "[interrupted]"]
                await talk.send("Go on.")
                assert settled(talk.agent.messages)

        asyncio.run(main())

    def test_a_front_end_that_leaves_in_the_middle(self, stage: Stage) -> None:
        model = ScriptedModel(says(LOOK), DONE)

        async def main() -> None:
            async with talking(stage, model) as talk:
                async with aclosing(talk.agent.run(Task("Look."))) as events:
                    async for event in events:
                        if isinstance(event, ev.ToolStarted):
                            break
                assert settled(talk.agent.messages)
                assert finished(await talk.send("Go on.")).reason == "done"

        asyncio.run(main())

    @pytest.mark.parametrize("leaves", [False, True])
    def test_the_request_is_closed_before_anything_else(
        self, stage: Stage, *, leaves: bool
    ) -> None:
        model = ScriptedModel(says(LOOK, text="Between two pieces."))

        async def main() -> None:
            async with talking(stage, model) as talk:
                async with aclosing(talk.agent.run(Task("Look."))) as events:
                    async for event in events:
                        if isinstance(event, ev.TextDelta):
                            talk.agent.interrupt()
                        if isinstance(event, ev.TextDelta) and leaves:
                            break
                assert model.closed_streams == 1
                assert settled(talk.agent.messages)

        asyncio.run(main())

    def test_it_is_over_for_the_next_prompt(self, stage: Stage) -> None:
        async def main() -> None:
            async with talking(stage, ScriptedModel(DONE)) as talk:
                await talk.send("Look.")
                talk.agent.interrupt()
                assert finished(await talk.send("Look again.")).reason == "done"

        asyncio.run(main())


def test_a_server_that_failed_is_asked_again_in_the_same_conversation(stage: Stage) -> None:
    gone = Answer("Half", error=ModelConnectionError("no connection"))
    model = ScriptedModel(gone, DONE)

    async def main() -> None:
        async with talking(stage, model) as talk:
            assert finished(await talk.send("Fix it.")).reason == "model_error"
            assert talk.said()[-1] == ("assistant", "Half\n\n[stopped: no connection]")
            assert finished(await talk.send("Again.")).reason == "done"

    asyncio.run(main())
    assert [one.content for one in model.asked[1] if one.role == "user"] == ["Fix it.", "Again."]


def test_limits_are_each_prompts_own(stage: Stage) -> None:
    looks = [says(call("read_file", path="a.py", offset=n)) for n in range(9)]
    task = Task("Look.", limits=Limits(turns=2))

    async def main() -> None:
        async with talking(stage, ScriptedModel(*looks)) as talk:
            for _ in range(3):
                done = finished(await talk.send(task))
                assert (done.reason, done.turns) == ("turn_limit", 2)
                assert settled(talk.agent.messages)

    asyncio.run(main())


class TestVerifiedAfterAChange:
    def test_a_question_is_not_judged(self, stage: Stage) -> None:
        ran: list[str] = []

        def act(command: str) -> CommandResult:
            ran.append(command)
            return ended("1 failed", 1)

        async def main() -> None:
            answers = says(FIX), DONE, says(LOOK), Answer("It sets x.")
            async with talking(stage, ScriptedModel(*answers), act=act, profile=SEVERAL) as talk:
                await talk.send("Fix it.")
                done = finished(await talk.send(AGAIN))
                assert (done.reason, done.verified) == ("done", None)

        asyncio.run(main())
        assert not ran, "the change was another prompt's"

    def test_a_change_is(self, stage: Stage) -> None:
        async def main() -> None:
            model = ScriptedModel(says(WRONG), says(FIX.model_copy(update={"id": "c2"})))
            act = stage.passes_when("a.py", b"x = 2")
            async with talking(stage, model, act=act, profile=SEVERAL) as talk:
                events = await talk.send(AGAIN)
                assert [one.exit_code for one in of(events, ev.VerifyFinished)] == [1, 0]
                assert finished(events).verified is True
                assert settled(talk.agent.messages)
                assert talk.said()[-1] == ("assistant", "Done.")

        asyncio.run(main())

    def test_a_fresh_attempt_starts_where_this_prompt_did(self, stage: Stage) -> None:
        two = call("edit", path="a.py", old_string="x = 2", new_string="x = 7")
        three = call("edit", path="a.py", old_string="x = 2", new_string="x = 3")
        model = ScriptedModel(says(FIX), DONE, says(two), says(three))

        async def main() -> None:
            act = stage.passes_when("a.py", b"x = 3")
            async with talking(stage, model, act=act, profile=SEVERAL) as talk:
                await talk.send("Make it two.")
                events = await talk.send(Task("Make it three.", verify=CHECK))
                assert [one.attempt for one in of(events, ev.AttemptStarted)] == [2]
                assert finished(events).verified is True
                prompts = [text for role, text in talk.said() if role == "user"]
                assert prompts == ["Make it two.", "Make it three."]
                steps = [one.step for one in of(talk.events, ev.CheckpointMade)]
                assert steps == [1, 2, 3]

        asyncio.run(main())
        assert (stage.ws / "a.py").read_bytes() == b"x = 3\n"
        assert model.asked[3] == model.asked[2], "the failed attempt is forgotten"


def test_what_is_noted_stands_before_the_next_prompt_and_no_other(stage: Stage) -> None:
    async def main() -> None:
        async with talking(stage, ScriptedModel(DONE)) as talk:
            talk.agent.note("The user edited a.py.")
            talk.agent.note("The user took b.py back.")
            await talk.send(Task("Go on.", notes="Use tabs.", attached="<file>1</file>"))
            await talk.send("And on.")
            prompts = [text for role, text in talk.said() if role == "user"]
            notes = "Use tabs.\n\nThe user edited a.py.\n\nThe user took b.py back."
            assert prompts == [f"{notes}\n\nGo on.\n\n<file>1</file>", "And on."]
            assert [one.asked for one in talk.agent.messages if one.asked] == ["Go on.", "And on."]

    asyncio.run(main())


def test_a_small_model_is_shown_the_files_as_they_are_now(stage: Stage) -> None:
    small = SEVERAL.model_copy(update={"attach_files": True, "constraint": "grammar"})
    model = ScriptedModel(says(FIX), DONE, DONE)

    async def main() -> None:
        async with talking(stage, model, profile=small) as talk:
            await talk.send("Set x in a.py to 2.")
            await talk.send("What is in a.py?")

    asyncio.run(main())
    assert "x = 1" in model.asked[0][1].content
    last = model.asked[-1][-1].content
    assert last.startswith("What is in a.py?\n\n<file path=")
    assert "x = 2" in last
    assert len(model.offered[-1]) > 1, "without a verdict it is held to nothing"


def test_an_announced_call_is_asked_of_the_model_that_is_held_to_one(stage: Stage) -> None:
    small = PATIENT.model_copy(update={"attach_files": True})
    model, held = ScriptedModel(says(text="I will call edit."), DONE), ScriptedModel(says(FIX))

    async def main() -> None:
        async with talking(stage, model, profile=small) as talk:
            talk.agent.insisting = held
            await talk.send("Set x in a.py to 2.")

    asyncio.run(main())
    assert (len(model.asked), len(held.asked)) == (2, 1)
    assert (stage.ws / "a.py").read_bytes() == b"x = 2\n"


def test_progress_in_reading_the_prompt_is_told(stage: Stage) -> None:
    run = stage.play(Answer("Done.", before=(PrefillChunk(512, 900),)))
    assert run.of(ev.Prefilling) == [ev.Prefilling(done=512, total=900)]
    assert run.types.index("prefilling") < run.types.index("text_delta")


@pytest.mark.parametrize("step", [0, 7])
def test_steps_go_on_from_those_there_are(stage: Stage, step: int) -> None:
    (stage.ws / "new.py").write_text("1\n")
    stage.store.record("before", step)
    made = stage.play(says(OTHER), DONE).of(ev.CheckpointMade)
    assert [one.step for one in made] == [step + 1]
