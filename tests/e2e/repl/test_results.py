"""The way of the work into the user's files and back: hunks, branches, commits, rewinding."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.house import FILES, FIXED, House
from tests.e2e.repl.stage import MESSAGE, ask, confirm, opened, playing
from tests.e2e.repl.test_commands import manual, requests, says_once
from tests.e2e.scripted_server import call, says
from tests.sandbox.repos import git
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

LONG = "".join(f"line {number}\n" for number in range(40))
TWO = (
    call("edit", path="long.txt", old_string="line 3\n", new_string="line three\n"),
    call("edit", path="long.txt", old_string="line 33\n", new_string="line thirty-three\n"),
    call("write_file", path="new.txt", content="new\n"),
)
FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
SCRIPT = {
    "two": (says(*TWO), says(text="Turn over.")),
    "mend": (says(FIX), says(text="Turn over.")),
    "hello": (says(text="Turn over."),),
}


def turn(repl: Terminal, prompt: str) -> None:
    """Send a prompt and wait for the end of its turn."""
    before = repl.count("Turn over.")
    repl.send(prompt)
    repl.wait_for(lambda: repl.count("Turn over.") == before + 1)
    repl.settled()


@pytest.fixture(autouse=True)
def _long(house: House) -> None:
    (house.repo / "long.txt").write_text(LONG)
    git(house.repo, "add", "long.txt")
    git(house.repo, "commit", "-q", "--no-verify", "-m", "long", "--", "long.txt")
    manual(house)


def read(house: House, name: str) -> str:
    return (house.repo / name).read_text()


def test_hunk_by_hunk(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, lines=40) as repl:
        turn(repl, "do two")
        repl.send("/accept hunks")
        for number, key in ((1, "n"), (2, "y"), (3, "n")):
            shown = repl.wait_for(f"Accept {number}/3")
            assert ("+line th" in shown) is (number < 3)
            confirm(repl, key)
        repl.wait_for("Applied to your working tree: long.txt")
        assert read(house, "long.txt") == LONG.replace("line 33\n", "line thirty-three\n")
        assert not (house.repo / "new.txt").exists()
        repl.send("/reject hunks")
        repl.wait_for("Reject 1/2")
        confirm(repl, "a")
        repl.wait_for("Reject 2/2")
        confirm(repl, "q")
        repl.wait_for("Rejected in long.txt")
        says_once(repl, "/diff", "new.txt")
        says_once(repl, "/accept new.txt", "Accept all")
        repl.press("1")
        repl.wait_for("working tree: new.txt")
        says_once(repl, "/diff pending", "Nothing waits")
        says_once(repl, "/diff all", "line thirty-three")
    assert read(house, "new.txt") == "new\n"
    assert "line three\n" not in read(house, "long.txt")


def test_rewind_takes_files_conversation_or_both(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, lines=40) as repl:
        turn(repl, "hello one")
        turn(repl, "mend it")
        says_once(repl, "/accept all", "working tree")
        turn(repl, "do two")
        says_once(repl, "/accept all", "working tree: long.txt")
        says_once(repl, "/rewind 3 files", "Files are as before: do two")
        repl.press("ctrl-u")
        assert read(house, "long.txt") == LONG
        assert (house.repo / "calc.py").read_bytes() == FIXED
        says_once(repl, "/redo", "Done again: do two")
        assert read(house, "long.txt") != LONG
        repl.press("esc")
        repl.wait_for("Esc again")
        repl.press("esc")
        repl.wait_for("Go back to before which prompt?")
        repl.press("2")
        repl.wait_for("Files and conversation")
        repl.press("1")
        repl.wait_for("Back before: mend it")
        assert (house.repo / "calc.py").read_bytes() == FILES["calc.py"]
        assert read(house, "long.txt") == LONG
        repl.press("ctrl-u")
        turn(repl, "hello again")
        sent = json.dumps(requests(server)[-1]["messages"])
        assert "hello one" in sent
        assert "mend it" not in sent


def test_undo_keeps_what_the_user_did_since(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        turn(repl, "do two")
        says_once(repl, "/accept all", "working tree")
        mine = read(house, "long.txt").replace("line 20\n", "line by hand\n")
        (house.repo / "long.txt").write_text(mine)
        says_once(repl, "/undo", "Undone: do two")
        assert read(house, "long.txt") == LONG.replace("line 20\n", "line by hand\n")
        says_once(repl, "/redo", "Done again")
        assert read(house, "long.txt") == mine
        says_once(repl, "/undo", re.compile(r"Undone[\s\S]*Undone"))
        repl.send("/undo")
        repl.wait_for(re.compile(r"✗.*nothing to undo", re.IGNORECASE))


def test_both_sides_change_a_line(house: House) -> None:
    """Nothing is written; the model is told; the person chooses, and can take it back."""
    ours = LONG.replace("line 3\n", "line three\n").replace("line 33\n", "line thirty-three\n")
    with playing(SCRIPT) as server, opened(house, server, lines=40) as repl:
        turn(repl, "do two")
        by_hand = LONG.replace("line 3\n", "line by hand\n")
        (house.repo / "long.txt").write_text(by_hand)
        ask(repl, "/accept all", "How to go on?")
        assert "+line by hand" in repl.screen()
        assert read(house, "long.txt") == by_hand
        assert not (house.repo / "new.txt").exists()
        confirm(repl, "esc")
        turn(repl, "hello now")
        assert "the same lines of long.txt" in repl.all()
        assert "+line by hand" in json.dumps(requests(server)[-1]["messages"])
        says_once(repl, "/accept all", "How to go on?")
        confirm(repl, "3")
        repl.wait_for("working tree: long.txt")
        assert read(house, "long.txt") == ours


def test_the_persons_side_of_a_conflict_can_win(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, lines=40) as repl:
        turn(repl, "do two")
        by_hand = LONG.replace("line 3\n", "line by hand\n")
        (house.repo / "long.txt").write_text(by_hand)
        ask(repl, "/accept all", "How to go on?")
        confirm(repl, "2")
        repl.wait_for("working tree: new.txt")
        assert read(house, "long.txt") == by_hand
        says_once(repl, "!cat long.txt", "line by hand")


def test_a_branch(house: House) -> None:
    before = house.files
    with playing(SCRIPT) as server, opened(house, server) as repl:
        turn(repl, "mend it")
        says_once(repl, "/branch fix/add", "fix/add")
        says_once(repl, "/branch fix/add", re.compile(r"✗.*fix/add"))
        assert house.files.tree == before.tree
        assert git(house.repo, "show", "fix/add:calc.py").encode() == FIXED


def test_a_commit_is_the_users_own(house: House) -> None:
    """Their hook may refuse it; their index stays; the message is theirs to change."""
    hook = house.repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho working >&2\necho 'the hook says no' >&2\nexit 1\n")
    staged = git(house.repo, "diff", "--cached")
    with playing(SCRIPT) as server, opened(house, server) as repl:
        turn(repl, "mend it")
        says_once(repl, "/commit Mend it", "the hook says no")
        hook.write_text("#!/bin/sh\ntouch hook-ran\n")
        repl.send("/commit")
        repl.wait_for("Edit the message")
        confirm(repl, "2")
        repl.wait_for("Enter takes it")
        repl.send(" by hand")
        repl.wait_for("Committed")
        repl.send("/commit")
        repl.wait_for(re.compile(r"✗.*nothing", re.IGNORECASE))
    assert git(house.repo, "log", "-1", "--format=%s%n%an").split("\n")[:2] == [
        f"{MESSAGE} by hand",
        "Ada",
    ]
    assert git(house.repo, "show", "--name-only", "--format=", "HEAD").split() == ["calc.py"]
    assert git(house.repo, "diff", "--cached") == staged
    assert (house.repo / "hook-ran").exists()
