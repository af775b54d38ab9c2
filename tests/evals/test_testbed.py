"""Test beds hold one commit, whatever they are made of, and making them runs nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from qwright.evals.instance import (
    DirectorySource,
    FilesSource,
    GitSource,
    Instance,
    RewardGrading,
)
from qwright.evals.testbed.history import adopt_commit, head_commit, tree_of
from qwright.evals.testbed.sources import source_digest
from qwright.sandbox.errors import WorkspaceError
from tests.evals.beds import everything_in, make, require_one_commit
from tests.sandbox.repos import git, make_repo, put

FUTURE = b"the fix of tomorrow"


@pytest.fixture(name="upstream", scope="module")
def _upstream(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with a past, a task's commit and a future in every place git keeps one."""
    root = make_repo(tmp_path_factory.mktemp("git") / "up", {"a.py": b"x = 0\n"})
    put(root, {"a.py": b"x = 1\n", "tests/test_a.py": b"import a\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "the task")
    commit = git(root, "rev-parse", "HEAD").strip()
    put(root, {"a.py": FUTURE})
    git(root, "commit", "-qam", "fix")
    git(root, "tag", "-am", "the fix", "v2")
    git(root, "branch", "fixed")
    git(root, "notes", "add", "-m", "the fix of tomorrow, noted")
    put(root, {"a.py": FUTURE + b", staged away"})
    git(root, "stash")
    git(root, "remote", "add", "origin", "https://example.org/up.git")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(root, "update-ref", "refs/pull/7/head", "HEAD")
    git(root, "reset", "-q", "--hard", commit)
    git(root, "commit", "-q", "--allow-empty", "--amend", "-m", "the task again")
    return root, commit


@pytest.mark.parametrize("how", ["folder", "address", "short", "bundle"])
def test_a_repository_leaves_its_past_and_future_behind(
    upstream: tuple[Path, str], tmp_path: Path, how: str
) -> None:
    root, commit = upstream
    bundle = tmp_path / "up.bundle"
    if how == "bundle":
        git(root, "bundle", "create", str(bundle), "--all")
    url = {"address": root.as_uri(), "bundle": str(bundle)}.get(how, str(root))
    named = commit[:9] if how == "short" else commit
    bed = make(GitSource(url=url, commit=named), tmp_path)
    assert require_one_commit(bed) == commit
    assert FUTURE not in everything_in(bed)
    assert b"x = 0" not in everything_in(bed)
    assert str(root).encode() not in everything_in(bed)
    assert (bed / "a.py").read_bytes() == b"x = 1\n"
    assert git(bed, "log", "--format=%s") == "the task\n"


def test_a_repository_that_lacks_the_commit(upstream: tuple[Path, str], tmp_path: Path) -> None:
    root, _ = upstream
    with pytest.raises(WorkspaceError, match="has no commit 12345678"):
        make(GitSource(url=str(root), commit="12345678" * 5), tmp_path / "a")
    for url, shown in (
        ("/nonexistent/repo", "cannot fetch /nonexistent/repo: fatal: "),
        ("file://user:secret@/no\033[2Jwhere", r"cannot fetch file:///no\S*where: fatal: "),
    ):
        with pytest.raises(WorkspaceError, match=shown) as failed:
            make(GitSource(url=url, commit="1" * 40), tmp_path / f"b{len(url)}")
        assert str(failed.value).isprintable()
        assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    "url", ["ext::touch ran", "--upload-pack=touch ran", "-c core.x=touch ran"]
)
def test_an_address_of_a_repository_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match="cannot fetch"):
        make(GitSource(url=url, commit="1" * 40), tmp_path / "bed")
    assert not list(tmp_path.rglob("ran"))


def test_files_become_the_same_commit_everywhere(tmp_path: Path) -> None:
    files = {"run.sh": "echo hi\n", "src/.gitignore": "*.log\n", "src/x.log": "kept\n"}
    files |= {".env": "A=1\n", ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "one\r\n"}
    source = FilesSource(files=files, executable=("run.sh",))
    beds = [make(source, tmp_path / name) for name in ("one", "two")]
    assert require_one_commit(beds[0]) == require_one_commit(beds[1])
    assert git(beds[0], "ls-files").split() == sorted(files)
    assert git(beds[0], "ls-files", "-s", "run.sh").startswith("100755 ")
    plain = make_repo(tmp_path / "plain", {name: text.encode() for name, text in files.items()})
    (plain / "run.sh").chmod(0o755)
    git(plain, "add", "-A", "-f")
    assert tree_of(beds[0], head_commit(beds[0])) == git(plain, "write-tree").strip()


@pytest.mark.parametrize("path", ["../out", "/etc/out", ".git/hooks/post-checkout", "a/../../out"])
def test_files_cannot_be_put_elsewhere(tmp_path: Path, path: str) -> None:
    with pytest.raises(WorkspaceError):
        make(FilesSource(files={"fine": "", path: "#!/bin/sh\ntouch ran\n"}), tmp_path)
    assert not list(tmp_path.rglob("out"))
    assert not (tmp_path / "work" / "bed" / ".git").exists()


def test_a_folder_is_taken_without_what_is_not_its_own(tmp_path: Path) -> None:
    folder = make_repo(tmp_path / "task", {"a.py": b"x\n", "inner/b.py": b"y\n"})
    make_repo(folder / "inner" / "nested", {"c.py": b"z\n"})
    put(folder, {"__pycache__/a.pyc": FUTURE})
    (folder / "link").symlink_to("a.py")
    os.mkfifo(folder / "pipe")
    source = DirectorySource(path=folder)
    bed = make(source, tmp_path)
    require_one_commit(bed)
    assert git(bed, "ls-files").split() == ["a.py", "inner/b.py", "inner/nested/c.py", "link"]
    digest = source_digest(source, "")
    put(folder, {"__pycache__/a.pyc": b"other", ".git/config": b"[x]\n"})
    assert source_digest(source, "") == digest
    (folder / "a.py").chmod(0o755)
    assert source_digest(source, "") != digest


def test_a_task_is_the_same_wherever_its_folder_lies(tmp_path: Path) -> None:
    put(tmp_path / "a", {"repo/x.py": b"x\n", "tests/test.sh": b"true\n"})
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    def digest(folder: Path) -> str:
        grading = RewardGrading(tests=folder / "tests")
        source = DirectorySource(path=folder / "repo")
        return Instance(id="one", prompt="", source=source, grading=grading).digest()

    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    put(tmp_path / "b", {"tests/test.sh": b"false\n"})
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_links_in_the_git_folder_of_an_image_are_not_followed(
    upstream: tuple[Path, str], tmp_path: Path
) -> None:
    root, commit = upstream
    old = tmp_path / "old"
    put(old, {"HEAD": commit.encode() + b"\n"})
    (old / "objects").symlink_to(root / ".git" / "objects")
    (tmp_path / "bed").mkdir()
    with pytest.raises(WorkspaceError, match="links in its \\.git"):
        adopt_commit(old, tmp_path / "bed")
    (old / "objects").unlink()
    (old / "objects").mkdir()
    (old / "HEAD").write_text("ref: ../../etc/passwd\n")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        adopt_commit(old, tmp_path / "bed")
