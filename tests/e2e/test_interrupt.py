"""Ctrl-C: the model and the container stop at once, and the work is kept."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.replay import Server
from tests.e2e.house import COMMAND, FIXED, House, containers, finish
from tests.e2e.scripted_server import Reply, call, says, scripted, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
LONG = call("run_shell_command", command="echo half > half.txt; touch going; sleep 600")
TASK = "test_calc.py fails; fix calc.py"


def while_it_speaks(house: House, server: Server) -> bool:
    log = [*house.home.glob("state/sessions/*/events.jsonl")]
    return bool(log) and "I am thinking" in log[0].read_text()


def while_a_command_runs(house: House, server: Server) -> bool:
    return bool([*house.home.glob("state/sessions/*/ws/going")])


SILENT = says(text="I am thinking", hang=True)
WAYS: list[tuple[Reply, Callable[[House, Server], bool], signal.Signals]] = [
    (SILENT, while_it_speaks, signal.SIGINT),
    (says(LONG), while_a_command_runs, signal.SIGINT),
    (says(LONG), while_a_command_runs, signal.SIGTERM),
    (SILENT, while_it_speaks, signal.SIGHUP),
]


@pytest.mark.parametrize(("second", "moment", "number"), WAYS)
def test_it_ends_at_once_and_keeps_the_work(
    house: House,
    second: Reply,
    moment: Callable[[House, Server], bool],
    number: signal.Signals,
) -> None:
    before = house.files
    with scripted(says(FIX), second) as server:
        process = house.start(TASK, server=server)
        wait_until(lambda: moment(house, server), "the moment")
        # To the whole group, as a terminal does it.
        os.killpg(process.pid, number)
        done = finish(process, 130)
    assert "interrupted" in done.out
    assert house.files == before
    assert containers(house.session) == []
    assert house.record()["status"] == "interrupted"
    shown = house.shown()
    assert "interrupted" in shown
    assert "edit" in shown
    if moment is while_a_command_runs:
        diff = house.run("sessions", "diff", house.session).out
        assert "+half" in diff
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED


def slow_git(house: House, number: int, seconds: int) -> tuple[dict[str, str], Path]:
    """A git whose `number`-th commit takes long, and the file that is there once it begins."""
    script, reached = house.home / "bin" / "git", house.home / "reached"
    script.parent.mkdir()
    count = house.home / "commits"
    script.write_text(
        f"""#!/bin/sh
case "$*" in *commit-tree*)
    echo >> {count}
    [ $(wc -l < {count}) = {number} ] && touch {reached} && sleep {seconds};;
esac
exec {shutil.which("git")} "$@"
"""
    )
    script.chmod(0o755)
    return {"PATH": f"{script.parent}:{os.environ['PATH']}"}, reached


def test_twice_is_an_order(house: House) -> None:
    """The second one waits for nothing; what was recorded before is there."""
    env, reached = slow_git(house, number=2, seconds=5)
    with scripted(says(FIX), says(LONG)) as server:
        process = house.start(TASK, server=server, env=env)
        wait_until(lambda: while_a_command_runs(house, server), "the command")
        os.killpg(process.pid, signal.SIGINT)
        wait_until(reached.exists, "recording what the command did")
        os.killpg(process.pid, signal.SIGINT)
        done = finish(process, 130)
    assert "left at once" in done.line
    assert house.shown().count(" edit\n") == 1
    house.run("sandbox", "clean")
    assert containers(house.session) == []


def test_what_nohup_switched_off_stays_off(house: House) -> None:
    """A long run goes on when its user logs out."""
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND]
    short = call("run_shell_command", command="touch going; sleep 3")
    with scripted(says(FIX), says(short), says(text="Done.")) as server:
        process = house.start(TASK, server=server, command=ignoring)
        wait_until(lambda: while_a_command_runs(house, server), "the command")
        os.killpg(process.pid, signal.SIGHUP)
        finish(process, 0)
    assert (house.repo / "calc.py").read_bytes() == FIXED


def test_while_a_step_is_recorded(house: House) -> None:
    """A terminal sends Ctrl-C to git as well; the step is recorded all the same."""
    env, reached = slow_git(house, number=1, seconds=1)
    with scripted(says(FIX), SILENT) as server:
        process = house.start(TASK, server=server, env=env)
        wait_until(reached.exists, "the first step")
        os.killpg(process.pid, signal.SIGINT)
        finish(process, 130)
    assert house.shown().count(" edit\n") == 1
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED


WAITING = """
import sys
from qwright.agent import oneshot
from qwright.agent.cli import main
def wait(*_):
    import time
    print("waiting", flush=True)
    time.sleep(600)
oneshot._prompt = wait
sys.exit(main())
"""


def test_before_there_is_a_session(house: House) -> None:
    """Where stdin is read, for one."""
    process = house.start(TASK, command=[sys.executable, "-c", WAITING])
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process, 130).line == "interrupted"
    assert house.sessions == []
