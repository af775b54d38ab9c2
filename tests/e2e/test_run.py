"""A run from the command to the user's files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.house import FILES, FIXED, MODEL, VERIFY, House, containers, finish, plain
from tests.e2e.scripted_server import Server, call, says, scripted, wait_until
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
TEST = call("run_shell_command", command=VERIFY)
TASK = "test_calc.py fails; fix calc.py"


@pytest.fixture(scope="module", name="fixer")
def _fixer() -> Iterator[Server]:
    """A model that looks, fixes, tests and says so."""
    steps = (says(TEST, text="I run the tests."), says(FIX), says(TEST), says(text="Fixed add()."))
    with scripted(*steps) as server:
        yield server


@pytest.fixture(scope="module", name="quick")
def _quick() -> Iterator[Server]:
    """A model that fixes at once."""
    with scripted(says(FIX), says(text="Fixed.")) as server:
        yield server


def test_a_bug_is_fixed_verified_and_applied(house: House, fixer: Server) -> None:
    before = house.files
    done = house.run("--verify", VERIFY, TASK, server=fixer)
    after = house.files
    assert after.git == before.git
    changed = {path for path in after.tree if after.tree[path] != before.tree.get(path)}
    assert changed == {"calc.py"}
    assert after.tree["calc.py"][1] == FIXED
    assert after.tree.keys() == before.tree.keys()
    for said in ("1 failed", "-    return a - b", "+    return a + b", "verified", "qwright undo"):
        assert said in done.out
    assert plain(done.out)
    assert plain(done.err)
    assert house.record()["status"] == "done"
    assert containers(house.session) == []


def test_undo_takes_it_back_and_apply_brings_it_again(house: House, quick: Server) -> None:
    before = house.files
    house.run("--verify", VERIFY, TASK, server=quick)
    applied = house.files
    undone = house.run("undo")
    assert "calc.py" in undone.out
    assert house.files == before
    assert "nothing to undo" in house.run("undo", code=44).line
    again = house.run("apply", house.session)
    assert "calc.py" in again.out
    assert house.files == applied
    assert house.run("undo", house.session[:12]).code == 0
    assert house.files == before


def test_an_edit_made_after_it_survives_undo(house: House, quick: Server) -> None:
    house.run(TASK, server=quick)
    (house.repo / "calc.py").write_bytes(b"# mine\n" + FIXED)
    undone = house.run("undo")
    assert "your own later changes" in undone.out.lower()
    assert (house.repo / "calc.py").read_bytes() == b"# mine\n" + FILES["calc.py"]


def test_no_apply_keeps_it_in_the_session(house: House, quick: Server) -> None:
    before = house.files
    done = house.run("--no-apply", TASK, server=quick)
    assert house.files == before
    assert f"qwright apply {house.session}" in done.out
    listed = house.run("sessions").out
    assert house.session in listed
    assert "calc.py" in listed
    shown = house.shown()
    assert TASK in shown
    assert MODEL in shown
    assert "edit" in shown
    diff = house.run("sessions", "diff", house.session).out
    git(house.repo, "apply", "--check", "-", stdin=diff.encode())
    assert "+    return a + b" in diff
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED
    assert "removed" in house.run("sessions", "rm", house.session).out.lower()
    assert house.sessions == []


def test_a_patch_in_a_file_or_on_stdout(house: House, quick: Server) -> None:
    before = house.files
    file = house.home / "result.patch"
    done = house.run("--patch", str(file), TASK, server=quick)
    assert str(file) in done.out
    assert house.files == before
    piped = house.run("--patch", "-", TASK, server=quick)
    assert piped.out == file.read_text()
    assert "Done" in piped.err
    git(house.repo, "apply", "-", stdin=piped.out.encode())
    assert (house.repo / "calc.py").read_bytes() == FIXED


def test_a_branch_and_nothing_else(house: House, quick: Server) -> None:
    before = house.files
    done = house.run("--branch", "fix/add", TASK, server=quick)
    assert "fix/add" in done.out
    after = house.files
    assert after.tree == before.tree
    new = {path for path in after.git if path not in before.git and "objects/" not in path}
    assert {path for path in new if not path.startswith("logs/")} == {"refs/heads/fix/add"}
    assert {path: after.git[path] for path in before.git} == before.git
    assert git(house.repo, "show", "fix/add:calc.py").encode() == FIXED
    assert git(house.repo, "diff", "--name-only", "main", "fix/add") == "calc.py\n"
    assert "exists" in house.run("--branch", "fix/add", TASK, server=quick, code=42).line


def test_json_is_all_there_is_on_stdout(house: House, fixer: Server) -> None:
    done = house.run("-o", "json", "--verify", VERIFY, TASK, server=fixer)
    report = json.loads(done.out)
    assert report["reason"] == "done"
    assert report["verified"] is True
    assert report["files"] == ["calc.py"]
    assert report["session"] == house.session
    assert report["text"] == "Fixed add()."
    assert (report["turns"], report["tokens"]["prompt"]) == (4, 400)
    assert "+    return a + b" in report["diff"]


def test_stream_json_is_the_session_log(house: House, fixer: Server) -> None:
    done = house.run("-o", "stream-json", "--verify", VERIFY, TASK, server=fixer)
    types = [event.type for event in done.events]
    assert types[0] == "run_started"
    assert types[-2:] == ["verify_finished", "run_finished"]
    assert types.count("tool_finished") == types.count("tool_started") == 3
    assert types.count("checkpoint_made") == 1
    log = (house.sessions[-1] / "events.jsonl").read_text()
    assert log.splitlines() == done.out.splitlines()[:-1]
    assert done.report["exit_code"] == 0


def test_the_task_comes_from_stdin_or_stdin_is_context(house: House) -> None:
    with scripted(says(text="Nothing to do.")) as server:

        def prompt() -> str:
            return server.requests[-1]["messages"][1]["content"]

        house.run(stdin=f"{TASK}\n", server=server)
        assert prompt() == TASK
        house.run("fix this", stdin=b"1 failed, caf\xe9\n", server=server)
        assert prompt() == "fix this\n\n1 failed, caf\ufffd"
        done = house.run("-p", os.fsdecode(b"fix caf\xe9"), server=server)
        assert prompt() == "fix caf\ufffd"
    assert "Nothing was changed" in done.out


def test_changes_on_both_sides_merge_or_conflict(house: House, quick: Server) -> None:
    house.run("--no-apply", TASK, server=quick)
    (house.repo / "calc.py").write_bytes(b"import math\n" + FILES["calc.py"])
    assert "merged" in house.run("apply", house.session).out
    assert (house.repo / "calc.py").read_bytes() == b"import math\n" + FIXED
    house.run("undo")
    (house.repo / "calc.py").write_bytes(b"def add(a, b):\n    return sum((a, b))\n")
    before = house.files
    assert "calc.py" in house.run("apply", house.session, code=4).line
    assert house.files == before


def test_a_conflict_at_the_end_of_a_run_keeps_the_result(house: House) -> None:
    """The user edits the same line while the model works."""
    mine = b"def add(a, b):\n    return sum((a, b))\n"
    steps = (says(FIX), says(call("run_shell_command", command="sleep 2")), says(text="Fixed."))
    with scripted(*steps) as server:
        process = house.start(TASK, server=server)
        wait_until(lambda: len(server.requests) >= 2, "the second request")
        (house.repo / "calc.py").write_bytes(mine)
        done = finish(process, 4)
    assert "calc.py" in done.out
    assert f"qwright sessions diff {house.session}" in done.out
    assert (house.repo / "calc.py").read_bytes() == mine


def test_work_in_a_folder_below_the_root(house: House) -> None:
    below = house.repo / "sub dir"
    below.mkdir()
    (below / "check.py").write_text("raise SystemExit(open('x').read() != 'y')\n")
    write = call("write_file", path="sub dir/x", content="y")
    with scripted(says(write), says(text="Done.")) as server:
        done = house.run("--verify", "python check.py", "do", server=server, cwd=below)
    assert "verified" in done.out
    assert (below / "x").read_text() == "y"


def test_a_folder_that_is_no_repository(house: House, quick: Server) -> None:
    folder = house.home / "folder"
    folder.mkdir()
    (folder / "calc.py").write_bytes(FILES["calc.py"])
    house.run(TASK, server=quick, cwd=folder)
    assert (folder / "calc.py").read_bytes() == FIXED
    assert [path.name for path in folder.iterdir()] == ["calc.py"]
    house.run("undo", cwd=folder)
    assert (folder / "calc.py").read_bytes() == FILES["calc.py"]
