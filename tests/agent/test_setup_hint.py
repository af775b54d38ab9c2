from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.setup_hint import setup_hint
from qwright.sandbox.tree import Tree

MISSING = "E   ModuleNotFoundError: No module named 'toolz'"


def hint(root: Path, *outputs: str, **files: str) -> str | None:
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_txt", ".txt").replace("_toml", ".toml")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return setup_hint(outputs, Tree(root))


@pytest.mark.parametrize(
    "output",
    [
        MISSING,
        "ModuleNotFoundError: No module named 'toolz.curried'",
        "ImportError: No module named toolz",
        "/usr/bin/python: No module named toolz",
    ],
)
def test_it_names_module_and_command(tmp_path: Path, output: str) -> None:
    line = hint(tmp_path, "ok", output, "later", requirements_txt="toolz\n")
    assert line is not None
    assert line.startswith("toolz")
    assert line.endswith("try --setup 'pip install -r requirements.txt'")


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("pyproject_toml", "pip install -e ."),
        ("requirements__dev_txt", "pip install -r requirements/dev.txt"),
        ("Pipfile", "pip install pipenv && pipenv install --system --dev"),
    ],
)
def test_the_command_is_the_project_s_own(tmp_path: Path, file: str, command: str) -> None:
    line = hint(tmp_path, MISSING, **{file: ""})
    assert line is not None
    assert command in line


def test_without_a_dependency_file_there_is_no_advice(tmp_path: Path) -> None:
    assert hint(tmp_path, MISSING) is None


def test_without_a_missing_module_there_is_no_advice(tmp_path: Path) -> None:
    assert hint(tmp_path, "AssertionError", requirements_txt="toolz\n") is None


@pytest.mark.parametrize("own", ["toolz.py", "toolz/__init__.py", "src/toolz/__init__.py"])
def test_installing_does_not_bring_the_project_s_own_module(tmp_path: Path, own: str) -> None:
    (tmp_path / own).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / own).touch()
    assert hint(tmp_path, MISSING, requirements_txt="x\n") is None


def test_only_the_newest_failure_counts(tmp_path: Path) -> None:
    line = hint(tmp_path, MISSING.replace("toolz", "old"), MISSING, requirements_txt="toolz\n")
    assert line is not None
    assert "old" not in line
