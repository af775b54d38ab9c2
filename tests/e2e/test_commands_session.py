"""Slash commands on sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_events
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.session_dir import Session, find_session, list_sessions
from tests.e2e.house import House
from tests.e2e.repl.stage import SUMMARY
from tests.e2e.scenes import WORDS, entered, last_request
from tests.e2e.seat import Room, Seat

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]


@pytest.fixture
def room(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    yield from entered(house, monkeypatch)


def test_clear_forgets_the_conversation_and_keeps_undo(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        assert "forgotten" in await seat.type("/clear")
        await seat.send("TALK")
        assert "FIX" not in "".join(last_request(room))
        assert "calc.py" in await seat.type("/undo")

    room.sit(work)


def test_compact_asks_the_model_to_keep_what_was_named(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        await seat.send("TALK")
        await seat.send("LONG")
        assert "summarised" in await seat.type("/compress the ADDER")
        assert "the ADDER" in last_request(room)[-1]
        await seat.send("NEXT")
        said = "".join(last_request(room))
        assert SUMMARY in said
        assert WORDS not in said

    room.sit(work)


def test_resume_goes_on_where_another_session_stopped(room: Room) -> None:
    async def earlier(seat: Seat) -> None:
        await seat.send("FIX")

    async def later(seat: Seat) -> None:
        before = list_sessions()[0].record.id
        Session.create(room.house.repo, prompt="a single task").close()
        assert "Nothing waits" in await seat.type("/diff")
        assert before in await seat.type("/sessions")
        await seat.type("/resume", None)
        assert seat.terminal.dialogs[-1].labels == ["FIX"]
        assert seat.commands.arguments("resume", before[:8]) == [before]
        shown = await seat.type("/continue", "FIX")
        assert "Fixed it" in shown
        assert "Going on with: FIX" in shown
        assert seat.chat.session.record.id == before
        assert "return a + b" in await seat.type("/diff")
        await seat.send("TALK")
        assert last_request(room) == ["FIX", "TALK"]

    room.sit(earlier)
    room.sit(later)


def test_resume_by_id_says_what_is_wrong_with_it(room: Room, tmp_path: Path) -> None:
    elsewhere = Session.create(tmp_path, prompt="of another project")
    elsewhere.close()

    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        here = seat.chat.session.record.id
        with pytest.raises(QwrightError, match="the session you are in"):
            await seat.type(f"/resume {here}")
        with pytest.raises(QwrightError, match="start qwright there"):
            await seat.type(f"/resume {elsewhere.record.id}")
        with pytest.raises(QwrightError, match="no session 1999"):
            await seat.type("/resume 1999")
        assert "no other session" in await seat.type("/resume")
        assert elsewhere.record.id not in await seat.type("/sessions")
        assert elsewhere.record.id in await seat.type("/sessions all")
        assert seat.commands.arguments("resume", here[:4]) == []
        assert seat.chat.session.record.id == here

    room.sit(work)


def test_a_session_in_use_is_not_taken_and_the_present_one_goes_on(room: Room) -> None:
    async def first(seat: Seat) -> None:
        await seat.send("TALK")

        async def second(other: Seat) -> None:
            taken = seat.chat.session.record.id
            with pytest.raises(QwrightError, match="in use by another process"):
                await other.type(f"/resume {taken}")
            await other.send("NEXT")

        chat = room.chat()
        try:
            await second(Seat(chat))
        finally:
            await chat.close()

    room.sit(first)


def test_fork_leaves_the_original_as_it_was(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        await seat.send("TALK")
        original = seat.chat.session.record.id
        assert original in await seat.type("/fork 2")
        assert seat.chat.session.record.id != original
        assert "return a + b" in await seat.type("/diff")
        await seat.send("NEXT")
        assert last_request(room) == ["FIX", "NEXT"]
        events = list(read_events(find_session(original).path / "events.jsonl"))
        prompts = [one.prompt for one in events if isinstance(one, ev.RunStarted)]
        assert prompts == ["FIX", "TALK"]
        with pytest.raises(QwrightError, match="takes the number of a prompt, not 'x'"):
            await seat.type("/fork x")

    room.sit(work)


def test_title_is_set_shown_and_found_again(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        await seat.type("/rename The   \x1b[31mgreat\nplan")
        assert seat.chat.session.record.title == "The great plan"
        assert "The great plan" in await seat.type("/sessions")
        assert "The great plan" in await seat.type("/status")
        await seat.type("/title", "Another")
        assert seat.terminal.asked == [("Title", "The great plan")]
        await seat.type("/title", None)
        assert seat.chat.session.record.title == "Another"

    room.sit(work)


def test_export_writes_what_was_said_beside_the_files(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        before = sorted(room.house.repo.iterdir())
        assert "Written to" in await seat.type("/export")
        await seat.type("/export md")
        assert sorted(room.house.repo.iterdir()) == before
        name = f"{seat.chat.session.record.id}.md"
        text = (room.house.home / "state" / "exports" / name).read_text()
        assert "## You\n\nFIX" in text
        assert "+    return a + b" in text
        with pytest.raises(ConfigError, match="exists; name another file"):
            await seat.type("/export notes.md")
        await seat.type("/export talk.html")
        assert room.file("talk.html").startswith(b"<!doctype html>")
        await seat.type("/export jsonl log.jsonl")
        assert json.loads(room.file("log.jsonl").splitlines()[0])["type"] == "run_started"
        for wrong in ("pdf", "html x.md", "a.md b.md"):
            with pytest.raises(QwrightError, match=r"say /export"):
                await seat.type(f"/export {wrong}")
        assert seat.commands.arguments("export", "h") == ["html", "htm"]

    room.sit(work)


def test_exit_leaves_however_it_is_called(room: Room) -> None:
    async def work(seat: Seat) -> None:
        for line in ("/exit", "/quit", "exit", "quit", ":q", "/q"):
            seat.terminal.has_left = False
            await seat.type(line)
            assert seat.terminal.has_left, line

    room.sit(work)
