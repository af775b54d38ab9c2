"""What models do in the tests of the loop, on the files of the stage."""

from __future__ import annotations

from qwright.agent.loop import Task
from tests.fakes import Answer, call

VERIFIED = Task("Fix a.py.", verify="python -m pytest -q")
DONE = Answer("All good.")
LOOK = call("read_file", path="a.py")
FIX = call("edit", path="a.py", old_string="x = 1", new_string="x = 2")
WRONG = call("edit", path="a.py", old_string="x = 1", new_string="x = 9")
OTHER = call("edit", path="a.py", old_string="x = 1", new_string="x = 8")
RUN = call("run_shell_command", command="make")
