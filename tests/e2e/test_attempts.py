"""Several attempts at one task, each in a container of its own; what each left can still be had."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from qwright.agent import events as ev
from tests.e2e.house import FIXED, VERIFY, Ended, House, containers
from tests.e2e.scripted_server import Call, Reply, call, says, served
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

TASK = "test_calc.py fails; fix calc.py"
TEST = "from calc import add\n\n\ndef test_{name}():\n    assert add({a}, {b}) == {sum}\n"
WRONG = "def add(a, b):\n    return b - a\n"


def attempts(*moves: tuple[Call, ...]) -> Any:
    """A model whose n-th try makes these calls and is then done, whatever it is told."""
    begun: list[int] = []

    def answer(request: dict[str, Any]) -> Reply:
        given = sum(one["role"] == "assistant" for one in request["messages"])
        if not given:
            begun.append(1)
        calls = moves[min(len(begun), len(moves)) - 1]
        return says(calls[given]) if given < len(calls) else says(text=f"Try {len(begun)}.")

    return answer


def write(path: str, content: str) -> Call:
    return call("write_file", path=path, content=content)


def test_the_second_wins_and_the_first_can_still_be_had(house: House) -> None:
    litter = call("run_shell_command", command="touch /tmp/left; mkdir -p build; sleep 4321 &")
    look = call("run_shell_command", command="ls -d /tmp/lef* buil*; pgrep -ax sleep; echo looked")
    first = (write("calc.py", WRONG), litter)
    second = (look, write("calc.py", FIXED.decode()))
    with served(attempts(first, second)) as server:
        flags = ("--verify", VERIFY, "--attempts", "3", "-o", "stream-json")
        done = house.run(TASK, *flags, server=server)
    assert (house.repo / "calc.py").read_bytes() == FIXED
    assert [(one.attempt, one.of) for one in _of(done, ev.AttemptStarted)] == [(2, 3)]
    assert [one.attempt for one in _of(done, ev.AttemptChosen)] == [2]
    looked = next(one for one in _of(done, ev.ToolFinished) if "looked" in one.text)
    assert not [word for word in ("left", "build", "4321") if word in looked.text]
    assert containers(house.session) == []
    listed = house.shown().split("\nattempts\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == ["1", "2"]
    assert "did not pass" in listed[0]
    patch = house.run("sessions", "diff", house.session, "--attempt", "1").out
    assert "+    return b - a" in patch
    house.run("apply", house.session, "--attempt", "1")
    assert (house.repo / "calc.py").read_text() == WRONG
    house.run("undo")
    assert (house.repo / "calc.py").read_bytes() == FIXED
    line = house.run("apply", house.session, "--attempt", "7", code=44).line
    assert line == "this session has no attempt 7: there are 1, 2"


def test_without_a_verify_command_tests_of_all_choose(house: House) -> None:
    new = TEST.format(name="big", a=20, b=30, sum=50)
    first = (write("calc.py", WRONG), write("tests/test_own.py", "def test_own():\n    pass\n"))
    second = (write("calc.py", FIXED.decode()), write("test_big.py", new))
    with served(attempts(first, second)) as server:
        done = house.run(TASK, "--attempts", "2", server=server)
    assert (house.repo / "calc.py").read_bytes() == FIXED
    assert (house.repo / "test_big.py").is_file()
    assert not (house.repo / "tests").exists()
    assert "attempt 1: 1 of 3 tests pass" in done.out
    assert "attempt 2: 3 of 3 tests pass" in done.out
    assert "attempt 2 stands: passes the most tests, 3" in done.out
    assert "Try 2." in done.out


def test_a_kill_between_two_attempts_loses_neither(house: House) -> None:
    before = house.files
    first = (write("calc.py", WRONG), write("docs/new.md", "new\n"))
    second = (write("calc.py", FIXED.decode()),)
    with served(attempts(first, second)) as server:
        flags = ("--verify", VERIFY, "--attempts", "2")
        killed = {"QWRIGHT_FAILPOINT": "file-written:3"}
        house.run(TASK, *flags, server=server, env=killed, code=-signal.SIGKILL)
    assert house.files == before
    assert "\nattempts\n" in house.shown()
    house.run("apply", house.session, "--attempt", "1")
    assert (house.repo / "calc.py").read_text() == WRONG
    assert (house.repo / "docs" / "new.md").read_text() == "new\n"
    assert git(house.repo, "status", "--porcelain", "calc.py") != ""


def _of(done: Ended, kind: type[Any]) -> list[Any]:
    return [event for event in done.events if isinstance(event, kind)]
