"""Taking back one of several changes to the same lines, accepted or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.repos import make_repo
from tests.sandbox.test_bridge import FILES, Pair, edited, open_pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return open_pair(tmp_path, make_repo(tmp_path / "repo", FILES))


@pytest.mark.parametrize("path", ["b.py", "new.py"])
def test_the_later_of_two_changes_that_nobody_accepted_goes_alone(pair: Pair, path: str) -> None:
    mine = {file: (pair.repo / file).read_bytes() for file in FILES}
    first, second = pair.turn({path: b"one\n"}), pair.turn({path: b"two\n"})
    done = pair.bridge.revert_both(first, second, "undo")
    assert (done.paths, done.yours) == ([path], [])
    assert (pair.ws / path).read_bytes() == b"one\n"
    assert pair.pending() == [path]
    assert {file: (pair.repo / file).read_bytes() for file in FILES} == mine
    pair.bridge.revert_both(pair.store.log()[0], first, "undo")
    assert pair.pending() == []


def test_the_later_change_goes_out_of_the_users_file_too_where_both_were_accepted(
    pair: Pair,
) -> None:
    first, second = pair.turn({"b.py": b"one\n"}), pair.turn({"b.py": b"two\n"})
    pair.bridge.accept()
    done = pair.bridge.revert_both(first, second, "undo")
    assert done.yours == ["b.py"]
    assert (pair.repo / "b.py").read_bytes() == b"one\n"
    assert pair.pending() == []


def test_what_was_accepted_by_half_is_pending_after_an_undo_that_cannot_reach_it(
    pair: Pair,
) -> None:
    first = pair.turn({"a.py": edited(3, word=b"one")})
    second = pair.turn({"a.py": edited(3, 30, word=b"two")})
    pair.bridge.accept([hunk for hunk in pair.bridge.hunks() if "+two 30" in hunk.lines])
    done = pair.bridge.revert_both(first, second, "undo")
    assert (done.paths, done.yours) == (["a.py"], [])
    assert (pair.ws / "a.py").read_bytes() == edited(3, word=b"one")
    assert (pair.repo / "a.py").read_bytes() == edited(30, word=b"two")
    pair.bridge.accept()
    assert (pair.repo / "a.py").read_bytes() == edited(3, word=b"one")


def test_what_was_taken_back_does_not_come_again_by_undoing_what_was_applied(pair: Pair) -> None:
    base, made = pair.store.log()[0], pair.turn({"b.py": b"one\n"})
    pair.bridge.accept()
    pair.bridge.revert_both(base, made, "undo")
    assert pair.bridge.undo().paths == []
    assert (pair.repo / "b.py").read_bytes() == b"b\n"
    pair.bridge.revert_both(made, base, "redo")
    assert (pair.ws / "b.py").read_bytes() == b"one\n"


def test_what_was_brought_back_can_be_undone_as_it_was_applied(pair: Pair) -> None:
    base, made = pair.store.log()[0], pair.turn({"b.py": b"one\n"})
    pair.bridge.accept()
    pair.bridge.revert_both(base, made, "undo")
    assert pair.bridge.revert_both(made, base, "redo").yours == ["b.py"]
    assert pair.bridge.undo().paths == ["b.py"]
    assert (pair.repo / "b.py").read_bytes() == b"b\n"
    assert pair.pending() == ["b.py"]
