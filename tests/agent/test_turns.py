"""The turns of a session on disk: what another version or a kill left stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.turns import Turn, Turns
from qwright.sandbox.errors import WorkspaceError


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "turns")
    turn = turns.begin("fix it", 3, "a" * 40)
    turns.update(turn, after="b" * 40, undone=True)
    assert Turns(tmp_path / "turns").all == [
        Turn(1, "fix it", 3, "a" * 40, "b" * 40, undone=True),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        b'{"number": 1, "of_another_version": 7}\n',
        b'{"number": 9, "after": "b"}\n',
        b'{"after": "b"}\n',
        b"[1]\n",
        b"7\n",
        b'{"number": 1, "af',
    ],
)
def test_a_line_that_says_nothing_of_a_turn_is_passed_over(tmp_path: Path, odd: bytes) -> None:
    file = tmp_path / "turns"
    first = Turns(file).begin("one", 0, "")
    file.write_bytes(file.read_bytes() + odd)
    turns = Turns(file)
    assert turns.all == [first]
    second = turns.begin("two", 5, "")
    assert Turns(file).all == [first, second]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"cannot write .*turns"):
        Turns(tmp_path / "gone" / "turns").begin("one", 0, "")
