from __future__ import annotations

import pytest

from qwright.sandbox.base import CommandResult
from qwright.tools.base import ToolResult
from qwright.tools.run_shell_command import RunShellCommand
from tests.tools.rig import FakeSandbox, Rig, ended


def run(rig: Rig, result: CommandResult, command: str = "make", timeout: float = 9) -> ToolResult:
    return rig.call(RunShellCommand(command=command, timeout=timeout), FakeSandbox(result))


def test_output_and_exit_code(rig: Rig) -> None:
    result = run(rig, ended("one\ntwo\n"))
    assert result.text == "one\ntwo\n[exit code 0]"
    assert not result.is_error
    assert result.details["exit_code"] == 0
    assert result.details["output"] == "one\ntwo"
    assert result.details["seconds"] == 0.1


def test_no_output_and_failure(rig: Rig) -> None:
    result = run(rig, ended("", 3))
    assert result.text == "(no output)\n[exit code 3]"
    assert result.is_error


def test_timeout_memory_and_lost_output_are_said_plainly(rig: Rig) -> None:
    text = run(rig, ended("a", 124, timed_out=True)).text
    assert text == "a\n[stopped: it ran longer than the timeout of 9 s]"
    text = run(rig, ended("a", 137, out_of_memory=True)).text
    assert text == "a\n[exit code 137: killed, it used more memory than the sandbox has]"
    text = run(rig, ended("a", 0, dropped_bytes=5_000)).text
    assert text == "a\n[exit code 0; 5,000 bytes of output not kept]"


@pytest.mark.parametrize(("given", "held"), [(0, 120), (-1, 120), (601, 600), (0.5, 0.5)])
def test_a_timeout_out_of_bounds_is_fitted(rig: Rig, given: float, held: float) -> None:
    text = run(rig, ended("", 124, timed_out=True), timeout=given).text
    assert text.endswith(f"longer than the timeout of {held:g} s]")


def test_control_sequences_and_progress_bars_go(rig: Rig) -> None:
    hostile = "\x1b]0;title\x07\x1b[31mred\x1b[0m\n10%\r100%\n\x1b]52;c;eA==\x1b\\ok\u202e\n"
    result = run(rig, ended(hostile))
    assert result.text == "red\n100%\nok\n[exit code 0]"
    assert result.details["output"] == "red\n100%\nok"


def test_long_output_keeps_head_and_tail(rig: Rig) -> None:
    result = run(rig, ended("".join(f"line {n}\n" for n in range(5000)), 1))
    assert len(result.text) < 8_100
    assert result.text.startswith("line 0\n")
    assert result.text.endswith("line 4999\n[exit code 1]")
    assert " lines, " in result.text
    assert len(run(rig, ended("x" * 50_000)).text) < 8_100


@pytest.mark.parametrize(
    ("command", "said"),
    [("", "empty"), (" \n", "empty"), ("a\0b", "NUL"), ("x" * 100_001, "script file")],
)
def test_a_command_that_cannot_run_is_refused(rig: Rig, command: str, said: str) -> None:
    sandbox = FakeSandbox(ended(""))
    result = rig.call(RunShellCommand(command=command), sandbox)
    assert result.is_error
    assert said in result.text
    assert sandbox.commands == []
