"""Everything a container can plant in the checkout, against a host that takes checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import CheckpointStore
from tests.sandbox.repos import fsck, git, make_store, put


def script(root: Path) -> str:
    return f"touch {root.parent}/pwned; cat"


def make_evil(repo: Path, marker: str) -> None:
    """Turn `repo` into a repository whose configuration runs the marker wherever git allows."""
    git(repo, "init", "-q")
    for key, value in {
        "core.fsmonitor": marker,
        "core.hooksPath": f"{repo}/.git/hooks",
        "core.pager": marker,
        "core.editor": marker,
        "filter.evil.clean": marker,
        "filter.evil.smudge": marker,
        "filter.evil.process": marker,
        "filter.evil.required": "true",
        "diff.evil.textconv": marker,
        "diff.evil.command": marker,
        "diff.external": marker,
        "merge.evil.driver": marker,
        "gpg.program": marker,
        "commit.gpgsign": "true",
        "core.sshCommand": marker,
        "alias.ls-files": f"!{marker}",
    }.items():
        git(repo, "config", key, value)
    for hook in ("post-index-change", "reference-transaction", "pre-commit", "post-checkout"):
        (repo / ".git/hooks" / hook).write_text(f"#!/bin/sh\n{marker}\n")
        (repo / ".git/hooks" / hook).chmod(0o755)
    put(repo, {".gitattributes": b"* filter=evil diff=evil merge=evil\n"})


def own_config(root: Path) -> None:
    make_evil(root, script(root))


def nested_repository(root: Path) -> None:
    (root / "nested/deeper").mkdir(parents=True)
    for place in (root / "nested", root / "nested/deeper"):
        make_evil(place, script(root))
    put(root, {"nested/x.c": b"1", "nested/deeper/y.c": b"2", "nested/node_modules/m": b"3"})


def nested_repository_with_a_commit(root: Path) -> None:
    (root / "nested").mkdir()
    git(root / "nested", "init", "-q")
    put(root, {"nested/x.c": b"1"})
    git(root / "nested", "add", "x.c")
    git(root / "nested", "commit", "-qm", "x")
    make_evil(root / "nested", script(root))


def gitdir_file(root: Path) -> None:
    hidden = root / "hidden"
    hidden.mkdir()
    make_evil(hidden, script(root))
    put(
        root, {".git": f"gitdir: {hidden}/.git\n".encode(), "sub/.git": b"gitdir: ../hidden/.git\n"}
    )


def bare_repository(root: Path) -> None:
    (root / "fixtures/bare.git").mkdir(parents=True)
    git(root / "fixtures/bare.git", "init", "-q", "--bare")
    git(root / "fixtures/bare.git", "config", "core.fsmonitor", script(root))


def redirected_work_tree(root: Path) -> None:
    own_config(root)
    git(root, "config", "core.worktree", str(root.parent))


def attributes_only(root: Path) -> None:
    put(root, {".gitattributes": b"[attr]binary filter=evil\n* binary diff=evil ident text\n"})


def rules_are_links(root: Path) -> None:
    (root / ".gitattributes").symlink_to("/etc/passwd")
    (root / ".gitignore").symlink_to("/dev/zero")


VECTORS: list[Callable[[Path], None]] = [
    own_config,
    nested_repository,
    nested_repository_with_a_commit,
    gitdir_file,
    bare_repository,
    redirected_work_tree,
    attributes_only,
    rules_are_links,
]


def whole_session(store: CheckpointStore) -> None:
    """Everything the host ever runs over a checkout."""
    first = store.record("one", 1)
    put(store.work_tree, {"a.c": b"changed\n", "nested/x.c": b"changed", "later": b"1"})
    second = store.record("two", 2)
    assert first is not None
    assert second is not None
    store.changed(first, second)
    store.diff(first, second)
    store.patch(first, second)
    store.restore(first)
    store.restore(second)


@pytest.mark.parametrize("plant", VECTORS, ids=lambda vector: vector.__name__)
def test_nothing_that_is_planted_runs(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    store = make_store(tmp_path, {"a.c": b"/* $Id$ */\r\n"})
    store.record("base", 0)
    plant(store.work_tree)
    whole_session(store)
    assert sorted(os.listdir(tmp_path)) == ["store.git", "ws"]
    assert (store.work_tree / "a.c").read_bytes() == b"changed\n"
    fsck(store)


def test_the_planted_configuration_does_run_under_a_plain_git(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a.c": b"1"})
    own_config(store.work_tree)
    git(store.work_tree, "status", check=False)
    git(store.work_tree, "add", "-A", check=False)
    assert (tmp_path / "pwned").exists(), "the vectors are dead, so the tests above prove nothing"


def test_the_files_of_nested_repositories_are_recorded(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    base = store.record("base", 0)
    nested_repository(store.work_tree)
    now = store.record("nested", 1)
    assert base is not None
    assert now is not None
    assert {c.path for c in store.changed(base, now)} == {
        "nested/.gitattributes",
        "nested/x.c",
        "nested/deeper/.gitattributes",
        "nested/deeper/y.c",
    }
    put(store.work_tree, {"nested/x.c": b"9", "nested/new.c": b"8"})
    after = store.record("again", 2)
    assert after is not None
    assert {c.path for c in store.changed(now, after)} == {"nested/x.c", "nested/new.c"}
    store.restore(now)
    assert (store.work_tree / "nested/x.c").read_bytes() == b"1"
    assert (store.work_tree / "nested/.git/config").exists()


def test_an_ignore_file_that_is_a_fifo_costs_its_rules_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwright.sandbox.scan._LIST_SECONDS", 0.5)
    store = make_store(tmp_path, {"a": b"1"})
    store.record("base", 0)
    os.mkfifo(store.work_tree / ".gitignore")
    put(store.work_tree, {"b": b"2"})
    now = store.record("with a FIFO", 1)
    assert now is not None
    assert set(store.tree_of(now)) == {"a", "b"}


def test_an_attributes_file_that_is_a_fifo_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwright.sandbox.scan._LIST_SECONDS", 0.5)
    monkeypatch.setattr("qwright.sandbox.store._STAGE_SECONDS", 0.5)
    store = make_store(tmp_path, {"a": b"1"})
    store.record("base", 0)
    os.mkfifo(store.work_tree / ".gitattributes")
    put(store.work_tree, {"b": b"2"})
    with pytest.raises(WorkspaceError, match=r"\.gitattributes is no regular file: remove it"):
        store.record("with a FIFO", 1)
    (store.work_tree / ".gitattributes").unlink()
    assert store.record("without", 2) is not None


def test_a_lock_left_behind_by_a_killed_git_does_not_stop_the_session(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    store.record("base", 0)
    (store.git_dir / "index.lock").write_bytes(b"")
    (store.git_dir / "refs/qwright/cursor.lock").write_bytes(b"")
    put(store.work_tree, {"a": b"2"})
    CheckpointStore(store.git_dir, store.work_tree).recover()
    assert store.record("after a crash", 1) is not None


def test_refs_that_a_power_cut_left_empty_are_dropped(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    base = store.record("base", 0)
    put(store.work_tree, {"a": b"2"})
    store.record("lost", 1)
    (store.git_dir / "refs/qwright/step/000001").write_bytes(b"")
    (store.git_dir / "refs/qwright/cursor").write_bytes(b"")
    store.recover()
    assert base is not None
    recovered = store.log()
    assert recovered[0] == base
    assert [c.label for c in recovered] == ["base", "recovered"]
    assert store.blob(store.tree_of(recovered[1])["a"][1]) == b"2"
    fsck(store)


def test_a_broken_index_is_made_anew(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1", "b": b"2"})
    base = store.record("base", 0)
    (store.git_dir / "index").write_bytes(b"DIRC garbage")
    put(store.work_tree, {"a": b"2"})
    store.recover()
    now = store.record("after a crash", 1)
    assert base is not None
    assert now is not None
    assert [c.path for c in store.changed(base, now)] == ["a"]
