"""Starting over in files that an attempt could do anything to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwright.sandbox.attempts import (
    everything_in,
    find_attempt,
    forget_attempts,
    keep_attempt,
    kept_attempts,
    start_over,
)
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import Checkpoint, CheckpointStore
from tests.sandbox.repos import make_store

FILES = {"a.py": b"x = 1\n", "run.sh": b"#!/bin/sh\n", "d/e/f.txt": b"deep\n", "\xff.txt": b"odd\n"}


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> CheckpointStore:
    store = make_store(tmp_path, FILES)
    (store.work_tree / "run.sh").chmod(0o755)
    (store.work_tree / "node_modules").mkdir()
    (store.work_tree / "node_modules" / "mine.js").write_text("mine")
    (store.work_tree / "empty").mkdir()
    (store.work_tree / "mine").symlink_to("a.py")
    store.record("base", 0)
    return store


def test_nothing_an_attempt_did_is_left(store: CheckpointStore, tmp_path: Path) -> None:
    ws, base = store.work_tree, _cursor(store)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    there, before = everything_in(ws), _look(ws)
    for name in (".git", "__pycache__", "new/er", "node_modules/its"):
        (ws / name).mkdir(parents=True)
        (ws / name / "file").write_text("made")
    (ws / "a.py").unlink()
    (ws / "a.py").mkdir()
    (ws / "a.py" / "inner").write_text("made")
    (ws / "run.sh").chmod(0o600)
    (ws / "d" / "e" / "f.txt").unlink()
    (ws / "d" / "e").rmdir()
    (ws / "d" / "e").symlink_to(outside)
    (ws / "link").symlink_to(outside)
    (ws / "mine").unlink()
    os.mkfifo(ws / "pipe")
    (ws / "empty").rmdir()
    os.mkdir(os.fsencode(ws) + b"/\xfe\n\\")
    store.record("step", 1)
    (ws / "late").write_text("not recorded")
    start_over(store, base, there)
    assert _look(ws) == before - {"empty"}, "what git does not know of cannot come back"
    assert (ws / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (ws / "mine").readlink() == Path("a.py")
    assert (outside / "kept").read_text() == "kept"
    assert _cursor(store) == base
    assert store.record("again", 2) is None
    assert [one.label for one in store.log()] == ["base", "step"]


def test_a_path_too_long_to_name_stops_nothing(store: CheckpointStore) -> None:
    base, there = _cursor(store), everything_in(store.work_tree)
    here = os.open(store.work_tree, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("n" * 200, dir_fd=here)
        deeper = os.open("n" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    (store.work_tree / "a.py").write_text("x = 9\n")
    start_over(store, base, there)
    assert (store.work_tree / "a.py").read_bytes() == FILES["a.py"]


def test_branches(store: CheckpointStore) -> None:
    base = _cursor(store)
    for number in (1, 2, 10):
        (store.work_tree / "a.py").write_text(f"x = {number}0\n")
        left = store.record("edit", number)
        assert left
        keep_attempt(store, number, base, left, f"`check` did not\npass ({number})")
        start_over(store, base, everything_in(store.work_tree))
    assert [one.number for one in kept_attempts(store)] == [1, 2, 10]
    found = find_attempt(store, 10)
    assert found.base.tree == base.tree
    assert found.left.label == "`check` did not pass (10)"
    assert "+x = 100" in store.diff(found.base, found.left)
    with pytest.raises(WorkspaceError, match="no attempt 3: there are 1, 2, 10"):
        find_attempt(store, 3)
    forget_attempts(store)
    with pytest.raises(WorkspaceError, match="there are none"):
        find_attempt(store, 1)
    assert len(store.log()) == 4, "its steps stay"


def _cursor(store: CheckpointStore) -> Checkpoint:
    found = store.cursor()
    assert found
    return found


def _look(ws: Path) -> set[str]:
    return {os.fspath(path.relative_to(ws)) for path in ws.rglob("*")}
