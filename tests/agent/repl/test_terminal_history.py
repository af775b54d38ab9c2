"""The file of what was typed, and the chips of what was pasted."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.repl import history
from qwright.agent.repl.history import PromptHistory
from qwright.agent.repl.paste import Pastes


def test_entries_outlive_the_session_whole(tmp_path: Path) -> None:
    file = tmp_path / "state" / "history"
    for text in ("one", "two\nlines", "中文 \u2028 \x85", "two\nlines"):
        PromptHistory(file).add(text)
    assert PromptHistory(file).entries == ["one", "two\nlines", "中文 \u2028 \x85", "two\nlines"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_typed_twice_in_a_row_counts_once(tmp_path: Path) -> None:
    typed = PromptHistory(tmp_path / "history")
    for text in ("one", "one", "two", "", "two"):
        typed.add(text)
    assert PromptHistory(tmp_path / "history").entries == ["one", "two"]


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LONGEST", 20)
    typed = PromptHistory(tmp_path / "history")
    for number in range(100):
        typed.add(f"entry {number}")
    lines = (tmp_path / "history").read_text().splitlines()
    assert 20 <= len(lines) <= 24
    assert PromptHistory(tmp_path / "history").entries == [f"entry {n}" for n in range(80, 100)]


def test_sessions_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(session: int) -> None:
        typed = PromptHistory(tmp_path / "history")
        for number in range(50):
            typed.add(f"{session}: {number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    entries = PromptHistory(tmp_path / "history").entries
    assert sorted(entries) == sorted(f"{s}: {n}" for s in range(4) for n in range(50))


def test_a_broken_file_costs_only_its_broken_lines(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_bytes(b'"good"\n"cut o\n\xff\xfe\n42\n"also good"')
    typed = PromptHistory(file)
    assert typed.entries == ["good", "also good"]
    typed.add("new")
    assert PromptHistory(file).entries == ["good", "also good", "new"]


def test_a_file_that_cannot_be_written_costs_no_prompt(tmp_path: Path) -> None:
    (tmp_path / "occupied").touch()
    typed = PromptHistory(tmp_path / "occupied" / "history")
    typed.add("one")
    assert typed.older("") == "one"


@given(st.lists(st.text(max_size=5), max_size=6), st.lists(st.booleans(), max_size=20))
def test_walking_up_and_down_never_loses_the_draft(texts: list[str], ups: list[bool]) -> None:
    typed = PromptHistory(Path("/nonexistent/history"))
    for text in texts:
        typed.add(text)
    shown = "draft"
    for up in ups:
        went = typed.older(shown) if up else typed.newer()
        shown = shown if went is None else went
    while (went := typed.newer()) is not None:
        shown = went
    assert shown == "draft"
    assert json.dumps(typed.entries)


def test_chips_stand_for_what_was_pasted() -> None:
    pastes = Pastes()
    long, longer = "x" * 601, "\n".join("abcdef")
    first, second = pastes.fold(long), pastes.fold(longer)
    assert first == "[#1 pasted, 601 characters]"
    assert second == "[#2 pasted, 6 lines]"
    assert pastes.unfold(f"a {second} b {first} [#3 pasted, 6 lines]") == (
        f"a {longer} b {long} [#3 pasted, 6 lines]"
    )
    assert pastes.chip_before(f"a {first}") == len(first)
    assert pastes.chip_before("a [#9 pasted, 6 lines]") == 0


@pytest.mark.parametrize("text", ["short", "a\nb\nc\nd\ne", "x" * 600, "1\n2\n3\n4\n5\n"])
def test_short_pastes_are_inserted(text: str) -> None:
    assert Pastes().fold(text) == text


def test_what_a_paste_holds_is_never_unfolded_again() -> None:
    pastes = Pastes()
    inner = pastes.fold("\n" * 10)
    outer = pastes.fold(f"{inner}\n" * 10)
    assert pastes.unfold(outer) == f"{inner}\n" * 10
