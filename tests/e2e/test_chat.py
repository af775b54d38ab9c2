"""A conversation over several prompts, without a terminal: real files, container and requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from qwright.agent import events as ev
from qwright.agent.chat import Chat
from qwright.agent.choice import choose
from qwright.agent.config import Config
from qwright.agent.policy import Decision, Mode, Request
from qwright.agent.setting import Setting
from qwright.agent.workplace import Place
from qwright.sandbox.accept import ConflictError
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.session_dir import Session
from tests.e2e.house import FIXED, KEY, MODEL, VERIFY, House
from tests.e2e.scripted_server import Reply, Server, call, says, served
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = says(call("edit", path="calc.py", old_string="a - b", new_string="a + b"))
NOTE = says(call("write_file", path="notes.md", content="one\ntwo\nthree\nfour\n"))
DONE = says(text="Done.")
BROKEN = b"def add(a, b):\n    return a - b\n"


class Person:
    """Answers every question the same way, and remembers them."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[Request] = []

    async def approve(self, request: Request) -> Decision:
        self.asked.append(request)
        return self.decision


def by_prompt(**replies: Sequence[Reply]) -> Callable[[dict[str, Any]], Reply]:
    """Replies by the first word of the last prompt, then by the answers since."""

    def script(request: dict[str, Any]) -> Reply:
        messages = request["messages"]
        last = max(n for n, one in enumerate(messages) if one["role"] == "user")
        word = messages[last]["content"].split()[-1]
        answers = sum(one["role"] == "assistant" for one in messages[last:])
        return replies[word][min(answers, len(replies[word]) - 1)]

    return script


SCRIPT = by_prompt(fix=(FIX, DONE), note=(NOTE, DONE), talk=(DONE,), hang=(says(hang=True),))


class Stage:
    """A user's repository, a model server, and chats over them."""

    def __init__(self, house: House, server: Server) -> None:
        self.house = house
        self.server = server
        self.told: list[str] = []

    def chat(
        self, session: Session | None = None, *, mode: Mode = "auto", person: Person | None = None
    ) -> Chat:
        config = Config(mode=mode)
        setting = Setting(
            self.house.repo, config, choose(MODEL, self.server.url), Place(), verify=VERIFY
        )
        session = session or Session.create(self.house.repo)
        return Chat(setting, session, person or Person(Decision("once")), self.told.append)

    def run(self, work: Callable[[Chat], Coroutine[Any, Any, None]], **options: Any) -> None:
        async def whole() -> None:
            chat = self.chat(**options)
            try:
                await work(chat)
            finally:
                await chat.close()

        asyncio.run(whole())

    def prompts(self) -> list[str]:
        """What the user's side said in the last request."""
        messages = self.server.requests[-1]["messages"]
        return [one["content"] for one in messages if one["role"] == "user"]

    def file(self, name: str) -> bytes:
        return (self.house.repo / name).read_bytes()


@pytest.fixture
def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("QWRIGHT_HOME", str(house.home))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with served(SCRIPT) as server:
        yield Stage(house, server)


async def play(events: AsyncGenerator[ev.Event]) -> list[ev.Event]:
    async with aclosing(events):
        return [event async for event in events]


