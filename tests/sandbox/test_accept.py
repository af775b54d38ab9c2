from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwright.sandbox.accept import ConflictError, apply_result, patch_text, undo_apply
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.review import warnings
from qwright.sandbox.store import Checkpoint, CheckpointStore
from tests.sandbox.repos import contents, fingerprint, git, make_repo, put

LINES = b"".join(b"line %d\n" % n for n in range(20))
FILES = {
    "a.py": LINES,
    "gone.py": b"to be removed\n",
    "sub/only.py": b"alone in its directory\n",
    "crlf.txt": LINES.replace(b"\n", b"\r\n"),
    "pic.bin": b"\0\1\2\3",
    "script": b"#!/bin/sh\n",
    "kept.py": b"kept\n",
}


@dataclass
class Run:
    repo: Path
    session: Path
    store: CheckpointStore
    base: Checkpoint

    @property
    def ws(self) -> Path:
        return self.store.work_tree

    def finish(self) -> Checkpoint:
        result = self.store.record("result", 1)
        assert result is not None
        return result

    def apply(self, result: Checkpoint) -> list[str]:
        return apply_result(self.repo, self.session, self.store, self.base, result).paths

    def undo(self) -> list[str]:
        return undo_apply(self.repo, self.session, self.store).paths

    def files(self) -> dict[str, tuple[int, bytes]]:
        return contents(self.repo, without=(".git",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    repo = make_repo(tmp_path / "repo", FILES)
    put(repo, {"staged.py": b"1\n", "untracked.txt": b"mine\n"})
    git(repo, "add", "staged.py")
    put(repo, {"kept.py": b"stash me\n"})
    git(repo, "stash", "-q", "--", "kept.py")
    hook = repo / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    session = tmp_path / "session"
    session.mkdir()
    checkout = create_checkout(repo, session)
    return Run(repo, session, checkout.store, checkout.base)


def edit_everything(ws: Path) -> None:
    put(ws, {"a.py": LINES.replace(b"line 3\n", b"line three\n"), "new/deep/file": b"\xff\0"})
    put(ws, {"crlf.txt": FILES["crlf.txt"].replace(b"line 3\r\n", b"line three\r\n")})
    put(ws, {"pic.bin": b"\0\1\2\4", os.fsdecode(b"caf\xe9\n"): b"name\n"})
    (ws / "gone.py").unlink()
    (ws / "sub/only.py").unlink()
    (ws / "script").chmod(0o755)
    (ws / "link").symlink_to("a.py")
    (ws / "kept.py").unlink()
    (ws / "kept.py").symlink_to("a.py")


def test_a_result_arrives_complete_and_goes_again_complete(run: Run, tmp_path: Path) -> None:
    before = run.files()
    git_before = fingerprint(run.repo / ".git")
    edit_everything(run.ws)
    result = run.finish()
    paths = run.apply(result)
    assert run.files() == contents(run.ws)
    assert paths == sorted(change.path for change in run.store.changed(run.base, result))
    assert not (run.repo / "sub").exists()
    assert fingerprint(run.repo / ".git") == git_before
    assert run.undo() == paths
    assert run.files() == before
    assert fingerprint(run.repo / ".git") == git_before
    assert not (run.repo / "new").exists()
    assert not (tmp_path / "pwned").exists()
    with pytest.raises(WorkspaceError, match="nothing to undo"):
        run.undo()


def test_applying_twice_changes_nothing_more(run: Run) -> None:
    edit_everything(run.ws)
    result = run.finish()
    assert run.apply(result)
    after = run.files()
    assert run.apply(result) == []
    assert run.files() == after
    run.undo()
    assert run.apply(result)
    assert run.files() == after


def test_the_user_s_edits_during_the_run_are_kept(run: Run) -> None:
    put(run.ws, {"a.py": LINES.replace(b"line 3\n", b"line three\n")})
    put(run.repo, {"a.py": LINES.replace(b"line 17\n", b"line seventeen\n"), "mine": b"1"})
    (run.repo / "a.py").chmod(0o755)
    applied = apply_result(run.repo, run.session, run.store, run.base, run.finish())
    assert applied.merged == ["a.py"]
    merged = (run.repo / "a.py").read_bytes()
    assert b"line three\n" in merged
    assert b"line seventeen\n" in merged
    assert os.access(run.repo / "a.py", os.X_OK)
    run.undo()
    assert (run.repo / "a.py").read_bytes() == LINES.replace(b"line 17\n", b"line seventeen\n")
    assert (run.repo / "mine").read_bytes() == b"1"


def test_the_user_s_edits_after_applying_survive_undo(run: Run) -> None:
    edit_everything(run.ws)
    run.apply(run.finish())
    text = (run.repo / "a.py").read_bytes()
    put(run.repo, {"a.py": text + b"after\n", "later.txt": b"1"})
    run.undo()
    assert (run.repo / "a.py").read_bytes() == LINES + b"after\n"
    assert (run.repo / "later.txt").read_bytes() == b"1"
    assert (run.repo / "gone.py").read_bytes() == FILES["gone.py"]


def conflict_edit(run: Run) -> None:
    put(run.repo, {"a.py": LINES.replace(b"line 3\n", b"line III\n")})


def conflict_binary(run: Run) -> None:
    put(run.repo, {"pic.bin": b"\0\7\7\7"})


def conflict_delete(run: Run) -> None:
    (run.repo / "a.py").unlink()


def conflict_deleted_edit(run: Run) -> None:
    put(run.repo, {"gone.py": b"I still need this\n"})


def conflict_added(run: Run) -> None:
    put(run.repo, {"new/deep/file": b"mine"})


def conflict_parent_is_file(run: Run) -> None:
    put(run.repo, {"new": b"a file where a directory must be"})


def conflict_parent_is_link(run: Run) -> None:
    (run.repo.parent / "outside").mkdir()
    (run.repo / "new").symlink_to(run.repo.parent / "outside")


def conflict_fifo(run: Run) -> None:
    os.mkfifo(run.repo / "link")


@pytest.mark.parametrize(
    "edit",
    [
        conflict_edit,
        conflict_binary,
        conflict_delete,
        conflict_deleted_edit,
        conflict_added,
        conflict_parent_is_file,
        conflict_parent_is_link,
        conflict_fifo,
    ],
    ids=lambda edit: edit.__name__,
)
def test_a_conflict_writes_nothing_at_all(run: Run, edit: object) -> None:
    assert callable(edit)
    edit_everything(run.ws)
    result = run.finish()
    edit(run)
    before = run.files()
    with pytest.raises(ConflictError, match="nothing was written") as error:
        run.apply(result)
    assert len(error.value.paths) == 1
    assert "\n" not in str(error.value)
    assert run.files() == before
    assert not (run.session / "applied").exists()
    assert not (run.repo.parent / "outside/deep").exists()


def test_a_conflict_on_undo_writes_nothing(run: Run) -> None:
    edit_everything(run.ws)
    run.apply(run.finish())
    put(run.repo, {"a.py": LINES.replace(b"line 3\n", b"line drei\n")})
    before = run.files()
    with pytest.raises(ConflictError, match=r"a\.py"):
        run.undo()
    assert run.files() == before


def test_a_file_and_a_directory_change_places(run: Run) -> None:
    before = run.files()
    (run.ws / "sub/only.py").unlink()
    (run.ws / "sub").rmdir()
    put(run.ws, {"sub": b"a file now"})
    (run.ws / "gone.py").unlink()
    put(run.ws, {"gone.py/inner": b"a directory now"})
    run.apply(run.finish())
    assert run.files() == contents(run.ws)
    run.undo()
    assert run.files() == before


def test_empty_folders_that_are_left_are_no_obstacle_to_undo(run: Run) -> None:
    before = run.files()
    (run.ws / "gone.py").unlink()
    put(run.ws, {"gone.py/deep/inner": b"a directory now"})
    run.apply(run.finish())
    (run.repo / "gone.py/deep/inner").unlink()
    run.undo()
    assert run.files() == before


def test_a_link_that_took_a_folder_s_place_is_no_obstacle_to_undo(run: Run) -> None:
    before = run.files()
    (run.ws / "sub/only.py").unlink()
    (run.ws / "sub").rmdir()
    (run.ws / "sub").symlink_to("a.py")
    run.apply(run.finish())
    assert run.files() == contents(run.ws)
    run.undo()
    assert run.files() == before


def test_a_directory_with_files_of_the_user_is_not_replaced(run: Run) -> None:
    (run.ws / "sub/only.py").unlink()
    (run.ws / "sub").rmdir()
    put(run.ws, {"sub": b"a file now"})
    result = run.finish()
    put(run.repo, {"sub/mine": b"1"})
    with pytest.raises(ConflictError):
        run.apply(result)
    assert (run.repo / "sub/mine").read_bytes() == b"1"
    assert (run.repo / "sub/only.py").exists()


def test_a_secret_that_was_not_copied_is_not_overwritten(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"a": b"1"})
    put(repo, {".env": b"KEY=real"})
    (tmp_path / "session").mkdir()
    checkout = create_checkout(repo, tmp_path / "session")
    put(checkout.store.work_tree, {".env": b"KEY=planted"})
    result = checkout.store.record("x", 1)
    assert result is not None
    with pytest.raises(ConflictError):
        apply_result(repo, tmp_path / "session", checkout.store, checkout.base, result)
    assert (repo / ".env").read_bytes() == b"KEY=real"


def test_a_write_that_fails_half_way_is_taken_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_everything(run.ws)
    result = run.finish()
    before = run.files()
    real, calls = os.rename, 0

    def fails_once(source: str, target: str, **options: int) -> None:
        nonlocal calls
        calls += "src_dir_fd" in options
        if calls == 3 and "src_dir_fd" in options:
            raise OSError(28, "No space left on device")
        real(source, target, **options)

    monkeypatch.setattr(os, "rename", fails_once)
    with pytest.raises(WorkspaceError, match=r"No space left on device; nothing was changed"):
        run.apply(result)
    assert calls > 3
    assert run.files() == before
    run.apply(result)
    assert run.files() == contents(run.ws)


def test_no_change_is_no_journal(run: Run) -> None:
    assert run.apply(run.base) == []
    assert not (run.session / "applied").exists()


def test_the_patch_is_taken_by_git_apply(run: Run) -> None:
    edit_everything(run.ws)
    result = run.finish()
    git(run.repo, "apply", stdin=patch_text(run.store, run.base, result))
    assert run.files() == contents(run.ws)


def test_files_that_run_by_themselves_are_pointed_out(run: Run) -> None:
    put(
        run.ws,
        {
            ".envrc": b"evil",
            ".vscode/tasks.json": b"{}",
            ".github/workflows/ci.yml": b"on: push",
            "tests/conftest.py": b"import os",
            "web/package.json": b'{"scripts": {"postinstall": "curl evil"}}',
            "lib/package.json": b'{"scripts": {"test": "jest"}}',
            "setup.py": b"",
            "plain.py": b"",
        },
    )
    (run.ws / "out").symlink_to("/etc/passwd")
    (run.ws / "up").symlink_to("../../.ssh")
    (run.ws / "in").symlink_to("a.py")
    lines = warnings(run.store, run.store.changed(run.base, run.finish()))
    assert sorted(line.split(":")[0] for line in lines) == [
        ".envrc",
        ".github/workflows/ci.yml",
        ".vscode/tasks.json",
        "out",
        "setup.py",
        "tests/conftest.py",
        "up",
        "web/package.json",
    ]
