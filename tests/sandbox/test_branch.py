from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.sandbox.branch import Branch, save_branch
from qwright.sandbox.checkout import Checkout, create_checkout
from qwright.sandbox.errors import WorkspaceError
from tests.sandbox.repos import contents, fingerprint, git, make_repo, put

FILES = {"a.py": b"a = 1\n", "gone.py": b"x\n", "sub/b.py": b"b = 1\n"}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "session"
    path.mkdir()
    return path


def edit(checkout: Checkout) -> None:
    ws = checkout.store.work_tree
    put(ws, {"a.py": b"a = 2\n", "new.bin": b"\0\xff"})
    (ws / "gone.py").unlink()
    (ws / "link").symlink_to("a.py")


def save(checkout: Checkout, name: str = "fix/it") -> Branch:
    edit(checkout)
    result = checkout.store.record("result", 1)
    assert result is not None
    return save_branch(checkout.root, checkout.store, checkout.base, result, name, "Fix it")


def show(repo: Path, name: str) -> str:
    return git(repo, "show", name)


def test_a_branch_is_made_and_nothing_else_moves(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    put(repo, {"staged": b"1"})
    git(repo, "add", "staged")
    head = git(repo, "rev-parse", "HEAD").strip()
    for hook in ("reference-transaction", "post-index-change", "commit-msg", "post-commit"):
        (repo / ".git/hooks" / hook).write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
        (repo / ".git/hooks" / hook).chmod(0o755)
    before = fingerprint(repo)
    branch = save(create_checkout(repo, session))
    after = fingerprint(repo)
    new = {path for path in after if path not in before}
    assert {path for path in new if not path.startswith(".git/objects/")} == {
        *(".git/refs/heads/fix/it", ".git/logs/refs/heads/fix/it")
    }
    assert {path: after[path] for path in before} == before
    assert not (tmp_path / "pwned").exists()
    assert git(repo, "rev-parse", "fix/it^").strip() == head
    assert git(repo, "diff-tree", "-r", "--name-status", head, "fix/it").split() == [
        *("M", "a.py"),
        *("D", "gone.py"),
        *("A", "link"),
        *("A", "new.bin"),
    ]
    assert show(repo, "fix/it:a.py") == "a = 2\n"
    assert show(repo, "fix/it:link") == "a.py"
    assert git(repo, "log", "-1", "--format=%s %T", "fix/it").startswith("Fix it ")
    assert git(repo, "rev-parse", "fix/it").strip() == branch.commit
    assert branch.notices == []
    git(repo, "fsck", "--strict")


def test_uncommitted_edits_come_along_only_in_changed_files_and_are_told(
    tmp_path: Path, session: Path
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    put(repo, {"a.py": b"a = 1\nmine = 1\n", "sub/b.py": b"mine\n", "untracked": b"1"})
    branch = save(create_checkout(repo, session))
    assert show(repo, "fix/it:sub/b.py") == "b = 1\n"
    assert "untracked" not in git(repo, "ls-tree", "-r", "fix/it")
    assert len(branch.notices) == 1
    assert branch.notices[0].endswith("in: a.py")


def test_line_ends_are_stored_as_the_user_s_git_would(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    git(repo, "config", "core.autocrlf", "true")
    put(repo, {"a.py": b"a = 1\r\n"})
    checkout = create_checkout(repo, session)
    put(checkout.store.work_tree, {"sub/b.py": b"b = 2\r\n"})
    branch = save(checkout)
    assert show(repo, "fix/it:sub/b.py") == "b = 2\n"
    assert branch.notices == []


def unborn(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    put(repo, FILES)
    return repo


def test_a_repository_without_a_commit_gets_a_first_one(tmp_path: Path, session: Path) -> None:
    repo = unborn(tmp_path)
    branch = save(create_checkout(repo, session))
    assert git(repo, "rev-list", "--count", "fix/it").strip() == "1"
    assert set(git(repo, "ls-tree", "-r", "--name-only", "fix/it").split()) == {
        *("a.py", "link", "new.bin", "sub/b.py")
    }
    assert "every file" in branch.notices[0]


def existing(repo: Path) -> str:
    git(repo, "branch", "taken")
    return "taken"


def bad_name(_: Path) -> str:
    return "a..b"


def option(_: Path) -> str:
    return "--force"


def spaces(_: Path) -> str:
    return "a b"


def empty(_: Path) -> str:
    return ""


@pytest.mark.parametrize("prepare", [existing, bad_name, option, spaces, empty])
def test_a_name_that_cannot_be_is_one_line(
    tmp_path: Path, session: Path, prepare: Callable[[Path], str]
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    name = prepare(repo)
    before = fingerprint(repo)
    with pytest.raises(WorkspaceError, match="choose another") as error:
        save(create_checkout(repo, session), name)
    assert "\n" not in str(error.value)
    assert fingerprint(repo) == before


def test_the_user_may_have_moved_on(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    first = git(repo, "rev-parse", "HEAD").strip()
    checkout = create_checkout(repo, session)
    put(repo, {"a.py": b"later\n"})
    git(repo, "commit", "-qam", "later")
    save(checkout)
    assert git(repo, "rev-parse", "fix/it^").strip() == first


def test_a_folder_that_is_no_repository_is_one_line(tmp_path: Path, session: Path) -> None:
    put(tmp_path / "folder", FILES)
    with pytest.raises(WorkspaceError, match="no git repository"):
        save(create_checkout(tmp_path / "folder", session))
    assert set(contents(tmp_path / "folder")) == set(FILES)


def test_a_change_inside_a_submodule_is_one_line(tmp_path: Path, session: Path) -> None:
    module = make_repo(tmp_path / "module", {"m.py": b"m\n"})
    repo = make_repo(tmp_path / "repo", FILES)
    git(repo, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(module), "mod")
    git(repo, "commit", "-qm", "submodule")
    checkout = create_checkout(repo, session)
    put(checkout.store.work_tree, {"mod/m.py": b"changed\n"})
    with pytest.raises(WorkspaceError, match="lies in a submodule"):
        save(checkout)
    assert git(repo, "branch", "--list", "fix/it") == ""
