"""What runs without asking, what is asked about, and what an answer allows."""

from __future__ import annotations

import json
import re
import threading

import pytest

from tests.e2e.house import FILES, FIXED, House
from tests.e2e.repl.stage import ask, confirm, opened, playing
from tests.e2e.scripted_server import Reply, Server, call, says
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

COMMAND_ASKED = "Run this command in the sandbox?"
EDIT_ASKED = "Make this change in the session's files?"
FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")


def runs(command: str) -> tuple[Reply, Reply]:
    """A turn with one command, and its end."""
    return says(call("run_shell_command", command=command)), says(text="Turn over.")


def mode(house: House, name: str) -> None:
    (house.home / "config").mkdir(exist_ok=True)
    (house.home / "config" / "config.toml").write_text(f'mode = "{name}"\napply = "manual"\n')


def results(server: Server) -> list[str]:
    """What the tools told the model, by the newest request."""
    messages = [r for r in server.requests if r.get("tools")][-1]["messages"]
    return [json.dumps(one["content"]) for one in messages if one["role"] == "tool"]


def over(repl: Terminal, count: int) -> None:
    repl.wait_for(lambda: repl.count("Turn over.") == count)


def test_a_command_is_asked_about_once_for_a_session_and_for_a_project(house: House) -> None:
    mode(house, "ask")
    script = {
        "first": runs("date +first-%Y"),
        "second": runs("date +second-%Y"),
        "third": runs("date +third-%Y"),
        "other": runs("date; touch other"),
    }
    with playing(script) as server:
        with opened(house, server) as repl:
            for number, answer in (("first", "1"), ("second", "2")):
                shown = ask(repl, f"the {number}", COMMAND_ASKED)
                assert f"date +{number}-%Y" in shown
                assert len(results(server)) == {"first": 0, "second": 1}[number]
                confirm(repl, answer)
                over(repl, {"first": 1, "second": 2}[number])
            repl.send("the third")
            over(repl, 3)
            ask(repl, "the other", COMMAND_ASKED)
            confirm(repl, "1")
            over(repl, 4)
            assert "third-2" in results(server)[2]
        with opened(house, server) as repl:
            ask(repl, "the first", COMMAND_ASKED)
            confirm(repl, "3")
            over(repl, 1)
        with opened(house, server) as repl:
            repl.send("the second")
            over(repl, 1)
    assert not list(house.repo.rglob("*approv*"))


def test_no_tells_the_model_why(house: House) -> None:
    mode(house, "ask")
    script = {"do": (says(call("run_shell_command", command="touch no"), FIX), says(text="Sorry."))}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "do it", COMMAND_ASKED)
        confirm(repl, "4")
        repl.wait_for("Why not?")
        repl.send("not on a Sunday")
        repl.wait_all("Sorry.")
        assert EDIT_ASKED not in repl.all()
        assert "not on a Sunday" in results(server)[0]
        assert len(results(server)) == 2
        ask(repl, "/diff", "othing")


def test_edits_show_their_diff(house: House) -> None:
    mode(house, "ask")
    with (
        playing({"mend": (says(FIX), says(text="Turn over."))}) as server,
        opened(house, server) as repl,
    ):
        shown = ask(repl, "mend it", EDIT_ASKED)
        assert "calc.py" in shown
        assert "return a + b" in shown
        confirm(repl, "1")
        over(repl, 1)
        ask(repl, "/diff", "+     return a + b")
    assert (house.repo / "calc.py").read_bytes() == FILES["calc.py"]


def test_auto_edit_asks_about_commands_only(house: House) -> None:
    mode(house, "auto-edit")
    script = {"mend": (says(FIX), says(call("run_shell_command", command="ls")), says(text="End."))}
    with playing(script) as server, opened(house, server) as repl:
        shown = ask(repl, "mend it", COMMAND_ASKED)
        assert EDIT_ASKED not in shown
        repl.settled(0.4)
        repl.press("esc")
        repl.wait_all("End.")
        assert "refused" in results(server)[1]


def test_plan_mode_has_no_tools_that_write(house: House) -> None:
    with (
        playing({"mend": (says(FIX), says(text="Turn over."))}) as server,
        opened(house, server) as repl,
    ):
        repl.send("/plan")
        repl.wait_for(re.compile(r"\bplan\b"))
        repl.send("mend it")
        over(repl, 1)
        offered = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
        assert "read_file" in offered
        assert not offered & {"edit", "write_file", "run_shell_command"}
        ask(repl, "/diff", "othing")


def test_keys_typed_before_the_question_are_no_answer(house: House) -> None:
    mode(house, "ask")
    held = threading.Event()
    do = says(call("run_shell_command", command="touch done"), text="Soon.", held=held)
    script = {"do": (do, says(text="Turn over.")), "1": (says(text="One."),)}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "do it", "Soon.")
        held.set()
        # As somebody who is typing a prompt when the question comes: it comes between two keys.
        until_asked = iter(range(500))
        while COMMAND_ASKED not in repl.screen() and next(until_asked, None) is not None:
            repl.type("1")
            repl.settled(0.02)
        repl.type("111")
        repl.settled(1.0)
        assert COMMAND_ASKED in repl.screen()
        assert results_so_far(server) == 0
        repl.press("esc")
        repl.wait_all("Turn over.")
        repl.wait_for("111")


def results_so_far(server: Server) -> int:
    return len(results(server)) if server.requests else 0


def test_a_person_can_follow_every_step(house: House) -> None:
    """The mode changes while a turn is under way: it holds from the next call on."""
    held = threading.Event()
    script = {"mend": (says(text="Wait.", held=held), says(text="Turn over."))}
    script["mend"] = (says(FIX, text="Wait.", held=held), says(text="Turn over."))
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "mend it", "Wait.")
        repl.press("shift-tab", "shift-tab")
        repl.wait_for(re.compile(r"\bask\b"))
        held.set()
        repl.wait_for(EDIT_ASKED)
        confirm(repl, "1")
        repl.wait_for("Bring this to your files?")
        confirm(repl, "1")
        repl.wait_for(lambda: (house.repo / "calc.py").read_bytes() == FIXED)
