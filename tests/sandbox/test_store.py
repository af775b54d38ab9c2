from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from tests.sandbox.repos import contents, fsck, git, make_store, put

EXACT = {
    "latin1.txt": b"caf\xe9\n",
    "crlf.txt": b"a\r\nb\r\n",
    "mixed.txt": b"a\r\nb\nc\rd",
    "no-newline": b"last line",
    "bom.py": b"\xef\xbb\xbfx = 1\n",
    "utf16.txt": "text\n".encode("utf-16"),
    "nul.bin": b"a\0b\0\0",
    "empty": b"",
    "ident.c": b"/* $Id$ */\n",
    "lfs.psd": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "real.psd": b"\x89PSD" * 50,
    ".gitattributes": (
        b"* text=auto eol=crlf\n*.psd filter=lfs diff=lfs merge=lfs -text\n*.c ident\n"
        b"utf16.txt working-tree-encoding=UTF-16\nlatin1.txt binary\n"
    ),
    "-leading": b"1",
    "with\nnewline": b"2",
    "quo\"te's": b"3",
    '"starts': b"4",
    "tab\there": b"5",
    "back\\slash": b"6",
    os.fsdecode(b"non-utf8-\xff\xfe"): b"7",
    "e\u0301-nfd": b"8",
    "\u00e9-nfc": b"9",
    "\u202ertl": b"10",
    "x" * 255: b"11",
}


def recorded(store: CheckpointStore, label: str = "step", step: int = 1) -> Checkpoint:
    checkpoint = store.record(label, step)
    assert checkpoint is not None
    return checkpoint


def test_every_byte_and_name_comes_back(tmp_path: Path) -> None:
    store = make_store(tmp_path, EXACT)
    root = store.work_tree
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to(os.fsdecode(b"nowhere-\xff"))
    base = recorded(store)
    before = contents(root)
    for path in before:
        os.unlink(root / path)
    put(root, {"other": b"new"})
    wiped = recorded(store)
    store.restore(base)
    assert contents(root) == before
    store.restore(wiped)
    assert set(contents(root)) == {"other"}
    fsck(store)


def test_blobs_are_the_raw_bytes_whatever_attributes_say(tmp_path: Path) -> None:
    store = make_store(tmp_path, EXACT)
    tree = store.tree_of(recorded(store))
    blobs = store.blobs(sha for _, sha in tree.values())
    assert {path: blobs[sha] for path, (_, sha) in tree.items()} == EXACT


def test_nothing_is_recorded_when_nothing_changed(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    recorded(store)
    assert store.record("again", 2) is None
    os.utime(store.work_tree / "a", ns=(1, 1))
    assert store.record("touched", 3) is None
    assert len(store.log()) == 1


def test_a_change_of_the_same_size_with_the_old_mtime_is_seen(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"one"})
    file = store.work_tree / "a"
    long_ago = (1_000_000_000_000_000_000, 1_000_000_000_000_000_000)
    os.utime(file, ns=long_ago)
    recorded(store)
    time.sleep(1.01)  # git compares the time of the last change (ctime) by whole seconds
    file.write_bytes(b"two")
    os.utime(file, ns=long_ago)
    assert store.record("sneaky", 2) is not None


def test_changes_are_listed_with_modes_and_blobs(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"edited": b"1", "gone": b"2", "mode": b"3", "type": b"4"})
    root = store.work_tree
    base = recorded(store, "base", 0)
    put(root, {"edited": b"changed", "new/file": b"5"})
    (root / "gone").unlink()
    (root / "mode").chmod(0o755)
    (root / "type").unlink()
    (root / "type").symlink_to("edited")
    found = {change.path: change for change in store.changed(base, recorded(store))}
    assert {path: change.status for path, change in found.items()} == {
        "edited": "modified",
        "gone": "deleted",
        "mode": "modified",
        "new/file": "added",
        "type": "type",
    }
    assert (found["mode"].old_mode, found["mode"].new_mode) == (0o100644, 0o100755)
    assert store.blob(found["type"].new_blob) == b"edited"
    gone = found["gone"]
    assert gone == Change("gone", "deleted", 0o100644, 0, gone.old_blob, "")
    assert store.blob(gone.old_blob) == b"2"


