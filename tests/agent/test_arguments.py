from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

import pytest

from qwright.agent.arguments import COMMANDS, count, dollars, parse, seconds
from qwright.agent.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), (" 5m ", 300)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "-5", "5d", "five", "1e3", "inf", "nan"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no duration"):
        seconds(text)


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("30k", 30_000), ("2M", 2_000_000)])
def test_counts(text: str, value: int) -> None:
    assert count(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "k", "many"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no positive number"):
        count(text)


@pytest.mark.parametrize(
    ("text", "value"), [("2", 2.0), ("0.50", 0.5), ("$.5", 0.5), (" 1.25", 1.25)]
)
def test_amounts(text: str, value: float) -> None:
    assert dollars(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1e9", "inf", "nan", "$", "1.2.3", "free"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no amount"):
        dollars(text)


def test_a_task_with_every_flag() -> None:
    line = (
        "--model m --base-url http://b/v1 --effort max "
        "--verify v --verify-timeout 5s --attempts 4 --max-turns 3 "
        "--max-tokens 9k --max-cost 0.50 --max-wall-time 2m -o stream-json --no-apply "
        "--setup one --setup two --network full --image i -C dir do-it"
    )
    args = vars(parse(line.split()))
    expected: dict[str, Any] = {
        "subcommand": "run",
        "task": "do-it",
        "prompt": None,
        "model": "m",
        "base_url": "http://b/v1",
        "effort": "max",
        "verify": "v",
        "verify_timeout": 5.0,
        "attempts": 4,
        "max_turns": 3,
        "max_tokens": 9_000,
        "max_cost": 0.5,
        "max_wall_time": 120.0,
        "output_format": "stream-json",
        "no_apply": True,
        "patch": None,
        "branch": None,
        "setup": ["one", "two"],
        "network": "full",
        "image": "i",
        "cwd": "dir",
        "interactive": False,
        "go_on": False,
        "resume": None,
        "mode": None,
        "apply": None,
        "screen_reader": False,
    }
    assert args == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sessions", {"subcommand": "sessions", "action": None}),
        ("sessions list -n 5", {"action": "list", "n": 5}),
        ("sessions show x", {"action": "show", "session": "x"}),
        ("sessions diff x", {"action": "diff", "session": "x"}),
        ("sessions rm x", {"action": "rm", "session": "x"}),
        ("apply x", {"subcommand": "apply", "session": "x"}),
        ("undo", {"subcommand": "undo", "session": None}),
        ("undo x", {"subcommand": "undo", "session": "x"}),
        ("doctor", {"subcommand": "doctor"}),
        ("sandbox build --force", {"action": "build", "force": True}),
        ("sandbox clean", {"action": "clean"}),
        ("trust", {"subcommand": "trust", "directory": "."}),
        ("trust there", {"directory": "there"}),
        ("models pull 0.5b", {"subcommand": "models"}),
    ],
)
def test_commands(line: str, expected: dict[str, Any]) -> None:
    assert vars(parse(line.split())).items() >= expected.items()


@pytest.mark.parametrize(
    "line",
    [
        "--no-such-flag x",
        "one two",
        "--max-turns 0 x",
        "--max-wall-time soon x",
        "--verify",
        "--no-apply --patch p x",
        "--patch p --branch b x",
        "--network some x",
        "-o xml x",
        "sessions show",
        "sessions burn x",
        "apply",
        "sandbox",
        "--max-t 3 x",
    ],
)
def test_what_makes_no_sense_is_one_line(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(line.split())
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("see qwright --help")


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    from qwright.agent.exits import Exit

    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"qwright {command}" in shown for command in COMMANDS)
    codes = shown.split("exit codes:")[1]
    assert all(str(code.value) in codes.split() for code in Exit)