def test_prompts_go_on_with_what_was_said_and_nothing_is_applied_unasked(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        await play(chat.send("talk"))
        assert stage.prompts() == ["fix", "talk"]
        assert [change.path for change in await chat.results.pending()] == ["calc.py"]
        assert chat.status().changed == 1
        assert stage.file("calc.py") == BROKEN
        await chat.results.accept()
        assert stage.file("calc.py") == FIXED
        assert chat.status().changed == 0

    before = stage.house.files.git
    stage.run(work)
    assert stage.house.files.git == before


def test_undo_reaches_what_was_accepted_and_redo_brings_it_back(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        await chat.results.accept()
        await play(chat.send("note"))
        assert (await chat.undo()).also_yours is False
        assert stage.file("calc.py") == FIXED
        taken = await chat.undo()
        assert taken.also_yours
        assert taken.paths == ("calc.py",)
        assert stage.file("calc.py") == BROKEN
        with pytest.raises(WorkspaceError):
            await chat.undo()
        await chat.redo()
        assert stage.file("calc.py") == FIXED
        await chat.redo()
        assert [change.path for change in await chat.results.pending()] == ["notes.md"]
        with pytest.raises(WorkspaceError):
            await chat.redo()
        await play(chat.send("talk"))
        assert "took your last changes back" in stage.prompts()[-1]

    stage.run(work)


def test_undo_that_meets_the_users_own_edit_changes_nothing(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        await chat.results.accept()
        mine = b"def add(a, b):\n    return b + a\n"
        (stage.house.repo / "calc.py").write_bytes(mine)
        with pytest.raises(ConflictError):
            await chat.undo()
        assert stage.file("calc.py") == mine
        assert chat.turns.standing

    stage.run(work)


def test_the_users_own_edits_reach_the_agent_with_the_next_prompt(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        (stage.house.repo / "notes.md").write_bytes(b"mine\n")
        await play(chat.send("talk"))
        assert "notes.md" in stage.prompts()[-1]
        workspace = await chat.workspace()
        assert workspace.tree.read("notes.md", 100) == b"mine\n"
        assert [change.path for change in await chat.results.pending()] == ["calc.py"]
        assert (await chat.undo()).paths == ("calc.py",)
        assert workspace.tree.read("notes.md", 100) == b"mine\n"

    stage.run(work)


def test_a_conflict_is_told_to_both_and_ends_as_the_user_says(stage: Stage) -> None:
    mine = b"def add(a, b):\n    return b + a\n"

    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        (stage.house.repo / "calc.py").write_bytes(mine)
        events = await play(chat.send("talk"))
        assert isinstance(events[0], ev.Notice)
        assert "calc.py" in events[0].text
        assert "return b + a" in stage.prompts()[-1]
        with pytest.raises(ConflictError) as conflict:
            await chat.results.accept()
        assert stage.file("calc.py") == mine
        await chat.replace_theirs(conflict.value.paths)
        await chat.results.accept()
        assert stage.file("calc.py") == FIXED
        await chat.undo()
        assert stage.file("calc.py") == mine

    stage.run(work)


def test_rewind_takes_files_and_conversation_back_together_or_apart(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        await play(chat.send("note"))
        first, second = chat.turns.all
        await chat.rewind(second, "conversation")
        await play(chat.send("talk"))
        assert stage.prompts() == ["fix", "talk"]
        assert len(await chat.results.pending()) == 2
        taken = await chat.rewind(first, "both")
        assert set(taken.paths) == {"calc.py", "notes.md"}
        assert await chat.results.pending() == []
        await play(chat.send("talk"))
        assert stage.prompts() == ["talk"]

    stage.run(work)


def test_a_session_is_gone_on_with_after_its_process(stage: Stage) -> None:
    async def begin(chat: Chat) -> None:
        await play(chat.send("fix"))

    async def go_on(chat: Chat) -> None:
        await play(chat.send("talk"))
        assert stage.prompts() == ["fix", "talk"]
        assert chat.status().tokens.prompt == 300
        await chat.undo()
        assert await chat.results.pending() == []

    stage.run(begin)
    path = stage.house.sessions[-1]
    stage.run(go_on, session=Session.load(path, own=True))


def test_an_interrupted_prompt_keeps_what_was_said_before(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        seen: list[ev.Event] = []
        async with aclosing(chat.send("hang")) as events:
            async for event in events:
                if isinstance(event, ev.TurnStarted):
                    chat.interrupt()
                seen.append(event)
        last = seen[-1]
        assert isinstance(last, ev.RunFinished)
        assert last.reason == "interrupted"
        await play(chat.send("talk"))
        assert stage.prompts()[0] == "fix"
        assert stage.prompts()[-1].endswith("talk")

    stage.run(work)


def test_a_no_reaches_the_model_with_its_reason(stage: Stage) -> None:
    person = Person(Decision("no", "not that file"))

    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        assert [(one.kind, one.subject) for one in person.asked] == [("edit", "calc.py")]
        assert "a + b" in person.asked[0].diff
        results = [one for one in stage.server.requests[-1]["messages"] if one["role"] == "tool"]
        assert "not that file" in results[-1]["content"]
        assert await chat.results.pending() == []

    stage.run(work, mode="ask", person=person)


def test_the_users_own_command_runs_in_the_sandbox_and_can_be_undone(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        events = await play(chat.shell("echo hello > made.txt; echo said; id -u"))
        done = events[-1]
        assert isinstance(done, ev.ToolFinished)
        assert "said" in done.text
        assert [change.path for change in await chat.results.pending()] == ["made.txt"]
        assert not (stage.house.repo / "made.txt").exists()
        await play(chat.send("talk"))
        assert "echo said" in stage.prompts()[-1]
        assert (await chat.undo()).paths == ("made.txt",)

    stage.run(work)


def test_a_commit_is_the_users_own_with_their_hooks(stage: Stage) -> None:
    hook = stage.house.repo / ".git" / "hooks" / "pre-commit"

    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
        with pytest.raises(WorkspaceError, match="no"):
            await chat.results.commit("Fix add")
        hook.write_text("#!/bin/sh\ntouch ran\n")
        await chat.results.commit("Fix add")
        assert (stage.house.repo / "ran").exists()
        with pytest.raises(WorkspaceError):
            await chat.results.commit("Again")

    stage.run(work)
    assert git(stage.house.repo, "log", "-1", "--format=%s").strip() == "Fix add"
    assert git(stage.house.repo, "show", "--name-only", "--format=").split() == ["calc.py"]
    assert "staged.txt" in git(stage.house.repo, "diff", "--cached", "--name-only")


def test_a_fork_leaves_the_session_it_came_from_alone(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("fix"))
        old = chat.session.record.id
        await chat.fork(chat.turns.all[0])
        assert chat.session.record.id != old
        assert await chat.results.pending() == []
        await play(chat.send("talk"))
        assert stage.prompts() == ["talk"]

    stage.run(work)
    assert len(stage.house.sessions) == 2


def test_a_session_without_a_prompt_leaves_nothing_behind(stage: Stage) -> None:
    async def work(chat: Chat) -> None:
        await chat.workspace()

    stage.run(work)
    assert stage.house.sessions == []
