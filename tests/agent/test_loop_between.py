"""What happens to a conversation between two prompts: cleared, gone back, moved, compacted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.compaction import ASK
from qwright.agent.errors import ModelConnectionError
from qwright.agent.loop import Task
from qwright.agent.messages import Image
from qwright.agent.policy import Policy
from qwright.agent.profile import DEFAULT
from qwright.agent.transcript import Transcript
from tests.agent.moves import DONE, FIX, LOOK
from tests.agent.stage import PATIENT, Stage
from tests.agent.talks import finished, of, talking
from tests.fakes import Answer, ScriptedModel, says

LONG = "words of mine " * 300
SMALL = DEFAULT.model_copy(update={"prompt": "small", "tools": "small", "context": 8_192})


class TestPlanMode:
    def test_only_tools_that_write_nothing_are_offered(self, stage: Stage) -> None:
        policy = Policy("plan")
        model = ScriptedModel(says(LOOK), says(FIX), Answer("The plan."), says(FIX), DONE)

        async def main() -> None:
            async with talking(stage, model, policy=policy) as talk:
                events = await talk.send("Change x.")
                refused = of(events, ev.ToolFinished)[1]
                assert refused.is_error
                assert "plan mode" in refused.text
                assert of(events, ev.ApprovalGiven)[0].by == "mode"
                assert (stage.ws / "a.py").read_bytes() == b"x = 1\n"
                policy.mode = "auto"
                assert finished(await talk.send("Do it.")).reason == "done"

        asyncio.run(main())
        assert {"edit", "write_file", "run_shell_command"}.isdisjoint(
            tool.name for tool in model.offered[0]
        )
        assert "read_file" in [tool.name for tool in model.offered[0]]
        assert "edit" in [tool.name for tool in model.offered[-1]]
        first, second = (one.content for one in model.asked[-1] if one.role == "user")
        assert first.startswith("(Plan mode:")
        assert second.startswith("(Plan mode is over")
        assert (stage.ws / "a.py").read_bytes() == b"x = 2\n"

    def test_it_holds_for_a_prompt_in_work_too(self, stage: Stage) -> None:
        policy = Policy("auto")
        model = ScriptedModel(says(LOOK), says(FIX), DONE)

        async def main() -> None:
            async with talking(stage, model, policy=policy) as talk:

                def plan(_: object, event: ev.Event) -> None:
                    policy.mode = "plan" if isinstance(event, ev.ToolFinished) else policy.mode

                await talk.send("Change x.", plan)

        asyncio.run(main())
        assert (stage.ws / "a.py").read_bytes() == b"x = 1\n"
        assert len(model.offered[1]) < len(model.offered[0])


def test_a_conversation_goes_on_in_another_process(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    model = ScriptedModel(says(LOOK), DONE, DONE)

    async def main() -> None:
        async with talking(stage, model, transcript=Transcript(path)) as talk:
            await talk.send("Look.")
            before = talk.agent.messages
        found = Transcript(path)
        async with talking(stage, model, transcript=found) as talk:
            talk.agent.restore(found.messages())
            assert talk.agent.messages == before
            await talk.send("And now?")
            assert found.messages() == list(talk.agent.messages)

    asyncio.run(main())
    assert model.asked[-1][: len(model.asked[0])] == model.asked[0]
    assert Transcript(path).messages()[-1].content == "All good."


def test_going_back_takes_prompts_out_of_the_conversation(stage: Stage, tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript.jsonl")
    model = ScriptedModel(Answer("One."), Answer("Two."), Answer("Three."))

    async def main() -> None:
        async with talking(stage, model, transcript=transcript) as talk:
            await talk.send("First.")
            mark = transcript.mark()
            await talk.send("Second.")
            transcript.back_to(mark)
            talk.agent.restore(transcript.messages())
            await talk.send("Third.")
            assert [text for _, text in talk.said()] == ["First.", "One.", "Third.", "Three."]
            assert Transcript(tmp_path / "transcript.jsonl").messages() == list(talk.agent.messages)
            talk.agent.clear()
            assert len(talk.agent.messages) == 1
            await talk.send("Anew.")
            assert [role for role, _ in talk.said()] == ["user", "assistant"]

    asyncio.run(main())


def test_another_model_takes_over_the_conversation(stage: Stage) -> None:
    first, second = ScriptedModel(says(LOOK), DONE), ScriptedModel(DONE)

    async def main() -> None:
        async with talking(stage, first) as talk:
            await talk.send("Look.")
            used, size = talk.agent.context
            assert 0 < used < size == PATIENT.context
            talk.agent.switch(second, SMALL, "small", "embedded")
            assert talk.agent.context[1] == SMALL.context
            events = await talk.send("Go on.")
            assert isinstance(events[0], ev.RunStarted)
            assert events[0].model == "small"

    asyncio.run(main())
    before, after = first.asked[-1], second.asked[0]
    assert after[1 : len(before)] == before[1:]
    assert after[0].content != before[0].content
    assert [tool.name for tool in second.offered[0]][-1] == "run_shell_command"
    assert len(second.offered[0]) < len(first.offered[0])


def test_a_model_that_sees_none_is_sent_no_pictures(stage: Stage, tmp_path: Path) -> None:
    picture = Image(media_type="image/png", data="aGk=")
    transcript = Transcript(tmp_path / "transcript.jsonl")
    first, second = ScriptedModel(DONE), ScriptedModel(DONE)
    seeing = PATIENT.model_copy(update={"vision": True})

    async def main() -> None:
        async with talking(stage, first, profile=seeing, transcript=transcript) as talk:
            await talk.send(Task("What is this?", images=(picture,)))
            talk.agent.switch(second, SMALL, "small", "embedded")
            assert transcript.messages() == list(talk.agent.messages)
            await talk.send("Go on.")

    asyncio.run(main())
    assert first.asked[0][1].images == (picture,)
    assert not any(one.images for one in second.asked[0])
    assert "cannot see" in second.asked[0][1].content


class TestCompact:
    def test_the_prompts_stay_and_the_rest_is_a_summary(self, stage: Stage, tmp_path: Path) -> None:
        transcript = Transcript(tmp_path / "transcript.jsonl")
        model = ScriptedModel(
            says(FIX, text=LONG), Answer(LONG), Answer(LONG), Answer("I fixed x."), DONE
        )

        async def main() -> None:
            async with talking(stage, model, transcript=transcript) as talk:
                await talk.send("Fix a.py.")
                await talk.send("Explain it.")
                mark, before = transcript.mark(), list(talk.agent.messages)
                used, _ = talk.agent.context
                events = await talk.compact("the value of x")
                assert [one.type for one in events] == ["usage_reported", "compacted"]
                assert talk.agent.context[0] < used
                system, summary, ready = talk.agent.messages
                for kept in ("Fix a.py.", "Explain it.", "a.py +1 -1", "I fixed x."):
                    assert kept in summary.content
                assert (system.role, ready.role) == ("system", "assistant")
                await talk.send("Thanks.")
                assert [role for role, _ in talk.said()[-2:]] == ["user", "assistant"]
                assert transcript.at(mark) == before, "and yet one can go back to before it"

        asyncio.run(main())
        asked = model.asked[3][-1].content
        assert asked.startswith(ASK)
        assert asked.endswith("the value of x")

    @pytest.mark.parametrize(
        "answer", [Answer("", error=ModelConnectionError("gone")), Answer("  ")]
    )
    def test_without_a_summary_nothing_is_lost(self, stage: Stage, answer: Answer) -> None:
        async def main() -> None:
            async with talking(stage, ScriptedModel(Answer(LONG * 5), answer)) as talk:
                await talk.send("Explain.")
                before = talk.agent.messages
                events = await talk.compact()
                assert "stays as it is" in str(of(events, ev.Notice)[0].text)
                assert talk.agent.messages == before

        asyncio.run(main())

    def test_what_is_short_stays_and_the_model_is_not_asked(self, stage: Stage) -> None:
        model = ScriptedModel(DONE)

        async def main() -> None:
            async with talking(stage, model) as talk:
                for prompt in ("", "Look."):
                    if prompt:
                        await talk.send(prompt)
                    before = talk.agent.messages
                    [notice] = of(await talk.compact(), ev.Notice)
                    assert notice.text.endswith("there is nothing to shorten yet")
                    assert talk.agent.messages == before

        asyncio.run(main())
        assert len(model.asked) == 1

    def test_interrupting_it_leaves_everything(self, stage: Stage) -> None:
        async def main() -> None:
            hanging = Answer("I", hang=True)
            async with talking(stage, ScriptedModel(Answer(LONG * 5), hanging)) as talk:
                await talk.send("Explain.")
                before = talk.agent.messages
                asyncio.get_running_loop().call_later(0.02, talk.agent.interrupt)
                events = await talk.compact()
                assert "interrupted" in of(events, ev.Notice)[0].text
                assert talk.agent.messages == before

        asyncio.run(main())

    def test_a_model_held_to_calls_is_not_asked(self, stage: Stage) -> None:
        held = PATIENT.model_copy(update={"constraint": "grammar"})
        model = ScriptedModel(says(FIX, text=LONG), Answer(LONG))

        async def main() -> None:
            async with talking(stage, model, profile=held) as talk:
                await talk.send("Fix a.py.")
                assert of(await talk.compact(), ev.Compacted)
                assert "a.py +1 -1" in talk.agent.messages[1].content

        asyncio.run(main())
        assert len(model.asked) == 2

    def test_a_long_conversation_of_short_prompts_is_shortened_by_itself(
        self, stage: Stage
    ) -> None:
        narrow = PATIENT.model_copy(update={"context": 4_096, "max_output": 500})
        model = ScriptedModel(Answer(LONG))

        async def main() -> None:
            async with talking(stage, model, profile=narrow) as talk:
                for n in range(12):
                    task = f"Prompt number {n}."
                    assert finished(await talk.send(task)).reason == "done"
                    assert talk.agent.context[0] < 4_096
                assert of(talk.events, ev.Compacted)
                whole = "\n".join(text for _, text in talk.said())
                for n in range(12):
                    assert f"Prompt number {n}." in whole

        asyncio.run(main())
        for messages in model.asked:
            if not messages[-1].content.endswith(ASK):
                assert messages[-1].asked.startswith("Prompt number")

    def test_a_prompt_too_long_for_the_window_spoils_only_itself(self, stage: Stage) -> None:
        narrow = PATIENT.model_copy(update={"context": 4_096, "max_output": 500})

        async def main() -> None:
            async with talking(stage, ScriptedModel(DONE), profile=narrow) as talk:
                await talk.send("First.")
                assert finished(await talk.send("word " * 9_000)).reason == "context_limit"
                assert finished(await talk.send("Go on.")).reason == "done"
                assert "First." in talk.agent.messages[1].content

        asyncio.run(main())


def test_the_same_call_may_come_again_with_another_prompt(stage: Stage) -> None:
    async def main() -> None:
        async with talking(stage, ScriptedModel(says(LOOK), DONE, says(LOOK), DONE)) as talk:
            await talk.send("Look.")
            events = await talk.send("Look again.")
            assert "same call" not in of(events, ev.ToolFinished)[0].text

    asyncio.run(main())
