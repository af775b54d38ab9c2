"""Every key of the REPL, pressed in a real terminal."""

from __future__ import annotations

import json
import re
import threading

import pytest

from tests.e2e.house import COMMAND, House
from tests.e2e.repl.stage import PROMPT, ask, leave, opened, playing
from tests.e2e.scripted_server import Server, says, wait_until
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

SCRIPT = {"a": (says(text="Understood."),)}
"""Every prompt of these tests has an `a` in it."""


def received(server: Server, count: int) -> list[str]:
    """The first so many prompts as the model got them."""

    def asked() -> list[str]:
        turns = [r["messages"][-1] for r in list(server.requests) if r.get("tools")]
        return [one["content"] for one in turns if one["role"] == "user"]

    wait_until(lambda: len(asked()) >= count, f"prompt {count}")
    return asked()


def line(repl: Terminal) -> str:
    """The line of the window that the cursor is in."""
    rows = repl.screen().splitlines()
    return rows[repl.cursor[1]] if repl.cursor[1] < len(rows) else ""


def types(repl: Terminal, text: str) -> None:
    """Type, and wait until it stands in the input."""
    repl.type(text)
    repl.wait_for(lambda: text in line(repl))


def test_lines_of_a_prompt(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        # In the prompt's first moment a line feed is an Enter that was typed before it was there.
        repl.settled(0.2)
        for number, newline in enumerate(("ctrl-j", "alt-enter", "shift-enter")):
            types(repl, f"a{number}")
            repl.press(newline)
            types(repl, f"b{number}")
            repl.press("enter")
            assert received(server, number + 1)[number] == f"a{number}\nb{number}"
            repl.wait_for(lambda number=number: repl.count("Understood.") == number + 1)
        types(repl, "a3\\")
        repl.press("enter")
        types(repl, "b3")
        repl.press("enter")
        assert received(server, 4)[3] == "a3\nb3"
        repl.wait_for(lambda: repl.count("Understood.") == 4)


def test_the_history_and_its_search(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        for number, prompt in enumerate(("alpha first", "alpha second"), 1):
            ask(repl, prompt, prompt)
            repl.wait_for(lambda number=number: repl.count("Understood.") == number)
        repl.press("up")
        repl.wait_for(lambda: "alpha second" in line(repl))
        repl.press("up")
        repl.wait_for(lambda: "alpha first" in line(repl))
        repl.press("down")
        repl.wait_for(lambda: "alpha second" in line(repl))
        repl.press("down")
        repl.wait_for(lambda: "alpha" not in line(repl))
        repl.press("ctrl-r")
        repl.wait_for("History")
        repl.type("first")
        repl.wait_for(lambda: repl.screen().count("alpha second") < repl.count("alpha second") + 1)
        repl.press("enter")
        repl.wait_for(lambda: "alpha first" in line(repl))
        repl.press("enter")
        assert received(server, 3)[2] == "alpha first"
    with playing(SCRIPT) as server, opened(house, server) as repl:
        repl.press("up")
        repl.wait_for(lambda: "alpha first" in line(repl))


def test_escape_clears_and_goes_back(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        ask(repl, "alpha", "Understood.")
        repl.settled()
        types(repl, "a draft")
        repl.press("esc")
        repl.wait_for("Esc again to clear")
        repl.press("esc")
        repl.wait_for(lambda: "a draft" not in line(repl))
        repl.press("up")
        repl.wait_for(lambda: "a draft" in line(repl))
        repl.press("ctrl-c")
        repl.wait_for(lambda: "a draft" not in line(repl))
        repl.press("esc")
        repl.wait_for("Esc again to go back")
        repl.press("esc")
        repl.wait_for(re.compile(r"1\. alpha"))
        repl.press("esc")


def test_escape_twice_at_once_and_alt_keys(house: House) -> None:
    """Both bytes of Esc Esc may come in one piece; Alt with a letter is no Esc."""
    with playing(SCRIPT) as server, opened(house, server) as repl:
        types(repl, "two words")
        repl.press("alt-b")
        repl.type("X")
        repl.wait_for(lambda: "two Xwords" in line(repl))
        repl.type("\x1b\x1b")
        repl.wait_for(lambda: "words" not in line(repl))
    assert server.requests == []


def test_shift_tab_goes_through_the_modes(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        repl.wait_for("auto")
        for mode in ("plan", "ask", "auto-edit", "auto"):
            repl.press("shift-tab")
            repl.wait_for(re.compile(rf"(?<!-)\b{mode}\b(?!-)"))


def test_help_pager_steps_and_a_clean_screen(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        ask(repl, "alpha", "Understood.")
        repl.type("?")
        repl.wait_all("/rewind")
        repl.wait_all("/commit")
        repl.press("ctrl-t")
        repl.wait_all("No list of steps yet")
        repl.press("ctrl-o")
        repl.wait_for(lambda: repl.alternate)
        repl.wait_for("Understood.")
        repl.press("q")
        repl.wait_for(lambda: not repl.alternate)
        repl.press("ctrl-l")
        repl.wait_gone("Understood.")
        types(repl, "still here")


def test_a_long_paste_is_a_chip(house: House) -> None:
    pasted = "\n".join(f"a line {number}" for number in range(42))
    with playing(SCRIPT) as server, opened(house, server) as repl:
        types(repl, "look:")
        repl.paste(pasted)
        repl.wait_for("[#1 pasted, 42 lines]")
        assert "a line 7" not in repl.screen()
        repl.press("enter")
        assert received(server, 1)[0] == f"look:{pasted}"
        repl.wait_for("Understood.")
        repl.paste("short a\nand b")
        repl.wait_for("and b")
        repl.press("enter")
        assert received(server, 2)[1] == "short a\nand b"


def test_paths_and_commands_complete(house: House) -> None:
    (house.repo / "pkg").mkdir()
    (house.repo / "pkg" / "machinery.py").write_text("x = 1\n")
    with playing(SCRIPT) as server, opened(house, server) as repl:
        repl.type("a look at @machi")
        repl.wait_for("pkg/machinery.py")
        repl.press("tab")
        repl.wait_for(lambda: "@pkg/machinery.py" in line(repl))
        repl.press("enter")
        assert "pkg/machinery.py" in received(server, 1)[0]
        repl.wait_for("Understood.")
        repl.type("/stat")
        repl.wait_for(re.compile(r"/status\s+\S"))
        repl.press("tab")
        repl.wait_for(lambda: "/status" in line(repl))
        repl.press("enter")
        repl.wait_for(house.session[:15])


def test_the_shell_in_the_sandbox(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        repl.type("!")
        repl.wait_for(lambda: line(repl).startswith("$"))
        repl.type("echo $((6 * 7)); hostname; ls /.dockerenv")
        repl.press("enter")
        repl.wait_for("42")
        repl.wait_for("/.dockerenv")
        ask(repl, "a question", "Understood.")
        assert "echo $((6 * 7))" in json.dumps(server.requests[-1]["messages"])


@pytest.mark.parametrize("keys", [("ctrl-g",), ("ctrl-x", "ctrl-e")])
def test_the_users_editor(house: House, keys: tuple[str, ...]) -> None:
    editor = house.home / "editor"
    editor.write_text('#!/bin/sh\ntr a-z A-Z < "$1" > "$1.new"; mv "$1.new" "$1"\n')
    editor.chmod(0o755)
    env = {"EDITOR": str(editor)}
    with playing(SCRIPT) as server, opened(house, server, env=env) as repl:
        types(repl, "a small draft")
        repl.press(*keys)
        repl.wait_for(lambda: "A SMALL DRAFT" in line(repl))
    assert server.requests == []


def test_what_is_typed_before_the_prompt_is_drawn(house: House) -> None:
    with playing(SCRIPT) as server:
        environment = house.environment(server)
        with Terminal(COMMAND, cwd=house.repo, env=environment) as repl:
            repl.send("a prompt typed at once")
            repl.wait_for("Understood.")
            leave(repl)
        assert received(server, 1) == ["a prompt typed at once"]


def test_escape_many_times(house: House) -> None:
    """As somebody does who wants it to stop: nothing of it ends up in the input."""
    script = {"slow": (says(text="Begun.", hang=True),), "a": (says(text="Understood."),)}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "be slow", "Begun.")
        repl.press(*["esc"] * 5)
        repl.wait_for("Interrupted")
        repl.settled()
        repl.press("esc")
        repl.settled()
        assert "/rewind" not in line(repl)
        if "Go back" in repl.screen():
            repl.press("esc")
            repl.settled()
        ask(repl, "a question", "Understood.")


def test_escape_ends_a_shell_command_even_before_it_runs(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server) as repl:
        repl.send("!sleep 300")
        repl.wait_for("Esc interrupts")
        repl.press("esc")
        repl.wait_for("Interrupted")
        repl.send("!sleep 301; echo $((6 * 7))-never")
        repl.wait_for(re.compile("sleep 301.*Esc interrupts"))
        repl.press("esc")
        repl.wait_for(lambda: repl.count("Interrupted") == 2)
        assert "42-never" not in repl.all()


def test_leaving(house: House) -> None:
    with playing(SCRIPT) as server:
        with opened(house, server) as repl:
            repl.press("ctrl-d")
            assert repl.ended() == 0
        with opened(house, server) as repl:
            types(repl, "not sent")
            repl.press("ctrl-d")
            repl.press("ctrl-c")
            repl.wait_for("Ctrl-C again to leave")
            repl.press("ctrl-c")
            assert repl.ended() == 0
        for word in ("exit", "/quit", ":q"):
            with opened(house, server) as repl:
                repl.send(word)
                assert repl.ended() == 0
    assert server.requests == []


def test_keys_while_the_agent_works(house: House) -> None:
    """Typing, completing, the pager and the modes go on while an answer comes."""
    held = threading.Event()
    script = {"slow": (says(text="Begun.", held=held),), "a": (says(text="Understood."),)}
    with playing(script) as server, opened(house, server) as repl:
        ask(repl, "be slow", "Begun.")
        types(repl, "typed meanwhile")
        repl.press("shift-tab")
        repl.wait_for("plan")
        repl.press("ctrl-o")
        repl.wait_for(lambda: repl.alternate)
        repl.press("q")
        repl.wait_for(lambda: not repl.alternate)
        repl.wait_for(lambda: "typed meanwhile" in line(repl))
        held.set()
        repl.wait_for(lambda: "typed meanwhile" in line(repl))


def test_vi_keys(house: House) -> None:
    (house.home / "config").mkdir()
    (house.home / "config" / "config.toml").write_text('editing = "vi"\n')
    with playing(SCRIPT) as server, opened(house, server) as repl:
        types(repl, "alpha beta")
        repl.press("esc")
        repl.type("0dwx")
        repl.wait_for(lambda: line(repl).endswith("eta"))
        repl.press("enter")
        assert received(server, 1)[0] == "eta"


def test_ctrl_z_suspends(house: House) -> None:
    command = ["bash", "--norc", "-i", "-c", 'set -m; "$@"; echo stopped; fg; echo over', "sh"]
    argv = [*command, *COMMAND]
    with playing(SCRIPT) as server, opened(house, server, command=argv) as repl:
        types(repl, "kept")
        repl.press("ctrl-z")
        repl.wait_for("stopped")
        repl.wait_for(lambda: line(repl).startswith(PROMPT) and "kept" in line(repl))
        repl.press("ctrl-c", "ctrl-d")
        repl.wait_for("over")
