"""Committing as the user would: their hooks, identity and index, and only the paths named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.head import head_branch
from qwright.sandbox.user_commit import commit, recent_subjects
from tests.sandbox.repos import fingerprint, git, make_repo, put


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put(tmp_path / "home", {".gitconfig": b"[user]\nname = Grace\nemail = grace@example.org\n"})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return make_repo(tmp_path / "repo", {"a": b"1\n", "b": b"1\n", "gone": b"1\n", "c*": b"1\n"})


def hook(repo: Path, name: str, script: str) -> None:
    file = repo / ".git/hooks" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def shown(repo: Path, commit_: str) -> list[str]:
    shape = ("--format=", "--no-renames", "--name-status", "-z")
    return git(repo, "show", *shape, commit_).split("\0")[:-1]


def ended(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def status(repo: Path) -> list[str]:
    return git(repo, "status", "--porcelain").splitlines()


def test_just_the_paths_are_committed_and_the_rest_stays_staged(repo: Path) -> None:
    put(repo, {"a": b"2\n", "b": b"staged\n", "dir/new": b"1\n", "mine": b"1\n", "other": b"1\n"})
    (repo / "gone").unlink()
    git(repo, "add", "b", "mine")
    done = commit(repo, ["a", "dir/new", "gone"], "Add a thing\n\nBecause.\n# kept\n")
    assert shown(repo, done.commit) == ["M", "a", "A", "dir/new", "D", "gone"]
    assert status(repo) == ["M  b", "A  mine", "?? other"]
    assert done.commit == git(repo, "rev-parse", "HEAD").strip()
    assert done.summary == f"{done.commit[:7]} Add a thing"
    body = git(repo, "log", "-1", "--format=%an <%ae>%n%B")
    assert body.startswith("Grace <grace@example.org>\nAdd a thing\n\nBecause.\n# kept\n")


def test_the_user_s_hooks_run_and_what_they_say_is_returned(repo: Path) -> None:
    hook(repo, "pre-commit", "echo checking; git diff --cached --name-only")
    hook(repo, "commit-msg", 'echo "Signed-off-by: hook" >> "$1"')
    put(repo, {"a": b"2\n", "b": b"2\n"})
    done = commit(repo, ["a"], "Change")
    assert "checking\na\n" in done.output
    assert "Signed-off-by: hook" in git(repo, "log", "-1", "--format=%B")


def test_a_hook_that_refuses_leaves_everything_as_it_was(repo: Path) -> None:
    hook(
        repo,
        "pre-commit",
        'echo "long story"; printf "\\033[31mlint failed\\033[0m\\n" >&2; exit 1',
    )
    put(repo, {"a": b"2\n", "new": b"1\n", "mine": b"1\n"})
    git(repo, "add", "mine")
    before = status(repo), git(repo, "ls-files", "-s"), git(repo, "rev-parse", "HEAD")
    with pytest.raises(WorkspaceError, match="git commit refused: lint failed") as error:
        commit(repo, ["a", "new"], "Change")
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert (status(repo), git(repo, "ls-files", "-s"), git(repo, "rev-parse", "HEAD")) == before


def test_a_hook_that_never_ends_is_ended(repo: Path) -> None:
    hook(repo, "pre-commit", "sleep 1000 & echo $! > .git/pid; wait")
    put(repo, {"a": b"2\n"})
    with pytest.raises(WorkspaceError, match=r"did not end within 1 s"):
        commit(repo, ["a"], "Change", timeout=1.0)
    pid = (repo / ".git/pid").read_text().strip()
    assert any(ended(pid) or time.sleep(0.1) for _ in range(100))
    assert not (repo / ".git/index.lock").exists()
    assert status(repo) == [" M a"]


@pytest.mark.parametrize("path", [".githooks/pre-commit", ".husky/pre-commit", "lefthook.yml"])
def test_a_hook_that_the_session_made_is_not_run_by_its_commit(repo: Path, path: str) -> None:
    git(repo, "config", "core.hooksPath", ".githooks")
    put(repo, {path: b"#!/bin/sh\ntouch ran\n", "a": b"2\n"})
    (repo / path).chmod(0o755)
    before = status(repo)
    with pytest.raises(WorkspaceError, match="commit with git yourself"):
        commit(repo, ["a", path], "Change")
    assert status(repo) == before
    assert not (repo / "ran").exists()


def test_a_hook_that_is_a_link_to_a_file_of_the_session_is_not_run_either(repo: Path) -> None:
    put(repo, {"scripts/check": b"#!/bin/sh\ntouch ran\n"})
    (repo / "scripts/check").chmod(0o755)
    (repo / ".git/hooks").mkdir(exist_ok=True)
    (repo / ".git/hooks/pre-commit").symlink_to("../../scripts/check")
    with pytest.raises(WorkspaceError, match="would run scripts/check"):
        commit(repo, ["scripts/check"], "Change")
    assert not (repo / "ran").exists()


def test_the_repository_of_the_session_is_meant_whatever_git_told_qwright(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repo(tmp_path / "other", {"a": b"other\n"})
    before = git(other, "rev-parse", "HEAD")
    put(repo, {"a": b"2\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    done = commit(repo, ["a"], "Change")
    monkeypatch.undo()
    assert git(repo, "rev-parse", "HEAD").strip() == done.commit
    assert git(other, "rev-parse", "HEAD") == before


def test_nothing_to_commit_is_said_before_any_hook_runs(repo: Path) -> None:
    hook(repo, "pre-commit", "touch ran")
    put(repo, {"b": b"2\n"})
    for paths in (["a"], [], ["never", "was"]):
        with pytest.raises(WorkspaceError, match="nothing to commit"):
            commit(repo, paths, "Change")
    assert not (repo / "ran").exists()
    with pytest.raises(WorkspaceError, match="message is empty"):
        commit(repo, ["b"], " \n")


def test_names_are_taken_literally(repo: Path) -> None:
    put(repo, {"c*": b"2\n", "cat": b"1\n", ":(top)x": b"1\n", "-f": b"1\n", "a\nb": b"1\n"})
    git(repo, "add", "cat")
    done = commit(repo, ["c*", ":(top)x", "-f", "a\nb"], "Change")
    assert sorted(shown(repo, done.commit)[1::2]) == ["-f", ":(top)x", "a\nb", "c*"]
    assert status(repo) == ["A  cat"]


def test_the_first_commit_of_a_repository(tmp_path: Path, repo: Path) -> None:
    young = repo.parent / "young"
    young.mkdir()
    git(young, "init", "-q", "-b", "trunk")
    put(young, {"a": b"1\n", "b": b"1\n"})
    assert recent_subjects(young, 5) == []
    assert head_branch(young) == "trunk"
    done = commit(young, ["a"], "First")
    assert shown(young, done.commit) == ["A", "a"]
    assert status(young) == ["?? b"]
    assert recent_subjects(young, 5) == ["First"]


def test_an_ignored_file_and_a_folder_without_git_are_refused_in_one_line(repo: Path) -> None:
    put(repo, {".gitignore": b"*.log\n", "x.log": b"1\n"})
    with pytest.raises(WorkspaceError) as error:
        commit(repo, ["x.log"], "Change")
    assert "\n" not in str(error.value)
    plain = repo.parent / "plain"
    plain.mkdir()
    with pytest.raises(WorkspaceError, match="run git init"):
        commit(plain, ["a"], "Change")
    assert recent_subjects(plain, 5) == []


def test_recent_subjects_are_the_newest_first(repo: Path) -> None:
    for number in range(3):
        put(repo, {"a": b"%d\n" % number})
        git(repo, "commit", "-qam", f"number {number}\n\nbody")
    before = fingerprint(repo)
    assert recent_subjects(repo, 2) == ["number 2", "number 1"]
    assert fingerprint(repo) == before


def test_the_branch_is_read_without_git(tmp_path: Path, repo: Path) -> None:
    assert head_branch(repo) == "main"
    assert head_branch(repo / "deeper/than/there/is") == "main"
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "topic/one", str(linked))
    assert head_branch(linked) == "topic/one"
    git(repo, "checkout", "-q", "--detach")
    assert head_branch(repo) == git(repo, "rev-parse", "HEAD")[:7]
    assert head_branch(tmp_path) == ""
