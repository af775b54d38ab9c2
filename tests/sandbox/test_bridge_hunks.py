"""Differences in pieces: each can be taken or left, byte for byte, whatever is in the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.hunks import Hunk, hunks_between, with_hunks
from qwright.sandbox.store import CheckpointStore
from tests.sandbox.repos import contents, make_repo, make_store, put
from tests.sandbox.test_bridge import LINES, Pair, edited, open_pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    files = {"a.py": LINES, "gone": b"x\n", "pic": b"\0\1", "run": b"#!\n", "tail": b"a\nb"}
    return open_pair(tmp_path, make_repo(tmp_path / "repo", {**files, "to link": b"old\n"}))


def everything(pair: Pair) -> list[Hunk]:
    (pair.ws / "run").chmod(0o755)
    (pair.ws / "to link").unlink()
    (pair.ws / "to link").symlink_to("a.py")
    put(pair.ws, {"run": b"#!\nmore\n", "tail": b"a\nB", "empty": b"", "caf\udce9\n": b"\xff\n"})
    pair.turn({"a.py": edited(3, 20, 35), "pic": b"\0\2", "new": b"1\n2\n"}, "gone")
    return pair.bridge.hunks()


def test_each_kind_of_change_is_shown_as_what_it_is(pair: Pair) -> None:
    found = everything(pair)
    assert [(hunk.path, hunk.number, hunk.kind, hunk.added, hunk.removed) for hunk in found] == [
        ("a.py", 1, "lines", 1, 1),
        ("a.py", 2, "lines", 1, 1),
        ("a.py", 3, "lines", 1, 1),
        ("caf\udce9\n", 1, "new", 1, 0),
        ("empty", 1, "new", 0, 0),
        ("gone", 1, "deleted", 0, 1),
        ("new", 1, "new", 2, 0),
        ("pic", 1, "binary", 0, 0),
        ("run", 1, "mode", 0, 0),
        ("run", 2, "lines", 1, 0),
        ("tail", 1, "lines", 1, 1),
        ("to link", 1, "type", 1, 1),
    ]
    heads = {hunk.path: hunk.header for hunk in found}
    assert heads["run"] == "@@ -1 +1,2 @@"
    assert heads["new"] == "new file"
    assert found[8].header == "mode 644 -> 755"
    assert found[10].lines == (
        *(" a", "-b", "\\ No newline at end of file"),
        *("+B", "\\ No newline at end of file"),
    )
    assert found[11].lines[0] == "-old"


@pytest.mark.parametrize("number", range(12))
def test_each_hunk_alone_is_accepted_and_the_rest_stays_pending(pair: Pair, number: int) -> None:
    found = everything(pair)
    before = contents(pair.repo, without=(".git",))
    after = contents(pair.ws)
    hunk = found[number]
    assert pair.bridge.accept([hunk]).paths == [hunk.path]
    now = contents(pair.repo, without=(".git",))
    changed = {path for path in {*before, *now} if before.get(path) != now.get(path)}
    assert changed == {hunk.path}
    assert len(pair.bridge.hunks()) == len(found) - 1
    assert pair.bridge.pull().paths == []
    pair.bridge.accept()
    assert contents(pair.repo, without=(".git",)) == after
    pair.bridge.undo()
    pair.bridge.undo()
    assert contents(pair.repo, without=(".git",)) == before


@pytest.mark.parametrize("number", range(12))
def test_each_hunk_alone_is_rejected_and_the_rest_is_accepted(pair: Pair, number: int) -> None:
    found = everything(pair)
    hunk = found[number]
    assert pair.bridge.reject([hunk]) == [hunk.path]
    assert len(pair.bridge.hunks()) == len(found) - 1
    pair.bridge.accept()
    assert contents(pair.repo, without=(".git",)) == contents(pair.ws)


def test_a_hunk_that_is_no_longer_what_was_shown_is_refused(pair: Pair) -> None:
    old = everything(pair)[0]
    pair.turn({"a.py": edited(3, 21)})
    for act in (pair.bridge.accept, pair.bridge.reject):
        with pytest.raises(WorkspaceError, match=r"a\.py changed meanwhile"):
            act([old])
    assert (pair.repo / "a.py").read_bytes() == LINES


def test_half_of_a_file_becoming_a_folder_is_refused(pair: Pair) -> None:
    (pair.ws / "gone").unlink()
    pair.turn({"gone/inner": b"1"})
    new = [hunk for hunk in pair.bridge.hunks() if hunk.path == "gone/inner"]
    with pytest.raises(WorkspaceError, match="choose all of their changes"):
        pair.bridge.accept(new)
    assert (pair.repo / "gone").read_bytes() == b"x\n"
    pair.bridge.accept(pair.bridge.hunks())
    assert (pair.repo / "gone/inner").read_bytes() == b"1"


def test_names_and_lines_that_look_like_a_diff_confuse_nothing(pair: Pair) -> None:
    name = "x\ndiff --git a/a.py b/a.py\n@@ -1 +1 @@"
    body = b"diff --git a/a b/b\n@@ -1 +1 @@\n--- a/x\n+++ b/x\nBinary files a and b differ\n"
    pair.turn({os.path.join("d", name.replace("/", "_")): body, "-- a": b"", "tail": b"a\n" + body})
    found = pair.bridge.hunks()
    assert [hunk.kind for hunk in found] == ["new", "new", "lines"]
    assert found[1].lines == tuple(f"+{line}" for line in body.decode().splitlines())
    pair.bridge.accept(found)
    assert contents(pair.repo, without=(".git",)) == contents(pair.ws)


TEXT = st.lists(st.sampled_from([b"a\n", b"b\n", b"\r\n", b"c\r", b"\xff\n", b"@@ -1 +1 @@\n"]))
ENDS = st.sampled_from([b"", b"end", b"\r"])


@given(st.tuples(TEXT, ENDS), st.tuples(TEXT, ENDS), st.data())
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_two_sets_of_hunks_that_make_a_whole_make_the_new_file(
    tmp_path_factory: pytest.TempPathFactory,
    old: tuple[list[bytes], bytes],
    new: tuple[list[bytes], bytes],
    data: st.DataObject,
) -> None:
    before, after = (b"".join(lines) + end for lines, end in (old, new))
    middle = b"".join(b"same %d\n" % n for n in range(9))
    store: CheckpointStore = make_store(
        tmp_path_factory.mktemp("s"), {"f": before + middle + before}
    )
    base = store.record("base", 0)
    put(store.work_tree, {"f": after + middle + after})
    made = store.record("new", 1) or base
    assert base is not None
    assert made is not None
    hunks = hunks_between(store, base, made)
    chosen = data.draw(st.lists(st.sampled_from(hunks), unique=True)) if hunks else []
    changes = store.changed(base, made)
    entries = with_hunks(store, changes, hunks, chosen)
    entry = entries.get("f")
    halfway = store.blob(entry[1]) if entry else before + middle + before
    put(store.work_tree, {"f": halfway})
    half = store.record("half", 2) or store.cursor()
    assert half is not None
    put(store.work_tree, {"f": halfway})
    assert len(hunks_between(store, base, half)) == len(chosen)
    assert len(hunks_between(store, half, made)) == len(hunks) - len(chosen)
