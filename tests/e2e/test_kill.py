"""SIGKILL at many points of a run: no byte of the user's and no finished step is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwright.sandbox.tree import is_temporary
from tests.e2e.house import FIXED, House, containers
from tests.e2e.scripted_server import Reply, Server, call, says, scripted, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

TASK = "test_calc.py fails; fix calc.py"
STEPS = (
    says(call("edit", path="calc.py", old_string="a - b", new_string="a + b")),
    says(call("write_file", path="docs/new.md", content="new\n")),
    says(call("run_shell_command", command="echo three > third.txt; touch going; sleep 0.2")),
)
LABELS = ["edit", "write_file", "run_shell_command"]
RESULT = {"calc.py": FIXED, "docs/new.md": b"new\n", "third.txt": b"three\n", "going": b""}
LAST = says(text="Done.")


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with scripted(*STEPS, LAST) as server:
        yield server


def steps(house: House) -> list[str]:
    """The labels of the checkpoints that `qwright sessions show` lists, without the first."""
    listed = house.shown().split("\nsteps\n")[1].splitlines()
    labels = [line.split(maxsplit=2)[2] for line in listed]
    assert labels[0] == "base"
    return labels[1:]


WHILE_WORKING = [
    ("file-written:1", 0),
    ("record-staged:1", 0),
    ("record-committed:1", 0),
    ("record-moved:1", 1),
    ("file-written:2", 1),
    ("record-committed:2", 1),
    ("record-staged:3", 2),
    ("record-moved:3", 3),
]


@pytest.mark.parametrize(("failpoint", "finished"), WHILE_WORKING)
def test_in_the_middle_of_a_step(
    house: House, server: Server, failpoint: str, finished: int
) -> None:
    before = house.files
    house.run(TASK, server=server, env={"QWRIGHT_FAILPOINT": failpoint}, code=-signal.SIGKILL)
    assert house.files == before
    assert "killed" in house.run("sessions").out
    assert steps(house) == LABELS[:finished]
    assert can_be_brought_home(house, finished)
    no_container_stays(house)


def can_be_brought_home(house: House, finished: int) -> bool:
    """What was finished can be applied, and all of it is there; then it is taken back."""
    before = house.files
    house.run("apply", house.session)
    wanted = list(RESULT.items())[:finished]
    found = all((house.repo / path).read_bytes() == data for path, data in wanted)
    if house.files != before:
        house.run("undo", house.session)
    assert house.files == before
    return found


def no_container_stays(house: House) -> None:
    house.run("sandbox", "clean")
    assert containers(house.session) == []


def silent(house: House, server: Server) -> bool:
    return "I am thinking" in "".join(map(Path.read_text, _of_session(house, "events.jsonl")))


def asked(house: House, server: Server) -> bool:
    return len(server.requests) > 0


def at_work(house: House, server: Server) -> bool:
    return bool(_of_session(house, "ws/going"))


def _of_session(house: House, name: str) -> list[Path]:
    return [path / name for path in house.sessions if (path / name).exists()]


SLEEP = call("run_shell_command", command="touch going; sleep 600")


@pytest.mark.parametrize(
    ("second", "moment"),
    [
        (says(text="I am thinking", hang=True), asked),
        (says(text="I am thinking", hang=True), silent),
        (says(SLEEP), at_work),
    ],
)
def test_while_it_waits(
    house: House, second: Reply, moment: Callable[[House, Server], bool]
) -> None:
    before = house.files
    first = STEPS[0] if moment is not asked else second
    with scripted(first, second) as server:
        process = house.start(TASK, server=server)
        wait_until(lambda: moment(house, server), "the moment")
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert house.files == before
    assert "killed" in house.run("sessions").out
    if moment is not asked:
        assert steps(house)[:1] == ["edit"]
    no_container_stays(house)


WHILE_APPLYING = [
    ("apply-journal", "undo"),
    ("apply-journal", "apply ID"),
    ("apply-file:1", "undo"),
    ("apply-file:3", "apply ID"),
    # The two files that were written in the session come before those of the user.
    ("file-written:3", "undo ID"),
    ("file-written:5", "apply ID"),
    ("apply-done", "undo"),
    ("apply-done", "apply ID"),
]
"""Where it is killed, and what the user types then."""


@pytest.mark.parametrize(("failpoint", "way"), WHILE_APPLYING)
def test_while_the_result_is_applied(
    house: House, server: Server, failpoint: str, way: str
) -> None:
    before = house.files
    house.run(TASK, server=server, env={"QWRIGHT_FAILPOINT": failpoint}, code=-signal.SIGKILL)
    torn = house.files
    assert torn.git == before.git
    for path in {*before.tree, *torn.tree, *RESULT}:
        if not is_temporary(os.path.basename(path)):
            old = before.tree[path][1] if path in before.tree else None
            found = torn.tree[path][1] if path in torn.tree else None
            assert found in (old, RESULT.get(path, old)), path
    assert steps(house) == LABELS
    house.run(*way.replace("ID", house.session).split())
    after = house.files
    if way.startswith("undo"):
        assert after == before
    else:
        assert after.git == before.git
        wanted = {path: data for path, (_, data) in before.tree.items()} | RESULT
        assert {path: data for path, (_, data) in after.tree.items()} == wanted
    no_container_stays(house)


def test_the_next_run_removes_the_container(house: House, server: Server) -> None:
    house.run(TASK, server=server, env={"QWRIGHT_FAILPOINT": "record-moved:3"}, code=-9)
    killed = house.session
    assert len(containers(killed)) == 1
    house.run(TASK, server=server)
    assert house.session != killed
    assert containers(killed) == []
    assert (house.repo / "calc.py").read_bytes() == FIXED


def test_a_session_that_was_killed_at_once_can_be_listed_and_removed(house: House) -> None:
    with scripted(LAST) as server:
        house.run("--no-apply", TASK, server=server)
    store = house.sessions[-1] / "store.git"
    for path in store.rglob("*"):
        if path.is_file():
            path.unlink()
    for arguments in (["sessions"], ["sessions", "show", house.session]):
        house.run(*arguments)
    assert house.run("apply", house.session, code=44).line
    assert house.run("sessions", "diff", house.session, code=44).line
    house.run("sessions", "rm", house.session)
    assert house.sessions == []
