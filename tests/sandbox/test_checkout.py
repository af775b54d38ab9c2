from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.sandbox.checkout import Checkout, create_checkout, is_secret
from qwright.sandbox.errors import WorkspaceError
from tests.sandbox.repos import contents, fingerprint, fsck, git, make_repo, put

FILES = {"a.py": b"a = 1\n", "sub/b.py": b"b = 1\n", ".gitignore": b"*.log\n"}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "session"
    path.mkdir()
    return path


def files_of(checkout: Checkout) -> dict[str, bytes]:
    return {path: data for path, (_, data) in contents(checkout.store.work_tree).items()}


def dirty(repo: Path) -> None:
    put(repo, {"a.py": b"edited\n", "new.py": b"new\n", "debug.log": b"ignored"})
    (repo / "sub/b.py").unlink()


def staged(repo: Path) -> None:
    put(repo, {"a.py": b"staged\n"})
    git(repo, "add", "a.py")
    put(repo, {"a.py": b"edited after staging\n"})


def detached(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")


def mid_merge(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "other")
    put(repo, {"a.py": b"other\n"})
    git(repo, "commit", "-qam", "other")
    git(repo, "checkout", "-q", "main")
    put(repo, {"a.py": b"main\n"})
    git(repo, "commit", "-qam", "main")
    git(repo, "merge", "other", check=False)


def stashed(repo: Path) -> None:
    put(repo, {"a.py": b"stashed\n"})
    git(repo, "stash", "-q")


def sparse(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/a.py")


def odd_files(repo: Path) -> None:
    (repo / "link").symlink_to("/etc/passwd")
    (repo / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    (repo / "run.sh").chmod(0o755)
    put(repo, {os.fsdecode(b"caf\xe9\n.txt"): b"\xff\0", '"q"': b"1"})
    put(repo, {"big.bin": os.urandom(1 << 20) + b"tail"})


def autocrlf(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "true")
    put(repo, {"crlf.txt": b"a\r\nb\r\n"})
    git(repo, "add", "crlf.txt")


def hostile_filter(repo: Path) -> None:
    put(repo, {".gitattributes": b"* filter=evil diff=evil\n"})
    marker = repo.parent / "pwned"
    git(repo, "config", "filter.evil.clean", f"touch {marker}; cat")
    git(repo, "config", "filter.evil.smudge", f"touch {marker}; cat")
    git(repo, "config", "core.fsmonitor", f"touch {marker}")
    (repo / ".git/hooks/post-index-change").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (repo / ".git/hooks/post-index-change").chmod(0o755)


STATES = [
    dirty, staged, detached, mid_merge, stashed, sparse, odd_files, autocrlf, hostile_filter
]  # fmt: skip


@pytest.mark.parametrize("prepare", STATES, ids=lambda state: state.__name__)
def test_the_checkout_equals_the_work_tree_and_the_repository_stays_as_it_was(
    tmp_path: Path, session: Path, prepare: Callable[[Path], None]
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    prepare(repo)
    before = fingerprint(repo)
    checkout = create_checkout(repo / "sub" if (repo / "sub").is_dir() else repo, session)
    expected = contents(repo, without=(".git",))
    expected.pop("debug.log", None)
    assert contents(checkout.store.work_tree) == expected
    assert fingerprint(repo) == before
    assert not (tmp_path / "pwned").exists()
    assert checkout.root == repo
    assert checkout.head == git(repo, "rev-parse", "HEAD").strip()
    assert checkout.store.record("nothing", 1) is None
    tree = checkout.store.tree_of(checkout.base)
    blobs = checkout.store.blobs(sha for _, sha in tree.values())
    assert {p: blobs[sha] for p, (_, sha) in tree.items()} == files_of(checkout)
    fsck(checkout.store)


def test_the_place_of_the_user_and_the_times_of_files_are_kept(
    tmp_path: Path, session: Path
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    os.utime(repo / "a.py", ns=(1_000_000_001, 2_000_000_002))
    checkout = create_checkout(repo / "sub", session)
    assert checkout.subdirectory == "sub"
    assert (checkout.store.work_tree / "a.py").stat().st_mtime_ns == 2_000_000_002


def test_a_repository_without_a_commit(tmp_path: Path, session: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    put(repo, FILES)
    checkout = create_checkout(repo, session)
    assert checkout.head is None
    assert files_of(checkout) == FILES


def test_an_empty_repository(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", {})
    checkout = create_checkout(repo, session)
    assert files_of(checkout) == {}
    put(checkout.store.work_tree, {"first": b"1"})
    assert checkout.store.record("first", 1) is not None


def test_a_linked_worktree_is_copied_and_left_alone(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "topic", str(linked))
    put(linked, {"a.py": b"in the worktree\n"})
    before = fingerprint(repo), fingerprint(linked)
    checkout = create_checkout(linked, session)
    assert files_of(checkout) == {**FILES, "a.py": b"in the worktree\n"}
    assert (fingerprint(repo), fingerprint(linked)) == before


def test_submodules_and_nested_repositories_are_copied_as_files(
    tmp_path: Path, session: Path
) -> None:
    module = make_repo(tmp_path / "module", {"m.py": b"m\n", ".gitignore": b"*.o\n"})
    repo = make_repo(tmp_path / "repo", FILES)
    allow = ("-c", "protocol.file.allow=always")
    git(repo, *allow, "submodule", "--quiet", "add", str(module), "mod")
    git(repo, *allow, "submodule", "--quiet", "add", str(module), "empty")
    git(repo, "commit", "-qm", "submodules")
    git(repo, "submodule", "--quiet", "deinit", "-f", "empty")
    put(repo, {"mod/x.o": b"ignored", "mod/new": b"1"})
    make_repo(repo / "nested", {"n.py": b"n\n"})
    before = fingerprint(repo)
    checkout = create_checkout(repo, session)
    found = files_of(checkout)
    assert {p for p in found if p.startswith(("mod/", "nested/", "empty"))} == {
        "mod/m.py",
        "mod/.gitignore",
        "mod/new",
        "nested/n.py",
    }
    assert any(line.startswith("empty:") for line in checkout.notices)
    assert fingerprint(repo) == before


def test_secrets_sockets_and_litter_are_not_copied(tmp_path: Path, session: Path) -> None:
    repo = make_repo(tmp_path / "repo", {**FILES, "tracked.pem": b"a public fixture"})
    put(
        repo,
        {
            ".env": b"KEY=1",
            ".env.example": b"KEY=",
            "deploy/id_rsa": b"private",
            "deploy/server.PEM": b"private",
            ".netrc": b"private",
            "node_modules/x/index.js": b"1",
            "__pycache__/a.pyc": b"1",
        },
    )
    os.mkfifo(repo / "pipe")
    checkout = create_checkout(repo, session)
    found = files_of(checkout)
    assert set(found) == {*FILES, "tracked.pem", ".env.example"}
    assert sorted(line.split(":")[0] for line in checkout.notices) == [
        ".env",
        ".netrc",
        "deploy/id_rsa",
        "deploy/server.PEM",
    ]


@pytest.mark.parametrize("name", [".env.local", "prod.env", "id_ed25519", "x.p12", ".npmrc"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["env.py", "environment.yml", "key.py", ".env.sample", "a.pub"])
def test_names_that_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


def test_a_plain_folder_is_copied(tmp_path: Path, session: Path) -> None:
    folder = tmp_path / "folder"
    put(folder, {**FILES, "node_modules/x": b"1", "inner/.git/config": b"x", ".env": b"K"})
    checkout = create_checkout(folder, session)
    assert files_of(checkout) == FILES
    assert checkout.head is None


def test_home_root_and_absent_folders_are_refused_in_one_line(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for place in (Path("/"), tmp_path / "home", tmp_path / "absent"):
        with pytest.raises(WorkspaceError) as error:
            create_checkout(place, session)
        assert "\n" not in str(error.value)
    assert os.listdir(session) == []


def test_a_folder_that_is_too_large_is_refused(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwright.sandbox.checkout._FOLDER_FILES", 10)
    put(tmp_path / "folder", {f"f{n}": b"" for n in range(11)})
    with pytest.raises(WorkspaceError, match="start in a smaller folder"):
        create_checkout(tmp_path / "folder", session)


def test_too_little_space_is_one_line(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "folder", {})
    (tmp_path / "folder").mkdir(exist_ok=True)
    with (tmp_path / "folder/big").open("wb") as file:
        file.truncate(3_900_000_000)
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=10**9)

    def usage(_: Path) -> object:
        return nearly_full

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(WorkspaceError, match=r"needs 7\.8 GB .* 1\.0 GB are free"):
        create_checkout(tmp_path / "folder", session)


def test_the_checkout_belongs_to_the_container_s_user(tmp_path: Path, session: Path) -> None:
    shift = 4321 if os.getuid() == 0 else 0
    owner = (os.getuid() + shift, os.getgid() + shift)
    repo = make_repo(tmp_path / "repo", FILES)
    (repo / "link").symlink_to("a.py")
    checkout = create_checkout(repo, session, owner)
    root = checkout.store.work_tree
    for path in (root, root / "a.py", root / "sub", root / "sub/b.py", root / "link"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == owner
    assert checkout.store.record("nothing", 1) is None


def test_the_user_s_ignore_files_outside_the_tree_hold(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo(tmp_path / "repo", FILES)
    put(tmp_path / "config", {"git/ignore": b"global-*\n"})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (repo / ".git/info/exclude").write_text("local-*\n")
    put(repo, {"global-1": b"", "local-1": b"", "plain": b""})
    checkout = create_checkout(repo, session)
    assert set(files_of(checkout)) == {*FILES, "plain"}
    put(checkout.store.work_tree, {"global-2": b"", "local-2": b"", "sub/x.log": b""})
    assert checkout.store.record("ignored only", 1) is None
