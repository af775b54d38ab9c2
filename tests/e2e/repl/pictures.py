"""The pictures of README.md: real screens of a scripted session, drawn as SVG.

python -m tests.e2e.repl.pictures docs/pictures
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.e2e.house import VERIFY, House, make_house
from tests.e2e.repl.stage import opened, playing
from tests.e2e.scripted_server import call, says
from tests.picture import svg
from tests.terminal import Terminal

COLUMNS, LINES = 96, 34
_TEST = call("run_shell_command", command=VERIFY)
_FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
_ANSWERS = {
    "test_add": (
        says(_TEST, text="I run the tests first."),
        says(_FIX, text="`add` subtracts. One line is wrong:"),
        says(_TEST),
        says(text="Fixed: `add()` in `calc.py` took the difference.\n\n- The test passes now.\n"),
    ),
    "clean": (
        says(call("run_shell_command", command="git clean -fdx")),
        says(text="All right, I leave it."),
    ),
}


def draw(target: Path, house: House) -> None:
    """Play two scenes and write a picture of each."""
    with playing(_ANSWERS) as server:
        with opened(house, server, columns=COLUMNS, lines=LINES) as terminal:
            terminal.send("test_add fails, mend it")
            terminal.wait_for("1. Apply")
            _save(terminal, target / "terminal.svg", "qwright: a bug is mended")
        with opened(house, server, "--mode", "ask", columns=COLUMNS, lines=18) as terminal:
            terminal.send("clean up the folder")
            terminal.wait_for("1. Yes, once")
            _save(terminal, target / "approval.svg", "qwright: a command is to be approved")


def _save(terminal: Terminal, file: Path, title: str) -> None:
    terminal.settled()
    rows = terminal.rows()
    while rows and not any(cell.text.strip() for cell in rows[-1]):
        rows.pop()
    file.write_text(svg(rows, title), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        draw(Path(sys.argv[1]), make_house(Path(home)))
