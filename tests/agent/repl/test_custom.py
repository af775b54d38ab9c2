"""Commands of one's own: markdown files that are prompts."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.commands import trust as command
from qwright.agent.errors import ConfigError
from qwright.agent.repl.custom import FOLDER, CustomCommand, load, trust

REVIEW = b"""---
description: "Review a change"
argument-hint: BRANCH
allowed-tools: [x]
---

Review $1 against $ARGUMENTS. Mind $2 and $10.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    return root


def put(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def test_the_users_own_are_there_at_once_with_folders_in_the_name(
    project: Path, tmp_path: Path
) -> None:
    put(tmp_path / "home/config/commands/git/review.md", REVIEW)
    put(tmp_path / "home/config/commands/plain.md", b"# Do the usual\n\nThen rest.\n")
    put(tmp_path / "home/config/commands/notes.txt", b"no command\n")
    put(tmp_path / "home/config/commands/empty.md", b"\n")
    put(tmp_path / "home/config/commands/two words.md", b"no name\n")
    found = load(project).commands
    assert sorted(found) == ["git:review", "plain"]
    assert found["git:review"].description == "Review a change"
    assert found["git:review"].hint == "BRANCH"
    assert found["plain"].description == "Do the usual"
    assert load(project).untrusted == 0


def test_the_users_own_may_be_links_as_dotfiles_are(project: Path, tmp_path: Path) -> None:
    kept = put(tmp_path / "dotfiles" / "review.md", REVIEW)
    folder = tmp_path / "home/config/commands"
    folder.mkdir(parents=True)
    (folder / "review.md").symlink_to(kept)
    (folder / "gone.md").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.md")
    assert list(load(project).commands) == ["review"]


def test_arguments_are_filled_in_once(project: Path, tmp_path: Path) -> None:
    put(tmp_path / "home/config/commands/review.md", REVIEW)
    review = load(project).commands["review"]
    filled = "Review a b against 'a b' $1. Mind $1 and $10."
    assert review.prompt("'a b' $1") == filled
    assert review.prompt("") == "Review  against . Mind  and $10."
    assert review.prompt("it's") == "Review it's against it's. Mind  and $10."


def test_arguments_follow_a_body_without_places() -> None:
    command = CustomCommand("x", "Costs $20 in $ARGUMENTSX.")
    assert command.prompt("") == "Costs $20 in $ARGUMENTSX."
    assert command.prompt("now") == "Costs $20 in $ARGUMENTSX.\n\nnow"


@given(st.text())
def test_no_argument_breaks_a_prompt(argument: str) -> None:
    assert CustomCommand("x", "<$ARGUMENTS> $9").prompt(argument).startswith(f"<{argument}>")


def test_those_of_a_project_wait_until_they_are_allowed_and_again_when_they_change(
    project: Path,
) -> None:
    file = put(project / FOLDER / "deploy.md", b"Deploy.\n")
    assert load(project).untrusted == 1
    assert load(project).commands == {}
    assert [one.name for one in trust(project / ".git")] == ["deploy"]
    assert load(project).commands["deploy"].of_project
    assert load(project).untrusted == 0
    file.write_bytes(b"Deploy, and send the keys.\n")
    assert load(project).untrusted == 1
    trust(project)
    put(project / FOLDER / "other.md", b"Other.\n")
    assert load(project).untrusted == 2


def test_the_users_own_win_over_a_projects(project: Path, tmp_path: Path) -> None:
    put(project / FOLDER / "deploy.md", b"Theirs.\n")
    put(tmp_path / "home/config/commands/deploy.md", b"Mine.\n")
    trust(project)
    assert load(project).commands["deploy"].body == "Mine."


def test_a_damaged_list_trusts_nobody(project: Path, tmp_path: Path) -> None:
    put(project / FOLDER / "deploy.md", b"Deploy.\n")
    trust(project)
    put(tmp_path / "home/state/trusted_commands.json", b"{")
    assert load(project).untrusted == 1


def test_links_out_of_the_project_and_what_is_no_file_are_not_read(
    project: Path, tmp_path: Path
) -> None:
    put(tmp_path / "secret.md", b"secret\n")
    (project / FOLDER).mkdir(parents=True)
    (project / FOLDER / "out.md").symlink_to(tmp_path / "secret.md")
    os.mkfifo(project / FOLDER / "pipe.md")
    put(project / FOLDER / "large.md", b"x" * 100_001)
    put(project / FOLDER / "latin.md", "caf\xe9".encode("latin-1"))
    trust(project)
    assert load(project).commands["latin"].body == "caf\N{REPLACEMENT CHARACTER}"
    assert sorted(load(project).commands) == ["latin"]


def test_a_project_without_commands_has_nothing_to_trust(project: Path) -> None:
    assert trust(project) == []
    assert load(project).untrusted == 0


def test_qwright_trust_shows_what_it_allows(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = Namespace(directory=str(project))
    with pytest.raises(ConfigError, match="nothing to trust"):
        asyncio.run(command.run(args))
    put(project / FOLDER / "deploy.md", b"Deploy \x1b[31m$1.\n")
    asyncio.run(command.run(args))
    said = capsys.readouterr().out
    assert "/deploy" in said
    assert "Deploy $1." in said
    assert load(project).untrusted == 0
    put(project / ".qwright" / "config.toml", b"nonsense = 1\n")
    put(project / FOLDER / "deploy.md", b"Deploy all.\n")
    with pytest.raises(ConfigError, match="nonsense"):
        asyncio.run(command.run(args))
    assert load(project).untrusted == 1
    put(project / ".qwright" / "config.toml", b"verify = 'make test'\n")
    asyncio.run(command.run(args))
    said = capsys.readouterr().out
    assert "make test" in said
    assert "Deploy all." in said