def test_the_log_has_every_step_in_order_even_after_going_back(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"0"})
    base = recorded(store, "base", 0)
    put(store.work_tree, {"a": b"1"})
    first = recorded(store, "first\nedit", 1)
    put(store.work_tree, {"a": b"unrecorded"})
    store.restore(base)
    put(store.work_tree, {"a": b"2"})
    second = recorded(store, "second", 2)
    log = store.log()
    assert [(c.label, c.step) for c in log] == [
        ("base", 0),
        ("first edit", 1),
        ("before going back", 1),
        ("second", 2),
    ]
    assert log[1] == first
    assert store.cursor() == second
    parents = git(store.git_dir, f"--git-dir={store.git_dir}", "rev-parse", f"{second.commit}^")
    assert parents.strip() == base.commit
    store.restore(log[2])
    assert (store.work_tree / "a").read_bytes() == b"unrecorded"


def test_directories_and_files_change_places(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a/b": b"1", "c": b"2"})
    root = store.work_tree
    base = recorded(store)
    (root / "a/b").unlink()
    (root / "a").rmdir()
    (root / "a").write_bytes(b"now a file")
    (root / "c").unlink()
    put(root, {"c/d/e": b"now a directory"})
    turned = recorded(store)
    assert set(store.tree_of(turned)) == {"a", "c/d/e"}
    store.restore(base)
    assert {p: d for p, (_, d) in contents(root).items()} == {"a/b": b"1", "c": b"2"}
    store.restore(turned)
    assert set(contents(root)) == {"a", "c/d/e"}


def test_ignored_files_and_build_litter_are_left_alone(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a.py": b"1", ".gitignore": b"*.log\nout/\n"})
    root = store.work_tree
    base = recorded(store)
    litter = {
        "x.log": b"1",
        "out/y": b"2",
        "__pycache__/a.pyc": b"3",
        "sub/node_modules/m/index.js": b"4",
        ".venv/bin/python": b"5",
    }
    put(root, {**litter, "a.py": b"2"})
    changed = store.changed(base, recorded(store))
    assert [change.path for change in changed] == ["a.py"]
    store.restore(base)
    assert all((root / path).read_bytes() == data for path, data in litter.items())


def test_the_user_s_own_excludes_hold_and_tracked_files_are_kept(tmp_path: Path) -> None:
    work_tree = tmp_path / "ws"
    put(work_tree, {"secret.txt": b"1", "a.pyc": b"2"})
    store = CheckpointStore(tmp_path / "store.git", work_tree)
    store.init(excludes=["*.txt", "!keep.txt"])
    recorded(store, "base", 0)
    put(work_tree, {"keep.txt": b"3"})
    assert set(store.tree_of(recorded(store))) == {"keep.txt"}


def test_an_ignored_file_that_going_back_would_overwrite_is_kept_first(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"tracked", "b": b"1"})
    root = store.work_tree
    base = recorded(store)
    (root / "a").unlink()
    recorded(store)
    put(root, {".gitignore": b"a\n", "a": b"precious"})
    store.restore(base)
    assert (root / "a").read_bytes() == b"tracked"
    kept = store.log()[-1]
    assert store.blob(store.tree_of(kept)["a"][1]) == b"precious"


def test_a_file_over_the_size_limit_is_left_out_with_a_notice(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    root = store.work_tree
    base = recorded(store)
    for name in ("sparse", "a"):
        with (root / name).open("wb") as file:
            file.truncate(1 << 40)
    assert store.record("huge", 1) is None
    assert any("sparse" in line for line in store.notices)
    assert store.record("huge", 2) is None
    assert len(store.notices) == 2
    with pytest.raises(WorkspaceError, match="too large"):
        store.restore(base)
    assert (root / "a").stat().st_size == 1 << 40
    (root / "a").unlink()
    store.restore(base)
    assert (root / "a").read_bytes() == b"1"
    assert (root / "sparse").exists()


def test_special_files_are_skipped_and_do_not_hang(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1", "b": b"2"})
    root = store.work_tree
    base = recorded(store)
    (root / "a").unlink()
    os.mkfifo(root / "a")
    os.mkfifo(root / "pipe")
    assert [c.path for c in store.changed(base, recorded(store))] == ["a"]
    assert store.notices == ["a: not recorded, it is not a regular file"]
    store.restore(base)
    assert (root / "a").read_bytes() == b"1"
    assert stat.S_ISFIFO((root / "pipe").lstat().st_mode)


@pytest.mark.parametrize("target", ["../outside", "moved"])
def test_what_lies_behind_a_new_directory_link_is_not_recorded(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/b").write_bytes(b"outside")
    store = make_store(tmp_path, {"d/b": b"inside"})
    root = store.work_tree
    base = recorded(store)
    (root / "d").rename(root / "moved")
    (root / "d").symlink_to(target)
    put(root, {"moved/b": b"inside and edited"})
    now = recorded(store)
    assert set(store.tree_of(now)) == {"d", "moved/b"}
    store.restore(base)
    assert (tmp_path / "outside/b").read_bytes() == b"outside"
    assert {p: d for p, (_, d) in contents(root).items()} == {"d/b": b"inside"}


def test_names_that_could_pass_for_git_are_noticed_and_left_out(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"1"})
    recorded(store)
    put(store.work_tree, {".GIT/config": b"x", "sub/git~1": b"y", "ok": b"z"})
    now = recorded(store)
    assert set(store.tree_of(now)) == {"a", "ok"}
    assert len(store.notices) == 2


def test_restored_files_belong_to_the_owner(tmp_path: Path) -> None:
    uid = os.getuid() + 4321 if os.getuid() == 0 else os.getuid()
    gid = os.getgid() + 4321 if os.getuid() == 0 else os.getgid()
    work_tree = tmp_path / "ws"
    put(work_tree, {"sub/a": b"1"})
    store = CheckpointStore(tmp_path / "store.git", work_tree, (uid, gid))
    store.init()
    base = recorded(store)
    (work_tree / "sub/a").unlink()
    (work_tree / "sub").rmdir()
    recorded(store)
    store.restore(base)
    for path in ("sub", "sub/a"):
        state = (work_tree / path).stat()
        assert (state.st_uid, state.st_gid) == (uid, gid)


def test_diff_is_readable_and_the_patch_is_complete(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a.py": b"x = 1\n", "pic": b"\0\1\2", "old": b"same\n" * 9})
    root = store.work_tree
    base = recorded(store)
    put(root, {"a.py": b"x = 2\n", "pic": b"\0\1\3"})
    (root / "old").rename(root / "new")
    now = recorded(store)
    text = store.diff(base, now)
    assert "-x = 1\n+x = 2\n" in text
    assert "Binary files" in text
    assert "rename to new" in text
    git(tmp_path, "init", "-q", "there")
    there = tmp_path / "there"
    put(there, {"a.py": b"x = 1\n", "pic": b"\0\1\2", "old": b"same\n" * 9})
    git(there, "apply", stdin=store.patch(base, now))
    assert contents(there, without=(".git",)) == contents(root)


def test_kept_bytes_can_be_read_back(tmp_path: Path) -> None:
    store = make_store(tmp_path, {"a": b"known"})
    recorded(store)
    names = store.keep([b"known", b"new\0", b"", b"new\0"])
    assert store.blobs(names) == {names[0]: b"known", names[1]: b"new\0", names[2]: b""}
    assert names[1] == names[3]
    with pytest.raises(WorkspaceError, match="lacks object"):
        store.blobs(["1" * 40])


def test_many_new_files_at_once(tmp_path: Path) -> None:
    store = make_store(tmp_path, {})
    recorded(store, "base", 0)
    put(store.work_tree, {f"d{n % 7}/f{n}": b"%d" % n for n in range(3000)})
    assert len(store.tree_of(recorded(store))) == 3000
    fsck(store)
