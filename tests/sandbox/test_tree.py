from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.tree import Entry, Tree, is_git_name

SECRET = b"the user's secret"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_bytes(SECRET)
    return directory


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    directory = tmp_path / "ws"
    (directory / "src").mkdir(parents=True)
    (directory / "src/a.py").write_bytes(b"a = 1\n")
    return directory


@pytest.fixture
def tree(root: Path) -> Tree:
    return Tree(root)


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "src/../../outside/secret",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/root/etc/passwd",
        "/workspace/../etc/passwd",
        "/workspacex/a",
        "..",
        "src/a.py\0.txt",
        "\ud800",
        "a" * 300,
        "",
        "~/.ssh/id_rsa",
    ],
)
def test_a_path_that_names_nothing_inside_is_refused_in_one_line(tree: Tree, path: str) -> None:
    with pytest.raises(PathError) as read:
        tree.read(path)
    assert "\n" not in str(read.value)
    if path.startswith("~") or path == "":
        return
    with pytest.raises(PathError):
        tree.write(path, b"x")
    with pytest.raises(PathError):
        tree.remove(path)


@pytest.mark.parametrize("target", ["../outside/secret", "/etc/passwd", "/proc/self/environ"])
def test_a_link_that_leads_outside_is_neither_read_nor_written(
    tree: Tree, root: Path, outside: Path, target: str
) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(PathError, match="outside the workspace"):
        tree.read("link")
    with pytest.raises(PathError, match="symbolic link"):
        tree.write("link", b"x")
    assert (outside / "secret").read_bytes() == SECRET


def test_a_directory_link_in_mid_path_does_not_lead_outside(
    tree: Tree, root: Path, outside: Path
) -> None:
    (root / "d").symlink_to(outside)
    (root / "up").symlink_to("../outside")
    for path in ("d/secret", "up/secret"):
        with pytest.raises(PathError, match="outside the workspace"):
            tree.read(path)
        with pytest.raises(PathError, match="outside the workspace"):
            tree.write(path, b"x")
        with pytest.raises(PathError, match="outside the workspace"):
            tree.remove(path)
    with pytest.raises(PathError):
        tree.write("d/new/file", b"x")
    with pytest.raises(PathError):
        tree.list("d")
    assert sorted(os.listdir(outside)) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET


def test_links_inside_are_followed_for_reading_but_never_replaced(tree: Tree, root: Path) -> None:
    (root / "alias").symlink_to("src/a.py")
    (root / "lib").symlink_to("src")
    assert tree.read("alias") == b"a = 1\n"
    assert tree.read("lib/a.py") == b"a = 1\n"
    with pytest.raises(PathError, match="symbolic link"):
        tree.write("alias", b"x")
    tree.write("lib/b.py", b"b")
    assert (root / "src/b.py").read_bytes() == b"b"
    assert (root / "lib").is_symlink()


def test_without_links_no_link_on_the_way_is_followed(root: Path) -> None:
    (root / "lib").symlink_to("src")
    strict = Tree(root, follow_links=False)
    with pytest.raises(PathError, match="symbolic link"):
        strict.read("lib/a.py")
    with pytest.raises(PathError, match="symbolic link"):
        strict.write("lib/b.py", b"b")
    assert os.listdir(root / "src") == ["a.py"]


def test_link_loops_and_dangling_links_are_one_line(tree: Tree, root: Path) -> None:
    (root / "loop").symlink_to("loop")
    (root / "gone").symlink_to("nowhere")
    with pytest.raises(PathError, match="symbolic link"):
        tree.read("loop")
    with pytest.raises(PathError, match="no such file"):
        tree.read("gone")
    assert tree.kind("gone") == "link"
    assert tree.exists("gone")
    assert tree.read_link("gone") == "nowhere"


def test_a_fifo_does_not_hang(tree: Tree, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(PathError, match="not a regular file"):
        tree.read("pipe")
    with pytest.raises(PathError, match="not a regular file"):
        tree.write("pipe", b"x")
    assert tree.kind("pipe") == "other"


def test_a_sparse_file_of_a_tebibyte_is_refused_at_once(tree: Tree, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PathError, match="1,099,511,627,776 bytes"):
        tree.read("huge")


def test_the_limit_counts_bytes_and_is_exact(tree: Tree, root: Path) -> None:
    (root / "ten").write_bytes(b"0123456789")
    assert tree.read("ten", limit=10) == b"0123456789"
    with pytest.raises(PathError, match="10 bytes, more than 9"):
        tree.read("ten", limit=9)


def test_writing_a_hard_link_leaves_the_other_name_alone(
    tree: Tree, root: Path, outside: Path
) -> None:
    os.link(outside / "secret", root / "hard")
    tree.write("hard", b"changed")
    assert (root / "hard").read_bytes() == b"changed"
    assert (outside / "secret").read_bytes() == SECRET


@pytest.mark.parametrize(
    "name", [".git", ".GIT", ".Git", "git~1", "GIT~1", ".git.", ".git ", ".g\u200cit", ".git:x"]
)
def test_git_is_not_written_in_any_spelling(tree: Tree, root: Path, name: str) -> None:
    assert is_git_name(name)
    for path in (f"{name}/config", f"src/{name}/hooks/pre-commit", name):
        with pytest.raises(PathError, match="git's own files"):
            tree.write(path, b"x")
    assert sorted(os.listdir(root)) == ["src"]
    assert os.listdir(root / "src") == ["a.py"]


def test_git_is_not_reached_through_a_link(tree: Tree, root: Path) -> None:
    (root / ".git").mkdir()
    (root / "innocent").symlink_to(".git")
    with pytest.raises(PathError, match="git's own files"):
        tree.write("innocent/config", b"x")
    assert os.listdir(root / ".git") == []


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".github/x", "git", "agit"])
def test_names_that_only_look_like_git_are_written(tree: Tree, name: str) -> None:
    tree.write(name, b"x")
    assert tree.read(name) == b"x"


