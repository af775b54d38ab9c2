"""Which files hold notes for an agent, and how much of them a model is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwright.agent.memory import notes_for
from qwright.agent.profile import DEFAULT, Profile
from qwright.agent.tokens import tokens_in
from tests.sandbox.repos import make_repo, put

SMALL = DEFAULT.model_copy(update={"prompt": "small", "context": 16_384})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    return config


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"AGENTS.md": b"root rules\n", "pkg/sub/a.py": b""})


def notes(directory: Path, profile: Profile = DEFAULT) -> str:
    return notes_for(directory, profile)


def test_from_the_root_down_to_where_the_user_is(repo: Path, home: Path) -> None:
    put(
        repo,
        {
            "QWEN.md": b"root qwen\n",
            "pkg/AGENTS.md": b"pkg rules\n",
            "pkg/sub/QWEN.md": b"sub qwen\n",
            "other/AGENTS.md": b"not here\n",
        },
    )
    (home / "AGENTS.md").write_text("my own rules\n")
    (repo.parent / "AGENTS.md").write_text("above the root\n")
    text = notes(repo / "pkg" / "sub")
    order = ["my own rules", "root rules", "root qwen", "pkg rules", "sub qwen"]
    places = [text.index(rule) for rule in order]
    assert places == sorted(places)
    assert "not here" not in text
    assert "above the root" not in text
    assert 'from="pkg/AGENTS.md"' in text


def test_nothing_is_said_where_there_are_none(tmp_path: Path) -> None:
    assert notes(make_repo(tmp_path / "plain", {"a.py": b""})) == ""


def test_outside_of_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    inner = tmp_path / "loose" / "inner"
    put(inner, {"AGENTS.md": b"inner rules\n", "../AGENTS.md": b"outer rules\n"})
    assert "inner rules" in notes(inner)
    assert "outer rules" not in notes(inner)


def test_one_file_under_two_names_is_told_once(repo: Path) -> None:
    os.symlink("AGENTS.md", repo / "QWEN.md")
    assert notes(repo).count("root rules") == 1


def test_no_link_leads_out_and_nothing_but_a_file_is_read(repo: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token 1234")
    (repo / "AGENTS.md").unlink()
    os.symlink(secret, repo / "AGENTS.md")
    os.mkfifo(repo / "QWEN.md")
    (repo / "pkg" / "AGENTS.md").mkdir()
    put(repo, {"pkg/QWEN.md": b"binary \0"})
    assert notes(repo / "pkg") == ""


def test_the_longest_are_cut_first_and_say_so(repo: Path) -> None:
    long = "".join(f"rule number {n} says something\n" for n in range(5_000))
    put(repo, {"pkg/AGENTS.md": long.encode(), "pkg/sub/AGENTS.md": long[:60_000].encode() + b"!"})
    text = notes(repo / "pkg" / "sub")
    assert "root rules" in text
    assert "rule number 0 says" in text
    assert "more characters; read pkg/AGENTS.md for the rest)" in text
    assert "more characters; read pkg/sub/AGENTS.md for the rest)" in text
    assert tokens_in(text) <= DEFAULT.context // 10 + 100


def test_what_short_files_leave_is_given_to_the_long_one(repo: Path) -> None:
    put(repo, {"QWEN.md": b"word " * 10_000})
    assert 0.8 * DEFAULT.context / 10 < tokens_in(notes(repo)) < 1.1 * DEFAULT.context / 10


def test_a_small_model_is_told_little(repo: Path) -> None:
    put(repo, {"AGENTS.md": b"Some rule.\n" * 3_000})
    assert tokens_in(notes(repo, SMALL)) < 700


def test_the_users_own_file_is_not_offered_for_reading(repo: Path, home: Path) -> None:
    (home / "AGENTS.md").write_text("mine " * 10_000)
    text = notes(repo)
    assert "more characters)" in text
    assert "read the user's" not in text
    assert "root rules" in text
