"""Approvals in the loop: who is asked, what is told, and that nothing else runs."""

from __future__ import annotations

import asyncio

from qwright.agent import events as ev
from qwright.agent.loop import Agent
from qwright.agent.policy import Decision, Policy
from tests.agent.moves import DONE, FIX, LOOK, RUN
from tests.agent.stage import Stage
from tests.agent.talks import Person, Talk, finished, of, talking
from tests.fakes import Answer, ScriptedModel, call, says

ONCE = Decision("once")
NO = Decision("no", "use 3 instead")


def play(stage: Stage, person: Person, *answers: Answer) -> tuple[Talk, ScriptedModel]:
    model = ScriptedModel(*answers)

    async def main() -> Talk:
        async with talking(stage, model, policy=Policy("ask", person)) as talk:
            assert finished(await talk.send("Change it.")).reason == "done"
            return talk

    return asyncio.run(main()), model


def test_a_call_that_is_allowed_runs_between_its_events(stage: Stage) -> None:
    talk, _ = play(stage, Person([ONCE]), says(FIX), DONE)
    about = [event for event in talk.events if "id" in type(event).model_fields]
    assert [one.type for one in about] == [
        *("tool_started", "approval_asked", "approval_given", "tool_finished")
    ]
    [asked] = of(talk.events, ev.ApprovalAsked)
    assert (asked.id, asked.name, asked.subject, asked.kind) == (FIX.id, "edit", "a.py", "edit")
    assert [ev.parse_event(one.model_dump_json()) for one in about] == about
    [given] = of(talk.events, ev.ApprovalGiven)
    assert (given.allowed, given.by) == (True, "person")
    assert (stage.ws / "a.py").read_bytes() == b"x = 2\n"


def test_after_a_no_nothing_more_of_the_answer_runs_and_the_model_hears_why(stage: Stage) -> None:
    person = Person([ONCE, NO])
    talk, model = play(stage, person, says(RUN, FIX, LOOK, RUN), DONE)
    results = of(talk.events, ev.ToolFinished)
    assert [one.is_error for one in results] == [False, True, True, True]
    assert all("use 3 instead" in one.text for one in results[1:])
    assert len(person.asked) == 2
    assert (stage.ws / "a.py").read_bytes() == b"x = 1\n"
    assert not of(talk.events, ev.CheckpointMade)
    assert [one.content for one in model.asked[1][-3:]] == [one.text for one in results[1:]]


def test_a_no_holds_for_one_answer_only(stage: Stage) -> None:
    person = Person([Decision("no"), ONCE])
    talk, _ = play(stage, person, says(FIX), says(FIX), DONE)
    assert [one.is_error for one in of(talk.events, ev.ToolFinished)] == [True, False]
    assert (stage.ws / "a.py").read_bytes() == b"x = 2\n"


def test_reading_and_mistakes_are_not_asked_about(stage: Stage) -> None:
    person = Person([])
    talk, _ = play(stage, person, says(LOOK, call("nothing"), call("edit", path="a.py")), DONE)
    assert not person.asked
    assert not of(talk.events, ev.ApprovalAsked) + of(talk.events, ev.ApprovalGiven)


def test_the_bytes_that_were_approved_are_those_that_run(stage: Stage) -> None:
    text = "printf '\x1b]52;c;x\x07' # \u202e\n rm x"
    person, ran = Person([ONCE]), list[str]()
    model = ScriptedModel(says(call("run_shell_command", cmd=text)), DONE)

    async def main() -> None:
        policy = Policy("ask", person)
        async with talking(stage, model, policy=policy, act=ran.append) as talk:

            def stop(agent: Agent, event: ev.Event) -> None:
                if isinstance(event, ev.ApprovalGiven):
                    asyncio.get_running_loop().call_later(0.05, agent.interrupt)

            events = await talk.send("Run it.", stop)
            assert of(events, ev.ApprovalAsked)[0].subject == text

    asyncio.run(main())
    assert (ran, person.asked[0].subject) == ([text], text)


def test_an_interrupt_ends_the_question_too(stage: Stage) -> None:
    person = Person([None, ONCE])
    model = ScriptedModel(says(FIX, RUN), says(FIX), DONE)

    def stop(agent: Agent, event: ev.Event) -> None:
        if isinstance(event, ev.ApprovalAsked) and len(model.asked) == 1:
            asyncio.get_running_loop().call_soon(agent.interrupt)

    async def main() -> None:
        async with talking(stage, model, policy=Policy("ask", person)) as talk:
            assert finished(await talk.send("Change it.", stop)).reason == "interrupted"
            assert (stage.ws / "a.py").read_bytes() == b"x = 1\n"
            assert [role for role, _ in talk.said()] == [
                *("user", "assistant", "tool", "tool", "assistant")
            ]
            assert finished(await talk.send("Again.", stop)).reason == "done"
            assert (stage.ws / "a.py").read_bytes() == b"x = 2\n"

    asyncio.run(main())
