"""Slash commands on what was changed: /diff, /accept, /reject, /commit, /undo, /rewind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qwright.sandbox.errors import QwrightError, WorkspaceError
from tests.e2e.house import FIXED, KEY, House
from tests.e2e.repl.stage import MESSAGE, follows
from tests.e2e.scripted_server import call, says, served
from tests.e2e.seat import Room, Seat
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

BROKEN = b"def add(a, b):\n    return a - b\n"
TWO = b"".join(b"line %d\n" % number for number in range(40))
SCRIPT = follows(
    {
        "FIX": (
            says(call("edit", path="calc.py", old_string="a - b", new_string="a + b")),
            says(text="Fixed it:\n\n```python\nreturn a + b\n```\n\nDone."),
        ),
        "HIDE": (
            says(call("write_file", path="new.md", content="safe\u202eevil\x1b[8m\n")),
            says(text="Hidden."),
        ),
        "NEW": (says(call("write_file", path="new.md", content="new\n")), says(text="Written.")),
        "LONG": (
            says(
                call("edit", path="long.txt", old_string="line 3\n", new_string="LINE 3\n"),
                call("edit", path="long.txt", old_string="line 33\n", new_string="LINE 33\n"),
            ),
            says(text="Both."),
        ),
        "TALK": (says(text="Just words."),),
    }
)


@pytest.fixture
def room(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setenv("QWRIGHT_HOME", str(house.home))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (house.repo / "long.txt").write_bytes(TWO)
    with served(SCRIPT) as server:
        yield Room(house, server)


def test_diff_shows_what_waits_what_the_last_prompt_and_what_the_session_changed(
    room: Room,
) -> None:
    async def work(seat: Seat) -> None:
        assert "Nothing waits" in await seat.type("/diff")
        assert "Nothing was changed" in await seat.type("/diff last")
        await seat.send("FIX")
        assert "return a + b" in await seat.type("/diff")
        await seat.type("/accept all")
        await seat.send("NEW")
        waiting = await seat.type("/diff")
        assert "new.md" in waiting
        assert "calc.py" not in waiting
        assert "calc.py" not in await seat.type("/diff last")
        everything = await seat.type("/diff all")
        assert "calc.py" in everything
        assert "new.md" in everything
        with pytest.raises(QwrightError, match="does not know 'nonsense'; it takes: pending"):
            await seat.type("/diff nonsense")

    room.sit(work)


def test_accept_shows_the_diff_and_asks(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "Nothing waits" in await seat.type("/accept")
        await seat.send("FIX")
        assert "Nothing was accepted" in await seat.type("/accept", None)
        assert "Nothing was accepted" in await seat.type("/accept", "Not now")
        assert room.file("calc.py") == BROKEN
        shown = await seat.type("/apply", "Accept all")
        assert "return a + b" in shown
        assert "calc.py" in shown
        assert room.file("calc.py") == FIXED

    room.sit(work)


def test_accept_of_one_file_leaves_the_other(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        await seat.send("NEW")
        with pytest.raises(QwrightError, match=r"nothing.md has no changes that wait; these have"):
            await seat.type("/accept nothing.md")
        shown = await seat.type("/accept @new.md", "Accept all")
        assert "calc.py" not in shown
        assert "+ new" in shown or "+new" in shown
        assert room.file("new.md") == b"new\n"
        assert room.file("calc.py") == BROKEN
        assert "calc.py" in await seat.type("/diff")

    room.sit(work)


def test_accept_hunk_by_hunk_takes_what_was_said_yes_to(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("LONG")
        await seat.type("/accept -p", "n", "y")
        assert room.file("long.txt") == TWO.replace(b"line 33\n", b"LINE 33\n")
        bodies = [dialog.body for dialog in seat.terminal.dialogs]
        assert "+LINE 3\n" in bodies[0]
        assert "+LINE 33\n" in bodies[1]
        assert seat.terminal.dialogs[0].title == "Accept 1/2: long.txt"
        assert "Nothing was accepted" in await seat.type("/accept hunks", "q")
        assert "Nothing was accepted" in await seat.type("/accept hunks", None)
        await seat.type("/accept hunks", "a")
        assert room.file("long.txt").count(b"LINE") == 2

    room.sit(work)


def test_all_of_a_file_and_none_of_a_file_skip_its_other_hunks(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("LONG")
        await seat.send("NEW")
        await seat.type("/accept", "Hunk by hunk", "d", "y")
        assert room.file("long.txt") == TWO
        assert room.file("new.md") == b"new\n"
        await seat.type("/accept -p", "a")
        assert room.file("long.txt").count(b"LINE") == 2

    room.sit(work)


def test_a_hunk_hides_nothing_of_what_is_said_yes_to(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("HIDE")
        await seat.type("/accept -p", None)
        assert seat.terminal.dialogs[-1].body.endswith("+safe<U+202E>evil<1B>[8m")

    room.sit(work)


def test_reject_asks_and_throws_away(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "Nothing waits" in await seat.type("/reject")
        await seat.send("LONG")
        assert "Nothing was rejected" in await seat.type("/reject", None)
        await seat.type("/reject -p", "y", "n")
        assert "LINE 33" in await seat.type("/diff")
        assert "Rejected in long.txt" in await seat.type("/reject", "Reject all")
        assert "Nothing waits" in await seat.type("/diff")
        assert room.file("long.txt") == TWO

    room.sit(work)


def test_commit_offers_the_models_message_and_runs_the_users_hook(room: Room) -> None:
    repo = room.house.repo

    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        assert "Nothing was committed" in await seat.type("/commit", None)
        assert seat.terminal.dialogs[-1].body == MESSAGE
        assert not (repo / "hook-ran").exists()
        assert MESSAGE in await seat.type("/commit", "Commit")
        assert git(repo, "log", "-1", "--format=%s") == f"{MESSAGE}\n"
        assert git(repo, "show", "--format=", "--name-only", "HEAD") == "calc.py\n"
        assert (repo / "hook-ran").exists()
        await seat.send("NEW")
        await seat.type("/commit", "Edit", "Say it in my words")
        assert seat.terminal.asked[-1][1] == MESSAGE
        assert git(repo, "log", "-1", "--format=%s") == "Say it in my words\n"
        with pytest.raises(WorkspaceError, match="nothing to commit"):
            await seat.type("/commit again")

    room.sit(work)


def test_commit_with_a_message_asks_nothing(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        assert "Mend add" in await seat.type("/commit Mend add")
        assert git(room.house.repo, "log", "-1", "--format=%s") == "Mend add\n"
        assert seat.terminal.dialogs == []

    room.sit(work)


def test_branch_takes_the_result_and_leaves_the_working_tree(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        assert await seat.type("/branch", None) != ""
        assert "mended" in await seat.type("/branch", "mended")
        assert git(room.house.repo, "show", "mended:calc.py").encode() == FIXED
        assert room.file("calc.py") == BROKEN
        with pytest.raises(WorkspaceError, match="exists"):
            await seat.type("/branch mended")

    room.sit(work)


def test_undo_and_redo_say_which_prompt_and_which_files(room: Room) -> None:
    async def work(seat: Seat) -> None:
        with pytest.raises(WorkspaceError, match="nothing to undo"):
            await seat.type("/undo")
        await seat.send("FIX it")
        await seat.type("/accept all")
        said = await seat.type("/undo")
        assert "FIX it (calc.py)" in said
        assert "Your own files were changed too" in said
        assert room.file("calc.py") == BROKEN
        assert "FIX it (calc.py)" in await seat.type("/redo")
        assert room.file("calc.py") == FIXED
        with pytest.raises(QwrightError, match="/undo takes no argument"):
            await seat.type("/undo 3")

    room.sit(work)


def test_rewind_offers_the_prompts_and_brings_the_chosen_one_back_for_editing(room: Room) -> None:
    async def work(seat: Seat) -> None:
        with pytest.raises(QwrightError, match="no prompt yet"):
            await seat.type("/rewind")
        await seat.send("FIX one")
        await seat.send("NEW two")
        await seat.type("/rewind", None)
        dialog = seat.terminal.dialogs[-1]
        assert dialog.labels == ["FIX one", "NEW two"]
        assert dialog.start == 1
        said = await seat.type("/rewind", "NEW two", "Files and conversation")
        assert "new.md" in said
        assert seat.terminal.inserted == ["NEW two"]
        assert "new.md" not in await seat.type("/diff")
        await seat.type("/rewind 1 files")
        assert "Nothing waits" in await seat.type("/diff")
        assert seat.terminal.inserted == ["NEW two"]
        with pytest.raises(QwrightError, match="no prompt 7; the last one is 1"):
            await seat.type("/rewind 7")
        with pytest.raises(QwrightError, match="does not know 'nonsense'"):
            await seat.type("/rewind 1 nonsense")
        with pytest.raises(QwrightError, match="takes the number of a prompt, not 'back'"):
            await seat.type("/rewind back")

    room.sit(work)


def test_arguments_of_rewind_complete_to_prompts_and_what_to_take_back(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        complete = seat.commands.arguments
        assert complete("rewind", "") == ["1"]
        assert complete("rewind", "1 f") == ["1 files"]
        assert complete("accept", "h") == ["hunks"]

    room.sit(work)


def test_checkpoints_name_the_step_and_the_prompt(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "No step was recorded" in await seat.type("/checkpoints")
        await seat.send("FIX")
        shown = await seat.type("/checkpoints")
        assert "base" in shown
        assert "prompt 1  edit" in shown

    room.sit(work)


def test_accept_of_what_the_user_changed_too_asks_whose_to_keep(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        (room.house.repo / "calc.py").write_bytes(BROKEN.replace(b"a - b", b"a * b"))
        said = await seat.type("/accept all", None)
        assert "changed on both sides" in said
        assert "a * b" in seat.terminal.dialogs[-1].body
        assert room.file("calc.py") == BROKEN.replace(b"a - b", b"a * b")
        await seat.type("/commit Mend it", None)
        assert git(room.house.repo, "log", "-1", "--format=%s") == "first\n"
        await seat.type("/commit Mend it", "agent")
        assert room.file("calc.py") == FIXED
        assert git(room.house.repo, "log", "-1", "--format=%s") == "Mend it\n"

    room.sit(work)
