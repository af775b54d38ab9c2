"""Going on with a session of before: what it had done stays its own, and nothing is thrown away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from qwright.agent import events as ev
from qwright.agent.chat import Chat
from qwright.agent.choice import choose
from qwright.agent.config import Config
from qwright.agent.policy import Decision, Request
from qwright.agent.setting import Setting
from qwright.agent.workplace import Place
from qwright.sandbox.session_dir import Session, find_session, sessions_dir
from tests.e2e.house import KEY, MODEL, House
from tests.e2e.repl.stage import follows
from tests.e2e.scripted_server import Server, call, says, served

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

SCRIPT = follows(
    {
        "FIX": (
            says(call("edit", path="calc.py", old_string="a - b", new_string="a + b")),
            says(text="Done."),
        ),
        "NOTE": (says(call("write_file", path="notes.md", content="one\n")), says(text="Done.")),
        "SLOW": (says(call("run_shell_command", command="echo hi > slow.txt; sleep 60")),),
        "TALK": (says(text="Just words."),),
    }
)


class Nobody:
    async def approve(self, request: Request) -> Decision:
        raise AssertionError(request)


@pytest.fixture
def server(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("QWRIGHT_HOME", str(house.home))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with served(SCRIPT) as running:
        yield running


def sit(
    house: House,
    server: Server,
    session: Session,
    work: Callable[[Chat], Coroutine[Any, Any, None]],
) -> None:
    async def whole() -> None:
        chosen = choose(MODEL, server.url)
        setting = Setting(house.repo, Config(), chosen, Place())
        chat = Chat(setting, session, Nobody(), lambda text: None)
        try:
            await work(chat)
        finally:
            await chat.close()

    asyncio.run(whole())


async def play(events: AsyncGenerator[ev.Event]) -> None:
    async with aclosing(events):
        async for _ in events:
            pass


def until_there(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def until_written(file: Path) -> None:
    while not (file.exists() and file.read_bytes()):
        time.sleep(0.05)


def test_the_first_prompt_after_a_resume_is_a_turn_of_its_own(house: House, server: Server) -> None:
    async def before(chat: Chat) -> None:
        await play(chat.send("FIX"))

    async def after(chat: Chat) -> None:
        (house.repo / "mine.txt").write_bytes(b"mine\n")
        await play(chat.send("NOTE"))
        told = [one["content"] for one in server.requests[-1]["messages"] if one["role"] == "user"]
        assert "mine.txt" in told[-1]
        assert (await chat.undo()).paths == ("notes.md",)
        assert [change.path for change in await chat.results.pending()] == ["calc.py"]

    sit(house, server, Session.create(house.repo), before)
    sit(house, server, find_session(own=True), after)


def test_a_session_that_is_changed_to_is_pulled_into_before_its_next_prompt(
    house: House, server: Server
) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("FIX"))
        first = chat.session.path
        await chat.change_session(Session.create(house.repo))
        await play(chat.send("TALK"))
        await chat.change_session(Session.load(first, own=True))
        await play(chat.send("NOTE"))
        assert (await chat.undo()).paths == ("notes.md",)

    sit(house, server, Session.create(house.repo), work)


def test_looking_at_a_run_of_one_prompt_leaves_it_whole(house: House, server: Server) -> None:
    async def before(chat: Chat) -> None:
        await play(chat.send("FIX"))

    async def look(chat: Chat) -> None:
        assert [change.path for change in await chat.results.pending()] == ["calc.py"]

    sit(house, server, Session.create(house.repo), before)
    session = find_session(own=True)
    (session.path / "turns.jsonl").unlink()  # as of a run without the REPL
    sit(house, server, session, look)
    assert find_session().record == session.record


def test_leaving_while_the_files_are_copied_leaves_nothing(house: House, server: Server) -> None:
    for number in range(3_000):
        (house.repo / f"{number}.txt").write_bytes(b"some text\n" * 200)

    async def look(chat: Chat) -> None:
        chat.begin()
        await asyncio.to_thread(until_there, chat.session.path / "ws")

    sit(house, server, Session.create(house.repo), look)
    assert list(sessions_dir().iterdir()) == []


def test_a_fork_from_before_a_turn_leaves_what_the_user_had_accepted(
    house: House, server: Server
) -> None:
    async def work(chat: Chat) -> None:
        await play(chat.send("FIX"))
        await chat.results.accept()
        mine = (house.repo / "calc.py").read_bytes()
        await chat.fork(chat.turns.all[0])
        assert (house.repo / "calc.py").read_bytes() == mine
        assert (await chat.workspace()).tree.read("calc.py") != mine
        assert [change.path for change in await chat.results.pending()] == ["calc.py"]
        await chat.results.reject()
        assert (await chat.workspace()).tree.read("calc.py") == mine

    sit(house, server, Session.create(house.repo), work)


@pytest.mark.parametrize("shell", [False, True])
def test_what_was_left_in_the_middle_belongs_to_the_turn_that_left_it(
    house: House, server: Server, shell: bool
) -> None:
    async def leave(chat: Chat) -> None:
        events = chat.shell("echo hi > slow.txt; sleep 60") if shell else chat.send("SLOW")
        work = asyncio.create_task(play(events))
        await asyncio.to_thread(until_written, chat.session.path / "ws/slow.txt")
        work.cancel()
        await asyncio.wait((work,))

    async def undo(chat: Chat) -> None:
        assert [change.path for change in await chat.results.pending()] == ["slow.txt"]
        assert (await chat.undo()).paths == ("slow.txt",)
        assert await chat.results.pending() == []

    sit(house, server, Session.create(house.repo), leave)
    sit(house, server, find_session(own=True), undo)
