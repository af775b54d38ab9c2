"""The terminal in tmux, which wraps lines anew when it is resized."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from qwright.agent.repl.drawing import MARK
from tests.tmux import Tmux

PROGRAM = """
import asyncio, sys
from pathlib import Path
from qwright.agent.repl.completion import Completer
from qwright.agent.repl.terminal import Terminal

class Person:
    def __getattr__(self, name):
        return lambda *_: None
    def drew_back(self):
        return None
    def submitted(self, text):
        if text == "leave":
            terminal.leave()
        number, live = text.split()
        terminal.commit(f"line {number} " + "w" * 80)
        terminal.set_live("live " * int(live))

async def main():
    global terminal
    terminal = Terminal(Person(), Completer(None), history=Path(sys.argv[1]))
    # tmux moves the top of a screen that is not full into the scrollback when it gets narrower.
    terminal.commit("earlier\\n" * 40)
    terminal.set_status("a status line " * 4, "its right end")
    await terminal.run()

asyncio.run(main())
"""
SIZES = [(60, 24), (40, 24), (90, 24), (120, 30), (45, 12), (100, 24)]


@pytest.mark.parametrize("term", ["screen-256color", "xterm-256color"])
def test_resizing_loses_nothing_and_leaves_nothing_behind(term: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "history")]
    env = {
        "PYTHONPATH": str(Path("src").resolve()),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TERM": term,
    }
    with Tmux(argv, cwd=tmp_path, env=env, columns=100, lines=24) as tmux:
        tmux.wait_for(MARK)
        for number in range(9):
            tmux.type(f"{number} 15")
            tmux.press("Enter")
            tmux.wait_for(f"line {number} ")
            tmux.wait_for("live live")
            tmux.pause()
            tmux.resize(*SIZES[number % len(SIZES)])
            tmux.pause()
        everything = tmux.all()
        assert re.findall(r"line (\d+) w{80}", everything) == [str(n) for n in range(9)]
        assert everything.count(MARK) == 1
        assert everything.count("live") == 15
        assert everything.count("its right end") == 1
