from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.events import VerifyFinished
from qwright.agent.opening import LOOK, still_failing, system_prompt, with_context
from qwright.agent.rewriting import whole_file
from qwright.sandbox.tree import Tree


def verdict(output: str, exit_code: int = 1) -> VerifyFinished:
    return VerifyFinished(command="make test", exit_code=exit_code, output=output, seconds=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("alpha = 1\n")
    (tmp_path / "test_a.py").write_text("import a\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text("beta = 2\n")
    (tmp_path / "data.bin").write_bytes(b"gamma\0")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    return tmp_path


def prompt(root: Path, task: str, failing: VerifyFinished | None = None) -> str:
    return with_context(task, Tree(root), failing).prompt


@pytest.mark.parametrize("task", ["Fix a.py.", "In `a.py`, mend it", "./a.py is wrong", "(a.py)"])
def test_the_files_a_task_names_are_attached(root: Path, task: str) -> None:
    text = prompt(root, task)
    assert text.startswith(task)
    assert "alpha = 1" in text


def test_only_text_files_beneath_the_root_are_attached(root: Path) -> None:
    (root / "link.py").symlink_to("/etc/passwd")
    task = "See data.bin, latin.txt, /etc/passwd, ../x.py, link.py, missing.py, sub, 3.11, e.g. it"
    assert prompt(root, task) == f"{task}\n\n{LOOK}"


def test_who_was_shown_a_file_or_a_failure_is_not_sent_looking(root: Path) -> None:
    assert LOOK not in prompt(root, "Fix a.py")
    assert LOOK not in prompt(root, "Fix it", verdict("1 failed"))
    assert LOOK in prompt(root, "Fix it", verdict("fine", 0))


def test_each_file_once_and_in_the_order_of_the_task(root: Path) -> None:
    text = prompt(root, "sub/b.py and a.py, then sub/b.py again")
    assert text.count("beta = 2") == 1
    assert text.index("beta") < text.index("alpha")


def test_large_files_are_left_to_be_read(root: Path) -> None:
    (root / "large.py").write_text("x\n" * 10_000)
    text = prompt(root, "large.py and a.py")
    assert "alpha = 1" in text
    assert len(text) < 1_000


def test_the_failure_is_told(root: Path) -> None:
    text = prompt(root, "Fix a.py", verdict("1 failed"))
    assert "make test" in text
    assert "1 failed" in text
    assert "timed out" in prompt(root, "Fix a.py", verdict("...", 124))


def test_a_long_failure_is_cut(root: Path) -> None:
    text = prompt(root, "Fix it", verdict("first\n" + "noise\n" * 10_000 + "last"))
    assert "first" in text
    assert "last" in text
    assert len(text) < 3_000


def test_what_passes_already_is_no_failure(root: Path) -> None:
    assert "make test" not in prompt(root, "Fix a.py", verdict("fine", 0))
    assert not with_context("Fix a.py", Tree(root), verdict("fine", 0)).files
    assert with_context("Fix a.py", Tree(root), verdict("1 failed", 1)).files


def test_a_test_is_never_what_is_to_be_rewritten(root: Path) -> None:
    opening = with_context("test_a.py fails, fix a.py", Tree(root), verdict("1 failed"))
    assert list(opening.files) == ["a.py"]
    [tool] = whole_file(opening.files)
    assert tool.parameters["properties"]["path"]["enum"] == ["a.py"]


def test_a_long_test_keeps_no_short_file_from_being_rewritten(root: Path) -> None:
    (root / "test_a.py").write_text("import a\n" * 200)
    opening = with_context("test_a.py fails, fix a.py", Tree(root), verdict("1 failed"))
    assert list(opening.files) == ["a.py"]


def test_what_follows_a_failure_says_whether_anything_changed() -> None:
    assert still_failing(verdict("1 failed"), True) != still_failing(verdict("1 failed"), False)
    assert "1 failed" in still_failing(verdict("1 failed"), True)


@pytest.mark.parametrize("kind", ["small", "full"])
def test_the_system_prompt_is_stable_and_short(kind: str) -> None:
    text = system_prompt("small" if kind == "small" else "full")
    assert text == text.strip()
    assert text == system_prompt("small" if kind == "small" else "full")
    # A token is at least a character; four to one is usual.
    assert len(text) < {"small": 800, "full": 3_000}[kind]


def test_the_system_prompt_says_where_the_files_lie() -> None:
    assert "/testbed" in system_prompt("full", "/testbed")
    assert "/workspace" not in system_prompt("full", "/testbed")
