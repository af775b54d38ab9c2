"""What a model, a command, a file or a name may hold: it draws nothing outside its lines.

Cases 24 and 25: escape sequences, forged approvals, letters that only look like others, and that
what was approved is, byte for byte, what runs.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.house import House
from tests.e2e.repl.stage import ask, confirm, opened, playing
from tests.e2e.repl.test_approvals import COMMAND_ASKED, mode, over, results
from tests.e2e.scripted_server import call, says
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

ESCAPES = (
    "\x1b]52;c;aG9zdGlsZQ==\x07"  # the clipboard
    "\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\"
    "\x1b]0;hostile title\x07\x1b]2;hostile title\x1b\\"
    '\x1bP$q"p\x1b\\\x1bP+q544e\x1b\\'  # questions that a terminal answers into the input
    "\x1b[6n\x1b[c\x1b[5n\x1b[?1049h\x1b[2J\x1b[3J\x1b[H\x1b[10A\x1b[1;1Hover\x1bc"
    "\x9b2J\x9d52;c;aG9zdGlsZQ==\x9c\x90+q\x9c"  # the same in one byte
    "\x1b[8mhidden\x1b[?25l\x1b[5m\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bX sos\x1b\\"
    "\u202egnihtemos\u202c \u2066isolate\u2069 \x08\x08\x08\x08\x07\x0e\x0f\r"
)
MARK = "the end of what is hostile"
HOSTILE = f"{ESCAPES}{MARK}"
FORBIDDEN = re.compile(
    rb"\x1b\](?!2;|0;|52;)|\x1b\]52|\x1b\][02];[^\x07\x1b]*hostile|\x1bP|\x1b_|\x1b\^|\x1bX|\x1bc|\x1b\[\??6n"
    rb"|\x1b\[[05]?n|\x1b\[c|\x1b\[3J|\x1b\[10A|\x1b\[5m|\x1b\[8m|\x0e|\x0f"
    rb"|\xe2\x80\xae|\xe2\x81\xa6|\xc2\x9b|\xc2\x9d|\xc2\x90"
)
FORGED = f"""
 {COMMAND_ASKED}
| rm -rf build
> 1. Yes, once
  2. Yes, and commands like it for this session
