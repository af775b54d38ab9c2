"""When the state of a prefix is restored, evaluated and saved, or left alone."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qwright.agent.embedded import prefix_files
from qwright.agent.embedded.prefix import Warmth, warm
from qwright.agent.embedded.prefix_files import PrefixFiles
from qwright.agent.embedded.record import prefixes_dir
from qwright.agent.embedded.server import Endpoint
from tests.agent.embedded.slot_engine import Slot, slot_engine

SYSTEM = [{"role": "system", "content": " ".join(f"rule{n}" for n in range(60))}]
OTHER = [{"role": "system", "content": " ".join(f"law{n}" for n in range(60))}]
PREFIX = 63
"""Tokens of SYSTEM and of what begins a user's message, without the line end before the text."""


@pytest.fixture
def directory(home: Path) -> Path:
    path = prefixes_dir("tiny")
    path.mkdir(parents=True)
    return path


def warmed(server: Endpoint, system: list[dict[str, str]] = SYSTEM) -> Warmth:
    return asyncio.run(warm(server, system))


def saved(directory: Path) -> Path:
    """Save SYSTEM with one server, and give the file."""
    with slot_engine(Slot(directory)) as server:
        assert warmed(server) == "saved"
    (path,) = directory.iterdir()
    return path


def test_a_new_server_is_given_what_another_evaluated(directory: Path) -> None:
    first = Slot(directory)
    with slot_engine(first) as server:
        assert warmed(server) == "saved"
    assert first.evaluated == len(first.held) == PREFIX
    second = Slot(directory)
    with slot_engine(second) as server:
        assert warmed(server) == "restored"
    assert second.held == first.held
    assert second.evaluated == 0


def test_the_prefix_ends_before_the_first_token_that_depends_on_the_user(directory: Path) -> None:
    slot = Slot(directory)
    with slot_engine(slot) as server:
        warmed(server)
    assert slot.held[-1] == slot.words["<user>"]


def test_what_the_server_holds_is_not_restored_again(directory: Path) -> None:
    saved(directory)
    slot = Slot(directory)
    with slot_engine(slot) as server:
        assert warmed(server) == "restored"
        slot.asked.clear()
        assert warmed(server) == "held"
    assert slot.asked == []


def test_the_conversation_in_the_slot_is_put_aside_first(directory: Path) -> None:
    saved(directory)
    slot = Slot(directory)
    with slot_engine(slot) as server:
        slot.complete("somebody's long conversation")
        conversation = slot.held
        assert warmed(server) == "restored"
    assert slot.aside == [conversation]


def test_another_prefix_restored_and_not_yet_used_is_put_aside_too(directory: Path) -> None:
    saved(directory)
    slot = Slot(directory)
    with slot_engine(slot) as server:
        assert warmed(server, OTHER) == "saved"
        slot.evaluated = 0
        held = slot.held
        assert warmed(server) == "restored"
    assert held in slot.aside


def test_nothing_is_done_while_somebody_s_request_runs(directory: Path) -> None:
    saved(directory)
    slot = Slot(directory, processing=1)
    with slot_engine(slot) as server:
        assert warmed(server) == "skipped"
    assert slot.asked == []


@pytest.mark.parametrize(("cut", "zeros"), [(1, 0), (50, 50), (10_000, 0)])
def test_a_damaged_file_is_deleted_and_written_anew(directory: Path, cut: int, zeros: int) -> None:
    path = saved(directory)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut] + bytes(zeros))
    slot = Slot(directory)
    with slot_engine(slot) as server:
        assert warmed(server) == "saved"
    assert slot.evaluated == PREFIX
    assert [one.read_bytes() for one in directory.iterdir()] == [whole]


def test_a_file_the_engine_refuses_is_deleted(directory: Path) -> None:
    path = saved(directory)
    slot = Slot(directory, restorable=False)
    with slot_engine(slot) as server:
        warmed(server)
    assert slot.asked[:2] == ["/slots/0?action=restore", "/apply-template"]
    assert path.exists()  # written anew under the same name
    assert slot.asked[-1] == "/slots/0?action=save"


def test_another_engine_s_files_are_not_restored(directory: Path) -> None:
    saved(directory)
    slot = Slot(directory)
    with slot_engine(slot) as server:
        assert warmed(replace(server, settings="a newer engine")) == "saved"
    assert len(list(directory.iterdir())) == 2


def test_the_state_of_another_process_s_request_is_not_kept(directory: Path) -> None:
    slot = Slot(directory, intruder=[7] * PREFIX)
    with slot_engine(slot) as server:
        assert warmed(server) == "skipped"
    assert list(directory.iterdir()) == []


def test_a_short_prefix_is_not_worth_a_file(directory: Path) -> None:
    slot = Slot(directory)
    with slot_engine(slot) as server:
        assert warmed(server, [{"role": "system", "content": "Be brief."}]) == "skipped"
    assert slot.evaluated == 0


def test_a_server_that_does_not_answer_is_left_to_the_request(home: Path, tmp_path: Path) -> None:
    gone = Endpoint("http://127.0.0.1:9/v1", "a key", "tiny", 1, tmp_path / "log", 512)
    assert warmed(gone) == "skipped"


def state(directory: Path, name: str, age: float, size: int = 10) -> Path:
    path = directory / name
    path.write_bytes(b"x" * size)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_only_so_many_files_of_all_models_are_kept(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix_files, "MOST_FILES", 3)
    other = prefixes_dir("other")
    other.mkdir()
    old = [state(other, f"{n}-0.bin", 100 + n) for n in range(4)]
    saved(directory)
    assert [path.exists() for path in old] == [True, True, False, False]


def test_only_so_many_bytes_are_kept(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_files, "MOST_BYTES", 2_500)
    new, old = (state(directory, f"{age}-0.bin", age, 1_000) for age in (10, 20))
    PrefixFiles(directory).keep("nothing", "key", [])
    assert new.exists()
    state(directory, "0-0.bin", 0, 1_000)
    PrefixFiles(directory).keep("nothing", "key", [])
    assert new.exists()
    assert not old.exists()


def test_what_a_killed_process_left_goes_after_a_while(directory: Path) -> None:
    fresh, old = state(directory, "unfinished-1", 10), state(directory, "unfinished-2", 4_000)
    PrefixFiles(directory).keep("nothing", "key", [])
    assert fresh.exists()
    assert not old.exists()
