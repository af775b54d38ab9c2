"""The starter suite: well-formed, fair, and right about which patch solves what."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import qwright.evals
from qwright.evals.datasets.load import load
from qwright.evals.grade.validate import validate
from qwright.evals.instance import TestGrading

TASKS = Path(qwright.evals.__file__).parent / "tasks"
FOLDERS = sorted(file.parent for file in TASKS.glob("*/task.toml"))
KEYS = {
    *("id", "title", "language", "kind", "difficulty", "test", "log_parser"),
    *("test_paths", "needs", "fail_to_pass", "pass_to_pass"),
}
LANGUAGES = {"python": 6, "c": 3, "shell": 2, "javascript": 2, "go": 1, "rust": 1}
"""How many tasks of each there are at least."""
TOOLS: dict[str, list[str]] = {"javascript": ["node"], "go": ["go"], "rust": ["cargo"]}


def each_task() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])


def settings(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))


def names(folder: Path) -> set[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    kept = [file for file in files if "__pycache__" not in file.parts]
    return {file.relative_to(folder).as_posix() for file in kept}


def is_test(path: str, task: dict[str, Any]) -> bool:
    return any(
        path.startswith(test) if test.endswith("/") else path == test for test in task["test_paths"]
    )


def test_there_are_tasks_of_every_language_and_difficulty() -> None:
    tasks = [settings(folder) for folder in FOLDERS]
    for language, least in LANGUAGES.items():
        assert sum(task["language"] == language for task in tasks) >= least, language
    assert {task["difficulty"] for task in tasks} == {"easy", "medium", "hard"}


@each_task()
def test_a_task_says_all_that_is_needed(folder: Path) -> None:
    task = settings(folder)
    assert set(task) == KEYS
    assert task["id"] == folder.name
    assert re.fullmatch(r"[a-z][a-z0-9-]*", folder.name)
    assert task["needs"] == TOOLS.get(task["language"], [])
    expected = task["fail_to_pass"] + task["pass_to_pass"]
    assert task["fail_to_pass"]
    assert len(set(expected)) == len(expected)
    # Such names would be cut by one parser or another.
    assert not any(" - " in name or name != name.strip() for name in expected)


@each_task()
def test_its_repository_is_small_and_plain(folder: Path) -> None:
    files = names(folder / "repo")
    assert "README.md" in files
    assert 3 <= len(files - {".gitignore"}) <= 12
    for name in files:
        file = folder / "repo" / name
        assert "\r" not in file.read_text(encoding="utf-8"), name
        assert not file.stat().st_mode & 0o111, name


@each_task()
def test_hidden_files_are_tests_and_the_prompt_names_none(folder: Path) -> None:
    task = settings(folder)
    hidden, visible = names(folder / "hidden"), names(folder / "repo")
    assert hidden
    assert all(is_test(name, task) for name in hidden)
    assert any(is_test(name, task) for name in visible)
    prompt = (folder / "prompt.md").read_text(encoding="utf-8")
    assert not re.search(r"hidden|grad(er|ing)|test_\w+", prompt)
    for name in hidden - visible:
        assert Path(name).name not in prompt
    for name in task["fail_to_pass"]:
        words = name.removeprefix("- ").rsplit("::", 1)[-1]
        assert len(re.split(r"[ _]", words)) < 4 or words not in prompt


@each_task()
def test_gold_applies_and_leaves_the_tests_alone(folder: Path, tmp_path: Path) -> None:
    task = settings(folder)
    patch = (folder / "gold.patch").read_text(encoding="utf-8")
    changed = re.findall(r"^diff --git a/(.+) b/\1$", patch, re.MULTILINE)
    assert changed
    assert not any(is_test(name, task) for name in changed)
    for name in names(folder / "repo"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((folder / "repo" / name).read_bytes())
    apply = ["git", "apply", "--whitespace=error-all", str(folder / "gold.patch")]
    applied = subprocess.run(apply, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, applied.stderr


def test_load_knows_every_task() -> None:
    instances = load("starter")
    assert [instance.id for instance in instances] == [folder.name for folder in FOLDERS]
    for instance in instances:
        assert isinstance(instance.grading, TestGrading)
        assert instance.verify is None
        assert "hidden" not in instance.prompt


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_no_patch_solves_nothing_and_gold_solves_all(tmp_path: Path) -> None:
    """Of the tasks that qwright's own image can run."""
    instances = [instance for instance in load("starter") if not instance.needs]
    words: list[str] = []

    async def work() -> bool:
        found = await validate(
            instances,
            times=1,
            workers=2,
            cache=tmp_path / "testbeds",
            out=tmp_path / "out",
            report=lambda check: words.append(check.words),
        )
        return found.ok

    assert asyncio.run(work()), "\n".join(sorted(words))
    assert len(words) == len(instances)
