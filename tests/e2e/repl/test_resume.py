"""A session outlives its process: after a kill, a closed window, a signal."""

from __future__ import annotations

import json
import signal
import threading

import pytest

from tests.e2e.house import FILES, FIXED, House, containers
from tests.e2e.repl.stage import ask, opened, playing
from tests.e2e.repl.test_commands import manual, requests, says_once
from tests.e2e.repl.test_results import FIX, turn
from tests.e2e.scripted_server import call, says, wait_until
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

SCRIPT = {
    "mend": (says(FIX), says(text="Turn over.")),
    "hello": (says(text="Turn over."),),
    "slow": (
        says(
            call("write_file", path="slow.txt", content="begun\n"),
            call("run_shell_command", command="echo going; sleep 300"),
            text="I begin.",
        ),
    ),
}


@pytest.fixture(autouse=True)
def _manual(house: House) -> None:
    manual(house)


def killed_at_work(repl: Terminal) -> None:
    """A turn that is done, and one in the middle of a command; then kill -9."""
    turn(repl, "mend it")
    ask(repl, "be slow", "sleep 300")
    repl.kill9()


def test_resume_after_kill_9(house: House) -> None:
    with playing(SCRIPT) as server:
        with opened(house, server) as repl:
            killed_at_work(repl)
        session = house.session
        assert containers(session)
        with opened(house, server, "--continue", lines=50) as repl:
            repl.wait_all("mend it")
            repl.wait_all("Turn over.")
            repl.settled()
            turn(repl, "hello again")
            sent = json.dumps(requests(server)[-1]["messages"])
            for kept in ("mend it", "be slow", "I begin.", "slow.txt", "ended while this call ran"):
                assert kept in sent, kept
            says_once(repl, "/diff", "slow.txt")
            says_once(repl, "/accept all", "calc.py, slow.txt")
            says_once(repl, "/undo", "be slow")
            says_once(repl, "/undo", "mend it")
        assert house.session == session
        assert (house.repo / "calc.py").read_bytes() == FILES["calc.py"]
        assert containers(session) == []


def test_a_killed_session_that_is_left_at_once_leaves_no_container(house: House) -> None:
    with playing(SCRIPT) as server:
        with opened(house, server) as repl:
            killed_at_work(repl)
        assert containers(house.session)
        with opened(house, server, "--continue"):
            pass  # `opened` leaves, and looks
        assert containers(house.session) == []


def test_resume_by_id_and_only_what_is_there(house: House) -> None:
    with playing(SCRIPT) as server:
        with opened(house, server) as repl:
            turn(repl, "mend it")
        first = house.session
        with opened(house, server) as repl:
            turn(repl, "hello there")
        with opened(house, server, "--resume", first) as repl:
            says_once(repl, "/accept all", "calc.py")
        assert (house.repo / "calc.py").read_bytes() == FIXED
        with Terminal(
            command("--resume", "nonsense"),
            cwd=house.repo,
            env=house.environment(server),
        ) as wrong:
            assert wrong.ended() != 0
            assert "nonsense" in wrong.all()
            assert "Traceback" not in wrong.all()


def command(*arguments: str) -> list[str]:
    from tests.e2e.house import COMMAND

    return [*COMMAND, *arguments]


@pytest.mark.parametrize("how", ["hang_up", "sighup", "sigterm"])
def test_a_closed_window_leaves_no_container(house: House, how: str) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        ask(repl, "be slow", "sleep 300")
        session = house.session
        assert containers(session)
        if how == "hang_up":
            repl.hang_up()
        else:
            repl.signal(getattr(signal, how.upper()))
        repl.wait_until_dead()
        wait_until(lambda: not containers(session), "the end of the container")
        assert house.record()["owner"] is None or house.record()["status"] != "running"


def test_a_second_window_on_the_same_session_is_refused(house: House) -> None:
    held = threading.Event()
    script = {"hello": (says(text="Held.", held=held),)}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "hello there", "Held.")
        with Terminal(
            command("--resume", house.session), cwd=house.repo, env=house.environment(server)
        ) as second:
            assert second.ended() != 0
            assert house.session in second.all()
        held.set()
