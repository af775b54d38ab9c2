"""What goes over the bridge between the user's files and the checkout, and what never does."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwright.sandbox.accept import ConflictError
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.checkout import Checkout, create_checkout
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.seen import yours_of
from qwright.sandbox.store import Checkpoint, CheckpointStore
from tests.sandbox.repos import contents, fingerprint, fsck, git, make_repo, put

LINES = b"".join(b"line %d\n" % n for n in range(40))
FILES = {"a.py": LINES, "b.py": b"b\n", "d/c.py": b"c\n", ".gitignore": b"*.log\n"}


def edited(*numbers: int, word: bytes = b"edited") -> bytes:
    lines = LINES.splitlines(keepends=True)
    for number in numbers:
        lines[number] = word + b" %d\n" % number
    return b"".join(lines)


@dataclass
class Pair:
    repo: Path
    session: Path
    checkout: Checkout
    bridge: Bridge

    @property
    def store(self) -> CheckpointStore:
        return self.checkout.store

    @property
    def ws(self) -> Path:
        return self.store.work_tree

    def turn(self, files: dict[str, bytes], *gone: str) -> Checkpoint:
        put(self.ws, files)
        for path in gone:
            (self.ws / path).unlink()
        made = self.store.record("turn", 1)
        assert made is not None
        return made

    def pending(self) -> list[str]:
        return [change.path for change in self.bridge.pending()]

    def labels(self) -> list[str]:
        return [checkpoint.label for checkpoint in self.store.log()]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return open_pair(tmp_path, make_repo(tmp_path / "repo", FILES))


def open_pair(tmp_path: Path, repo: Path) -> Pair:
    session = tmp_path / "session"
    session.mkdir()
    checkout = create_checkout(repo, session)
    return Pair(checkout.root, session, checkout, Bridge(checkout.root, session, checkout.store))


def test_several_accepts_each_take_what_is_new_and_are_taken_back_one_by_one(pair: Pair) -> None:
    for number in (3, 20):
        pair.turn({"a.py": edited(*range(3, number + 1, 17))})
        assert pair.bridge.accept().paths == ["a.py"]
        assert pair.pending() == []
    assert (pair.repo / "a.py").read_bytes() == edited(3, 20)
    assert pair.bridge.undo().paths == ["a.py"]
    assert (pair.repo / "a.py").read_bytes() == edited(3)
    assert pair.pending() == ["a.py"]
    assert pair.bridge.undo().paths == ["a.py"]
    assert (pair.repo / "a.py").read_bytes() == LINES
    assert pair.bridge.accept().paths == ["a.py"]
    assert (pair.repo / "a.py").read_bytes() == edited(3, 20)
    assert pair.bridge.pull().paths == []


def test_nothing_pending_accepts_to_nothing(pair: Pair) -> None:
    before = fingerprint(pair.repo)
    assert pair.bridge.accept().paths == []
    assert pair.bridge.reject() == []
    assert pair.bridge.pull().paths == []
    assert fingerprint(pair.repo) == before
    assert pair.labels() == ["base"]


def test_the_user_s_edits_come_to_the_checkout_as_a_step(pair: Pair) -> None:
    pair.turn({"a.py": edited(3), "agent": b"1"})
    put(pair.repo, {"a.py": edited(20, word=b"mine"), "b.py": b"mine\n", "new/x": b"1"})
    (pair.repo / "d/c.py").unlink()
    pulled = pair.bridge.pull()
    assert pulled.paths == ["a.py", "b.py", "d/c.py", "new/x"]
    assert pulled.merged == ["a.py"]
    assert (pair.ws / "a.py").read_bytes() == edited(3).replace(b"line 20\n", b"mine 20\n")
    assert not (pair.ws / "d").exists()
    assert pair.labels() == ["base", "turn", "your edits"]
    assert pair.pending() == ["a.py", "agent"]
    assert pair.bridge.pull().paths == []
    own = pair.store.changed(yours_of(pair.store), pair.bridge.seen)
    assert own == []


def test_what_is_ignored_or_secret_stays_with_the_user(pair: Pair) -> None:
    put(pair.repo, {"x.log": b"1", ".env": b"KEY=1", "id_rsa": b"k", "node_modules/x": b"1"})
    put(pair.repo, {"__pycache__/x.pyc": b"1", "sub/.git/config": b"[core]\n"})
    os.mkfifo(pair.repo / "pipe")
    assert pair.bridge.pull().paths == []
    assert set(contents(pair.ws)) == set(FILES)


def test_a_secret_that_was_accepted_is_known_from_then_on(pair: Pair) -> None:
    pair.turn({".env": b"KEY=made\n", "x.pem": b"made\n"})
    pair.bridge.accept()
    assert pair.bridge.pull().paths == []
    assert (pair.ws / ".env").exists()
    put(pair.repo, {".env": b"KEY=real\n"})
    assert pair.bridge.pull().paths == [".env"]


def test_a_conflict_keeps_both_versions_and_is_named_until_it_is_settled(pair: Pair) -> None:
    pair.turn({"a.py": edited(3), "b.py": b"agent\n"})
    put(pair.repo, {"a.py": edited(3, word=b"mine"), "d/c.py": b"mine\n"})
    for paths in (["d/c.py"], []):
        pulled = pair.bridge.pull()
        assert (pulled.paths, pulled.conflicts) == (paths, ["a.py"])
    assert (pair.ws / "a.py").read_bytes() == edited(3)
    with pytest.raises(ConflictError):
        pair.bridge.accept()
    assert (pair.repo / "b.py").read_bytes() == b"b\n"
    pair.bridge.accept([hunk for hunk in pair.bridge.hunks() if hunk.path == "b.py"])
    assert pair.pending() == ["a.py"]


def test_a_conflict_settled_for_the_user(pair: Pair) -> None:
    pair.turn({"a.py": edited(3)})
    put(pair.repo, {"a.py": edited(3, word=b"mine"), "b.py": b"mine\n"})
    pair.bridge.take_theirs(["a.py"])
    assert (pair.ws / "a.py").read_bytes() == edited(3, word=b"mine")
    assert pair.pending() == []
    assert pair.bridge.pull().paths == ["b.py"]


def test_reject_takes_the_work_out_of_the_checkout_and_keeps_it_as_a_step(pair: Pair) -> None:
    made = pair.turn({"a.py": edited(3), "new": b"1"}, "d/c.py")
    put(pair.ws, {"late": b"not recorded yet"})
    assert pair.bridge.reject() == ["a.py", "d/c.py", "late", "new"]
    assert {p: d for p, (_, d) in contents(pair.ws).items()} == FILES
    assert pair.labels() == ["base", "turn", "before rejecting", "rejected"]
    pair.store.restore(made)
    assert (pair.ws / "new").read_bytes() == b"1"


def test_revert_takes_one_turn_out_and_keeps_the_later_one(pair: Pair) -> None:
    base = pair.checkout.base
    first = pair.turn({"a.py": edited(3), "first": b"1"})
    pair.turn({"a.py": edited(3, 20), "second": b"2"})
    assert pair.bridge.revert(base, first, "undo 1") == ["a.py", "first"]
    assert (pair.ws / "a.py").read_bytes() == edited(20)
    assert pair.bridge.revert(first, base, "redo 1") == ["a.py", "first"]
    assert (pair.ws / "a.py").read_bytes() == edited(3, 20)
    pair.turn({"a.py": edited(3, word=b"again")})
    steps = pair.labels()
    with pytest.raises(ConflictError, match="nothing was taken back"):
        pair.bridge.revert(base, first, "undo 1")
    assert pair.labels() == steps
    assert (pair.ws / "first").exists()


def test_reverting_both_takes_out_of_the_user_s_files_just_what_they_had(pair: Pair) -> None:
    base = pair.checkout.base
    made = pair.turn({"a.py": edited(3, 20), "new": b"1"})
    chosen = [hunk for hunk in pair.bridge.hunks() if hunk.path == "a.py" and hunk.number == 1]
    pair.bridge.accept(chosen)
    put(pair.repo, {"mine": b"1"})
    done = pair.bridge.revert_both(base, made, "undo")
    assert (done.paths, done.yours) == (["a.py", "new"], ["a.py"])
    assert (pair.repo / "a.py").read_bytes() == LINES
    assert (pair.repo / "mine").exists()
    assert pair.pending() == []


def test_a_revert_that_the_user_s_files_do_not_take_changes_nothing(pair: Pair) -> None:
    made = pair.turn({"a.py": edited(3)})
    pair.bridge.accept()
    put(pair.repo, {"a.py": edited(3, word=b"mine")})
    with pytest.raises(ConflictError):
        pair.bridge.revert_both(pair.checkout.base, made, "undo")
    assert (pair.ws / "a.py").read_bytes() == edited(3)
    assert (pair.repo / "a.py").read_bytes() == edited(3, word=b"mine")


def test_a_file_and_a_folder_of_one_name_are_a_conflict(pair: Pair) -> None:
    pair.turn({"same/agent": b"1"})
    put(pair.repo, {"same": b"mine", "d/more": b"1"})
    pulled = pair.bridge.pull()
    assert (pulled.paths, pulled.conflicts) == (["d/more"], ["same"])
    with pytest.raises(ConflictError):
        pair.bridge.accept()
    assert (pair.repo / "same").read_bytes() == b"mine"


def test_a_folder_that_became_a_file_comes_over_whole(pair: Pair) -> None:
    (pair.repo / "d/c.py").unlink()
    (pair.repo / "d").rmdir()
    put(pair.repo, {"d": b"a file now"})
    (pair.repo / "b.py").unlink()
    (pair.repo / "b.py").symlink_to("a.py")
    assert pair.bridge.pull().paths == ["b.py", "d", "d/c.py"]
    assert contents(pair.ws) == contents(pair.repo, without=(".git",))


def test_planted_rules_and_configuration_run_nothing_while_the_user_s_files_are_read(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    pair = open_pair(tmp_path, repo)
    marker = tmp_path / "pwned"
    for key in ("filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "diff.evil.textconv"):
        git(repo, "config", key, f"touch {marker}; cat")
    hook = repo / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    pair.turn({".gitattributes": b"* filter=evil diff=evil text=auto\n", "x": b"a\r\n"})
    pair.bridge.accept()
    put(repo, {"a.py": b"mine\r\n"})
    before = fingerprint(repo / ".git")
    assert pair.bridge.pull().paths == ["a.py"]
    assert (pair.ws / "a.py").read_bytes() == b"mine\r\n"
    assert fingerprint(repo / ".git") == before
    assert not marker.exists()


def test_a_link_in_the_way_is_not_followed_on_either_side(pair: Pair, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, {"c.py": b"not ours"})
    pair.turn({"agent": b"1"})
    shutil.rmtree(pair.ws / "d")
    (pair.ws / "d").symlink_to(outside)
    put(pair.repo, {"d/c.py": b"mine\n"})
    assert pair.bridge.pull().conflicts == ["d/c.py"]
    assert (outside / "c.py").read_bytes() == b"not ours"
    with pytest.raises(ConflictError):
        pair.bridge.accept()
    assert (pair.repo / "d/c.py").read_bytes() == b"mine\n"


def test_an_index_that_is_damaged_is_made_anew(pair: Pair) -> None:
    pair.bridge.pull()
    (pair.store.git_dir / "user.index").write_bytes(b"DIRC\0\0\0\2garbage")
    (pair.store.git_dir / "user.index.lock").touch()
    put(pair.repo, {"b.py": b"mine\n"})
    assert pair.bridge.pull().paths == ["b.py"]
    fsck(pair.store)


def test_a_plain_folder_is_pulled_too(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    put(folder, {"a": b"1", "kept.log": b"1", ".gitignore": b"*.log\n", "sub/.git/x": b"1"})
    pair = open_pair(tmp_path, folder)
    put(folder, {"a": b"2", "b.log": b"1", "sub/new": b"1", ".env": b"1", "x.pyc": b"1"})
    assert pair.bridge.pull().paths == ["a", "b.log", "sub/new"]


def test_a_nested_repository_and_a_submodule_are_seen(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    make_repo(repo / "old", {"x": b"1", ".gitignore": b"*.o\n"})
    pair = open_pair(tmp_path, repo)
    make_repo(repo / "young", {"y": b"1", ".gitignore": b"*.o\n"})
    put(repo, {"old/x": b"2", "old/n": b"1", "old/n.o": b"1", "young/z": b"1", "young/z.o": b"1"})
    assert pair.bridge.pull().paths == ["old/n", "old/x", "young/.gitignore", "young/y", "young/z"]


def test_what_cannot_be_read_or_is_too_large_counts_as_unchanged(pair: Pair) -> None:
    with (pair.repo / "b.py").open("r+b") as file:
        file.truncate(60_000_000)
    put(pair.repo, {"d/c.py": b"mine\n"})
    pulled = pair.bridge.pull()
    assert pulled.paths == ["d/c.py"]
    assert [line.split(":")[0] for line in pulled.notices] == ["b.py"]
    assert (pair.ws / "b.py").read_bytes() == b"b\n"


def test_without_a_checkpoint_there_is_one_line(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "store.git", tmp_path / "ws")
    (tmp_path / "ws").mkdir()
    store.init()
    with pytest.raises(WorkspaceError, match="no checkpoint yet"):
        Bridge(tmp_path, tmp_path, store).pending()