"""


def harmless(repl: Terminal, sentinel: str) -> None:
    """Nothing hostile reached the terminal, and what stood above stands there still."""
    repl.settled()
    found = FORBIDDEN.search(bytes(repl.raw))
    assert not found, bytes(repl.raw)[max(found.start() - 60, 0) : found.end() + 60]
    assert sentinel in repl.all()
    assert not repl.alternate
    assert "hostile" not in repl.title


def test_a_hostile_model_and_its_tools(house: House) -> None:
    (house.repo / "evil.txt").write_text(f"{HOSTILE}\n{FORGED}")
    (house.repo / f"na\x1b]0;hostile title\x07me{MARK}.txt").write_text("x")
    (house.repo / "bi\u202edi\u202c.txt").write_text("x")
    steps = (
        says(
            call("read_file", path="evil.txt"),
            call("list_directory", path="."),
            call("run_shell_command", command=f"cat evil.txt; ls; : '{HOSTILE}'"),
            call("edit", path="notes.md", old_string="one", new_string=HOSTILE),
            call(f"no_such{ESCAPES}tool", path=HOSTILE),
            text=HOSTILE,
            thought=HOSTILE,
        ),
        says(
            text=f"```\n{HOSTILE}\n```\n\n| a | b |\n|---|---|\n| {HOSTILE} | c |\n\n# {HOSTILE}\n"
        ),
    )
    with playing({"go": steps, "hi": (says(text="Sentinel."),)}) as server:
        with opened(house, server) as repl:
            ask(repl, "hi", "Sentinel.")
            repl.send("go on")
            repl.wait_for("Bring this to your files?")
            harmless(repl, "Sentinel.")
            repl.press("esc")
            for command in ("/diff", "/sessions", "/status", "/checkpoints"):
                repl.send(command)
                repl.settled()
            repl.send("!cat evil.txt")
            repl.wait_for(lambda: repl.count(MARK) > 5)
            harmless(repl, "Sentinel.")
            repl.press("ctrl-o")
            repl.wait_for(lambda: repl.alternate)
            repl.settled()
            repl.press("q")
            repl.wait_for(lambda: not repl.alternate)
            harmless(repl, "Sentinel.")
        with opened(house, server, "--continue") as repl:
            repl.wait_all("Sentinel.")
            harmless(repl, "Sentinel.")


def test_a_forged_question_does_not_look_like_one(house: House) -> None:
    mode(house, "ask")
    steps = (
        says(call("run_shell_command", command=f"echo one\n{FORGED}"), text=FORGED),
        says(text="Turn over."),
    )
    with playing({"go": steps}) as server, opened(house, server, lines=40) as repl:
        ask(repl, "go", "No, and tell")
        repl.settled()
        rows = repl.screen().splitlines()
        titles = [number for number, row in enumerate(rows) if COMMAND_ASKED in row]
        styles = [repl.row(number) for number in titles]
        real = [row for row in styles if any(cell.reverse for cell in row)]
        assert len(titles) >= 2
        assert len(real) == 1, "only the real title is drawn reversed"
        confirm(repl, "4")
        repl.send("")
        over(repl, 1)
        assert len(results(server)) == 1


def test_what_is_approved_is_what_runs(house: House) -> None:
    """A letter of another script, a return, hidden text, direction: all are seen before."""
    mode(house, "ask")
    strange = "printf '%s' 'p\u0430ypal\r\x1b[8m;x\u202ey\u200bz\u00a0\u3164\u2800' | od -An -tx1"
    with (
        playing(
            {"go": (says(call("run_shell_command", command=strange)), says(text="Turn over."))}
        ) as server,
        opened(house, server) as repl,
    ):
        ask(repl, "go", COMMAND_ASKED)
        shown = repl.settled(0.4)
        for seen in ("U+0430", "<0D>", "<1B>", "<U+202E>", "<U+200B>", "<A0>"):
            assert seen in shown, seen
        for invisible in ("U+3164", "U+2800"):
            assert invisible in shown, f"{invisible} is blank and was not named"
        confirm(repl, "1")
        over(repl, 1)
        expected = strange.split("'")[3].encode().hex()
        ran = re.sub(r"[^0-9a-f]", "", json.loads(results(server)[0]).replace("\\n", ""))
        assert expected in ran


def test_a_long_command_can_be_seen_whole(house: House) -> None:
    mode(house, "ask")
    long = "echo " + " ".join(f"word{number}" for number in range(1500)) + " ; touch tail-end"
    with (
        playing(
            {"go": (says(call("run_shell_command", command=long)), says(text="Turn over."))}
        ) as server,
        opened(house, server) as repl,
    ):
        ask(repl, "go", COMMAND_ASKED)
        shown = repl.settled(0.4)
        assert re.search(r"\d+ more lines", shown)
        assert "No, and tell" in shown
        for _ in range(200):
            if "tail-end" in repl.screen():
                break
            repl.press("page-down")
            repl.settled(0.05)
        assert "tail-end" in repl.screen()
        repl.press("esc")
        over(repl, 1)
        assert "refused" in results(server)[0]


def test_a_long_line_and_a_flood_stay_in_their_lines(house: House) -> None:
    flood = "x" * 200_000
    steps = (
        says(call("run_shell_command", command="seq 100000; printf '%0200000d\\n' 7"), text=flood),
        says(text="After the flood."),
    )
    with playing({"go": steps}) as server, opened(house, server) as repl:
        ask(repl, "go", "After the flood.")
        wide = [row for row in repl.all().splitlines() if len(row) > 100]
        assert not wide
