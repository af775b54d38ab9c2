from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from qwright.sandbox.tree import Tree
from qwright.tools.base import Tool
from qwright.tools.edit import Edit
from qwright.tools.glob import Glob
from qwright.tools.grep_search import GrepSearch
from qwright.tools.list_directory import ListDirectory
from qwright.tools.read_file import ReadFile
from qwright.tools.write_file import WriteFile
from tests.tools.rig import FakeSandbox, FileWorkspace, Rig, ended

TIB = 1 << 40


def every_tool(path: str) -> list[Tool]:
    return [
        ReadFile(path=path),
        Edit(path=path, old_string="root", new_string="pwned"),
        WriteFile(path=path, content="pwned"),
        ListDirectory(path=path),
        Glob(pattern="*", path=path),
        GrepSearch(pattern="root", path=path),
    ]


@pytest.fixture
def outside(rig: Rig) -> Path:
    """A directory beside the workspace that must stay as it is."""
    place = rig.root.parent / "outside"
    place.mkdir()
    (place / "secret").write_text("root\n")
    return place


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "../../etc/passwd",
        "a/../../outside/secret",
        "/etc/passwd",
        "//etc/passwd",
        "/workspace/../etc/passwd",
        "/proc/self/root/etc/passwd",
        "/dev/fd/0",
        "a\0b",
        "link/secret",
        "filelink",
        "a" * 300,
    ],
)
@pytest.mark.parametrize("number", range(6))
def test_a_path_that_cannot_be_used_is_one_clear_line(
    rig: Rig, outside: Path, path: str, number: int
) -> None:
    (rig.root / "link").symlink_to(outside)
    (rig.root / "filelink").symlink_to(outside / "secret")
    result = rig.call(every_tool(path)[number], FakeSandbox(ended("", 1)))
    if path == "filelink" and number == 5:
        return  # the container has its own view of what lies outside
    assert result.is_error
    assert "\n" not in result.text
    assert "root" not in result.text.replace("/proc/self/root", "")
    assert (outside / "secret").read_text() == "root\n"
    assert sorted(os.listdir(outside)) == ["secret"]


@pytest.mark.parametrize("path", ["~/x", "/workspace/a/x", "./a/x"])
def test_writing_stays_inside(rig: Rig, path: str) -> None:
    assert not rig.call(WriteFile(path=path, content="x")).is_error
    assert [file.name for file in rig.root.rglob("x")] == ["x"]


@pytest.mark.parametrize("path", [".git/config", ".GIT/hooks/x", "sub/.git/config"])
def test_git_is_not_written(rig: Rig, path: str) -> None:
    rig.put(".git/config", "[core]\n")
    result = rig.call(WriteFile(path=path, content="x"))
    assert result.is_error
    assert "git" in result.text
    assert rig.bytes(".git/config") == b"[core]\n"


@pytest.mark.parametrize(
    "tool",
    [
        ReadFile(path="odd"),
        Edit(path="odd", old_string="a", new_string="b"),
        WriteFile(path="odd", content="b"),
        ListDirectory(path="odd"),
    ],
    ids=lambda tool: tool.name,
)
def test_a_fifo_is_refused_at_once(rig: Rig, tool: Tool) -> None:
    os.mkfifo(rig.root / "odd")
    result = rig.call(tool)
    assert result.is_error
    assert "\n" not in result.text


@pytest.mark.parametrize(
    "tool",
    [ReadFile(path="big"), Edit(path="big", old_string="a", new_string="b")],
    ids=lambda tool: tool.name,
)
def test_a_sparse_tebibyte_is_refused_with_its_size(rig: Rig, tool: Tool) -> None:
    with (rig.root / "big").open("wb") as file:
        file.truncate(TIB)
    result = rig.call(tool)
    assert result.is_error
    assert f"{TIB:,} bytes" in result.text
    assert "\n" not in result.text


def test_a_huge_file_can_be_replaced(rig: Rig) -> None:
    with (rig.root / "big").open("wb") as file:
        file.truncate(TIB)
    assert not rig.call(WriteFile(path="big", content="small\n")).is_error
    assert rig.bytes("big") == b"small\n"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("utls.py", "src/utils.py"), ("lib/utils.py", "src/utils.py"), ("src/Utils.py", "src/utils")],
)
def test_a_missing_file_brings_the_closest_name(rig: Rig, asked: str, meant: str) -> None:
    rig.put("src/utils.py", "")
    rig.put("src/other.c", "")
    for tool in (ReadFile(path=asked), Edit(path=asked, old_string="a", new_string="b")):
        result = rig.call(tool)
        assert result.is_error
        assert f"{asked}: no such file. Did you mean {meant}" in result.text
        assert "other.c" not in result.text


def test_a_missing_file_like_none_brings_what_there_is(rig: Rig) -> None:
    rig.put("src/b.py", "")
    rig.put("src/sub/a.py", "")
    result = rig.call(ReadFile(path="src/zzzzzzzz"))
    assert result.text == "src/zzzzzzzz: no such file. Present in src: sub/, b.py."
    assert "Present in .: src/." in rig.call(ReadFile(path="gone/zzzzzzzz")).text


