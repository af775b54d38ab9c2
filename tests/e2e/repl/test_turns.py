"""Prompts from the first to the commit: what is done, offered, taken back, interrupted, queued."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.e2e.house import FILES, FIXED, VERIFY, House
from tests.e2e.repl.stage import MESSAGE, TITLE, ask, confirm, opened, playing
from tests.e2e.scripted_server import Server, call, says
from tests.sandbox.repos import git
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
TEST = call("run_shell_command", command=VERIFY)
MEND = {
    "mend": (
        says(TEST, text="I run the tests."),
        says(FIX),
        says(TEST),
        says(text="Fixed **add**."),
    ),
    "hello": (says(text="Hello to you."),),
}


def prompts(server: Server) -> list[str]:
    """The last message of every request that is a turn's first."""
    firsts = [r["messages"][-1] for r in server.requests if r.get("tools")]
    return [json.dumps(one["content"]) for one in firsts if one["role"] == "user"]


def test_from_a_question_to_a_commit(house: House) -> None:
    before = house.files
    with playing(MEND) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Bring this to your files?")
        seen = repl.all()
        for said in ("I run the tests.", "1 failed", "1 passed", "Fixed add.", "a + b"):
            assert said in seen
        assert house.files == before
        confirm(repl, "1")
        repl.wait_for("calc.py")
        repl.wait_for(lambda: calc(house) == FIXED)
        assert house.files.git == before.git
        ask(repl, "/undo", "mend the adder")
        repl.wait_for(lambda: house.files.tree == before.tree)
        repl.send("/redo")
        repl.wait_for(lambda: calc(house) == FIXED)
        repl.send("/commit")
        repl.wait_for(MESSAGE)
        confirm(repl, "1")
        repl.wait_for(lambda: MESSAGE in git(house.repo, "log", "-1", "--format=%s"))
    assert git(house.repo, "show", "--name-only", "--format=", "HEAD").split() == ["calc.py"]
    assert (house.repo / "hook-ran").exists()
    assert "staged.txt" in git(house.repo, "diff", "--cached", "--name-only")
    assert house.record()["title"] == TITLE


def calc(house: House) -> bytes:
    return (house.repo / "calc.py").read_bytes()


def diff(repl: Terminal) -> None:
    """/diff shows the line that was mended."""
    before = repl.count("+     return a + b")
    repl.send("/diff")
    repl.wait_for(lambda: repl.count("+     return a + b") == before + 1)


def test_what_is_left_for_later_stays_in_the_session(house: House) -> None:
    before = house.files
    with playing(MEND) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Bring this to your files?")
        confirm(repl, "esc")
        repl.wait_for("/accept")
        assert house.files == before
        diff(repl)
        repl.send("/reject")
        repl.wait_for("Esc")
        confirm(repl, "1")
        repl.wait_for("Rejected")
        ask(repl, "/diff", "othing")
        assert calc(house) == FILES["calc.py"]


@pytest.mark.parametrize(("setting", "applied"), [("auto", True), ("manual", False)])
def test_the_result_is_applied_by_setting(house: House, setting: str, applied: bool) -> None:
    (house.home / "config").mkdir()
    (house.home / "config" / "config.toml").write_text(f'apply = "{setting}"\n')
    with playing(MEND) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Fixed add.")
        if applied:
            repl.wait_for(lambda: calc(house) == FIXED)
        else:
            repl.wait_for("/accept")
        assert "Bring this" not in repl.all()
        ask(repl, "hello there", "Hello to you.")
        assert (calc(house) == FIXED) is applied


def test_esc_interrupts_and_keeps_what_was_done(house: House) -> None:
    script = {
        "first": (says(FIX), says(text="And now I think and th", hang=True)),
        "second": (says(text="Going on."),),
    }
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "do the first", "And now I think")
        repl.press("esc")
        repl.wait_for("Interrupted")
        ask(repl, "then the second", "Going on.")
        sent = json.dumps(server.requests[-1]["messages"])
        said = [r for r in server.requests if "second" in json.dumps(r["messages"])]
        assert "[interrupted]" in json.dumps(said[0]["messages"])
        assert "And now I think" in sent
        repl.wait_for("1. Apply")
        confirm(repl, "esc")
        repl.wait_gone("1. Apply")
        diff(repl)


def test_a_command_in_the_sandbox_is_interrupted_at_once(house: House, tmp_path: Path) -> None:
    slow = call("run_shell_command", command="echo begun; sleep 300; echo never")
    with playing({"slow": (says(slow),)}) as server, opened(house, server) as repl:
        ask(repl, "go slow", "sleep 300")
        repl.press("ctrl-c")
        repl.wait_for("Interrupted", seconds=20)
        ask(repl, "!echo alive and well", "alive and well")
    assert tmp_path.exists()


def test_prompts_are_queued_while_the_agent_works(house: House) -> None:
    held = threading.Event()
    script = {
        "one": (says(text="Answer A", held=held),),
        "two": (says(text="Answer B"),),
        "three": (says(text="Answer C"),),
    }
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "do one", "Answer A")
        for prompt in ("do two", "do three"):
            repl.send(prompt)
            repl.wait_for(f"next: {prompt}")
        repl.press("up")
        repl.wait_gone("next: do three")
        repl.type(" changed")
        repl.press("enter")
        repl.wait_for("next: do three changed")
        held.set()
        repl.wait_all("Answer C")
        asked = prompts(server)
    assert [next(p for p in ("one", "two", "three") if p in one) for one in asked] == [
        "one",
        "two",
        "three",
    ]
    assert "changed" in asked[2]


def test_the_users_own_edits_are_seen_and_told(house: House) -> None:
    look = call("read_file", path="notes.md")
    script = {"first": (says(text="Ready."),), "again": (says(look), says(text="Read it."))}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "the first", "Ready.")
        (house.repo / "notes.md").write_bytes(b"written by hand\n")
        ask(repl, "look again", "Read it.")
        asked = prompts(server)[-1]
        assert "notes.md" in asked
        last = json.dumps(server.requests[-1]["messages"])
        assert "written by hand" in last
