"""The table of slash commands: names, texts in both languages, and what a typed line is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from rich.cells import cell_len

from qwright.agent import language
from qwright.agent.language import LANGUAGES, Language
from qwright.agent.repl.app import Repl
from qwright.agent.repl.command import CommandError
from qwright.agent.repl.commands import Commands
from qwright.agent.repl.custom import CustomCommand
from qwright.agent.repl.help_page import about, page

OF_THE_ISSUE = """
    help model status context cost diff undo redo rewind checkpoints accept reject commit branch
    compact clear resume sessions export plan mode init memory sandbox network image add-dir copy
    editor theme doctor exit
"""
EXPECTED = {
    "?": "help",
    "stats": "status",
    "tokens": "context",
    "usage": "cost",
    "apply": "accept",
    "compress": "compact",
    "summarize": "compact",
    "new": "clear",
    "reset": "clear",
    "continue": "resume",
    "rename": "title",
    "approval-mode": "mode",
    "settings": "config",
    "quit": "exit",
}
"""Names that people have from elsewhere."""
MAY_RUN_WHILE_BUSY = ("help", "status", "context", "cost", "diff", "copy", "todo", "mode", "exit")
MUST_WAIT = ("accept", "reject", "commit", "undo", "redo", "rewind", "clear", "compact", "resume")


class Nobody:
    """A REPL whose chat is in a folder without commands of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.chat = self
        self.terminal = self
        self.view = self
        self.shown: list[str] = []

    def prompt(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    language.choose("en")
    yield Commands(cast(Repl, Nobody(tmp_path)))
    language.choose(None)


def test_every_command_of_the_issue_is_there_once(commands: Commands) -> None:
    names = [name for one in commands.all for name in (one.name, *one.aliases)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert {one.name for one in commands.all} >= set(OF_THE_ISSUE.split())
    owners = {name: one.name for one in commands.all for name in one.aliases}
    assert EXPECTED.items() <= owners.items()


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_command_has_its_texts(commands: Commands, spoken: Language) -> None:
    language.choose(spoken)
    for one in commands.all:
        assert one.description.strip(), one.name
        assert bool(one.hint) == one.takes, one.name
        assert one.description in about(one)
        assert one.name in about(one)


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_the_help_page_fits_sixty_columns_and_holds_all(
    commands: Commands, spoken: Language
) -> None:
    language.choose(spoken)
    mine = CustomCommand("review:diff", "x", "A " + "very " * 30 + "long description")
    lines = page(commands.all, (mine,), 58).splitlines()
    assert max(map(cell_len, lines)) <= 58
    assert [line for line in lines if "…" in line] == [lines[-3]]
    for one in commands.all:
        assert any(line.startswith(f"  /{one.name} ") for line in lines), one.name
    assert len(lines) < 90


def test_a_path_is_no_command_and_a_bare_exit_is_one(commands: Commands) -> None:
    yes = ["/diff", "/nonsense", "/accept -p", "exit", "quit", ":q", "/?", "/title a/b"]
    no = ["/etc/hosts is wrong", "/", "// x", "fix it", "", "exit now", "see /diff", "/src/a.py"]
    assert [line for line in yes if not commands.is_command(line)] == []
    assert [line for line in no if commands.is_command(line)] == []


def test_what_changes_nothing_may_run_while_the_agent_works(commands: Commands) -> None:
    assert [name for name in MAY_RUN_WHILE_BUSY if not commands.runs_now(f"/{name}")] == []
    assert [name for name in MUST_WAIT if commands.runs_now(f"/{name}")] == []
    assert commands.runs_now("exit")
    assert not commands.runs_now("/nonsense")
    assert not commands.runs_now("help")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("acept", "did you mean /accept?"),
        ("ckeckpoints", "did you mean /checkpoints?"),
        ("Diff2", "did you mean /diff?"),
        ("xyzzy", "/help lists them"),
        ("accep\nwhat a b", "did you mean /accept?"),
    ],
)
def test_an_unknown_command_names_the_nearest(commands: Commands, typed: str, meant: str) -> None:
    import asyncio

    with pytest.raises(CommandError, match=f"no command /{typed.lower().split()[0]}") as raised:
        asyncio.run(commands.run(f"/{typed}"))
    assert meant in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_completion_gets_each_command_once_with_its_words(commands: Commands) -> None:
    infos = {one.name: one for one in commands.infos()}
    assert len(infos) == len(commands.infos())
    assert infos["compact"].aliases == ("compress", "summarize")
    assert infos["add-dir"].hint == "FOLDER"
    assert list(commands.arguments("help", "check")) == ["checkpoints"]
    assert list(commands.arguments("mode", "a")) == ["ask", "auto-edit", "auto"]
    assert list(commands.arguments("nonsense", "a")) == []