def test_a_directory_is_listed_with_directories_first(rig: Rig) -> None:
    for path in ("z.py", ".env", "src/a.py", ".git/config", "odd\nname"):
        rig.put(path, "")
    result = rig.call(ListDirectory())
    assert result.text.split("\n") == ["src/", ".env", "'odd\\nname'", "z.py"]
    assert rig.call(ListDirectory(path="src")).text == "a.py"
    assert rig.call(ListDirectory(path="/workspace/src/")).text == "a.py"


def test_a_long_listing_is_capped_with_a_count(rig: Rig) -> None:
    for number in range(250):
        rig.put(f"f{number:03}", "")
    lines = rig.call(ListDirectory()).text.split("\n")
    assert lines[199:] == ["f199", "[... 50 more of 250]"]


def test_an_empty_directory_and_a_file_are_said(rig: Rig) -> None:
    assert rig.call(ListDirectory()).text == "(empty directory)"
    rig.put("a", "")
    assert rig.call(ListDirectory(path="a")).text == "a: is a file; use read_file."


def test_a_link_inside_the_workspace_is_followed(rig: Rig) -> None:
    rig.put("src/a.py", "x = 1\n")
    (rig.root / "link").symlink_to("src")
    (rig.root / "b.py").symlink_to("src/a.py")
    assert rig.call(ListDirectory(path="link")).text == "a.py"
    assert "x = 1" in rig.call(ReadFile(path="b.py")).text
    assert "x = 1" in rig.call(ReadFile(path="link/a.py")).text


def test_links_in_a_circle_and_to_nothing_are_one_line(rig: Rig) -> None:
    (rig.root / "a").symlink_to("b")
    (rig.root / "b").symlink_to("a")
    (rig.root / "c").symlink_to("nothing")
    for path in ("a", "c"):
        result = rig.call(ReadFile(path=path))
        assert result.is_error
        assert "\n" not in result.text


TREE = ("a.py", "src/b.py", "src/deep/er/c.py", "src/d.ts", "e.tsx", ".hidden/f.py", "src/.g.py")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.py", ["a.py", "src/b.py", "src/deep/er/c.py"]),
        ("*.py", ["a.py", "src/b.py", "src/deep/er/c.py"]),
        ("src/*.py", ["src/b.py"]),
        ("src/**/*.py", ["src/b.py", "src/deep/er/c.py"]),
        ("src/**", ["src/b.py", "src/d.ts", "src/deep/er/c.py"]),
        ("**/er/*", ["src/deep/er/c.py"]),
        ("**/*.{ts,tsx}", ["e.tsx", "src/d.ts"]),
        ("{src,lib}/[ab].*", ["src/b.py"]),
        ("./src/?.py", ["src/b.py"]),
        ("/workspace/src/?.py", ["src/b.py"]),
        (".hidden/*", [".hidden/f.py"]),
        ("src/.g.py", ["src/.g.py"]),
        ("**", ["a.py", "e.tsx", "src/b.py", "src/d.ts", "src/deep/er/c.py"]),
        ("src", []),
        ("*.PY", []),
    ],
)
def test_glob(rig: Rig, pattern: str, found: list[str]) -> None:
    for path in TREE:
        rig.put(path, "")
    result = rig.call(Glob(pattern=pattern))
    assert result.text.split("\n") == (found or [f"No files match {pattern}."])
    assert result.details == {"count": len(found)}


def test_a_glob_knows_where_the_files_lie(rig: Rig) -> None:
    rig.put("src/b.py", "")
    workspace = FileWorkspace(rig.root)
    workspace.tree = Tree(rig.root, mount="/testbed")
    assert asyncio.run(Glob(pattern="/testbed/src/*.py").run(workspace)).text == "src/b.py"
    assert asyncio.run(Glob(pattern="/workspace/src/*.py").run(workspace)).is_error


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "a/../../*"])
def test_a_glob_cannot_leave(rig: Rig, pattern: str) -> None:
    result = rig.call(Glob(pattern=pattern))
    assert result.is_error
    assert "leads outside" in result.text


def test_glob_searches_below_a_path_and_caps_with_a_count(rig: Rig) -> None:
    for number in range(250):
        rig.put(f"many/f{number:03}.py", "")
    rig.put("other.py", "")
    lines = rig.call(Glob(pattern="*.py", path="many")).text.split("\n")
    assert lines[0] == "many/f000.py"
    assert lines[200:] == ["[... 50 more of 250; narrow the pattern]"]


def test_a_hostile_pattern_is_quick(rig: Rig) -> None:
    rig.put("a" * 200, "")
    rig.put("/".join("abcdefghij"), "")
    assert "No files" in rig.call(Glob(pattern="*a" * 60 + "b")).text
    assert "No files" in rig.call(Glob(pattern="**/" * 60 + "x")).text
    assert "No files" in rig.call(Glob(pattern="{a,b}" * 40)).text