def test_writing_makes_parents_keeps_the_mode_and_leaves_nothing_behind(
    tree: Tree, root: Path
) -> None:
    (root / "src/a.py").chmod(0o755)
    tree.write("src/a.py", b"new\n")
    tree.write("deep/er/file", b"\xff\0")
    assert stat.S_IMODE((root / "src/a.py").stat().st_mode) == 0o755
    assert (root / "deep/er/file").read_bytes() == b"\xff\0"
    assert stat.S_IMODE((root / "deep/er/file").stat().st_mode) & 0o111 == 0
    assert os.listdir(root / "deep/er") == ["file"]
    tree.write("src/a.py", b"x", executable=False)
    assert not os.access(root / "src/a.py", os.X_OK)
    assert stat.S_IMODE((root / "src/a.py").stat().st_mode) & 0o111 == 0


def test_a_directory_is_not_replaced_and_a_file_is_no_directory(tree: Tree) -> None:
    with pytest.raises(PathError, match="is a directory"):
        tree.write("src", b"x")
    with pytest.raises(PathError, match="is a directory"):
        tree.read("src")
    with pytest.raises(PathError, match="not a directory"):
        tree.write("src/a.py/b", b"x")
    with pytest.raises(PathError, match="not a directory"):
        tree.list("src/a.py")
    with pytest.raises(PathError, match="no such file"):
        tree.list("absent")


def test_what_is_written_belongs_to_the_owner(root: Path) -> None:
    owner = (
        (os.getuid() + 4321, os.getgid() + 4321) if os.getuid() == 0 else (os.getuid(), os.getgid())
    )
    Tree(root, owner).write("new/file", b"x")
    for path in ("new", "new/file"):
        state = os.stat(root / path)
        assert (state.st_uid, state.st_gid) == owner


def test_paths_are_normalised_from_the_container_s_point_of_view(tree: Tree) -> None:
    assert tree.normalise("/workspace/src/a.py") == "src/a.py"
    assert tree.normalise("./src//a.py") == "src/a.py"
    assert tree.normalise("/workspace") == "."
    assert tree.normalise("/workspace/") == "."
    assert tree.normalise("src/../src/a.py") == "src/a.py"
    assert tree.read("/workspace/src/a.py") == b"a = 1\n"
    elsewhere = Tree(tree.root, mount="/testbed")
    assert elsewhere.normalise("/testbed/src/a.py") == "src/a.py"
    assert elsewhere.normalise("/testbed") == "."
    with pytest.raises(PathError, match="leads outside"):
        elsewhere.normalise("/workspace/src/a.py")


def test_listing_is_sorted_with_directories_first(tree: Tree, root: Path) -> None:
    (root / "b").write_bytes(b"12")
    (root / "a").symlink_to("b")
    (root / "z").mkdir()
    assert [(e.path, e.kind) for e in tree.list()] == [
        ("src", "directory"),
        ("z", "directory"),
        ("a", "link"),
        ("b", "file"),
    ]
    assert tree.list("src") == [Entry("src/a.py", "file", 6)]


def test_walking_skips_git_does_not_follow_links_and_stops_at_its_limit(
    tree: Tree, root: Path
) -> None:
    (root / ".git").mkdir()
    (root / ".git/config").write_bytes(b"")
    (root / "src/loop").symlink_to("..")
    (root / "z").write_bytes(b"")
    assert [e.path for e in tree.walk()] == ["src", "src/a.py", "src/loop", "z"]
    assert [e.path for e in tree.walk(limit=2)] == ["src", "src/a.py"]


def test_a_very_deep_directory_ends_the_walk_quietly(tree: Tree, root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        found = list(tree.walk())
    finally:  # shutil.rmtree, with which pytest tidies up, cannot go that deep
        subprocess.run(["rm", "-rf", str(root / "d")], check=True)
    assert len(found) > 1000
    assert max(len(entry.path) for entry in found) < 4200


def test_undecodable_names_survive_the_round_trip(tree: Tree, root: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n\"'.txt")
    tree.write(name, b"x")
    assert os.listdir(os.fsencode(root / ".")).count(b"caf\xe9\n\"'.txt") == 1
    assert tree.read(name) == b"x"
    with pytest.raises(PathError) as error:
        tree.read(name + "2")
    assert "\n" not in str(error.value)


def test_a_root_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot open"):
        Tree(tmp_path / "absent")
