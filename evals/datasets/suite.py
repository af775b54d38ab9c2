"""Tasks of the starter suite: a folder with task.toml, prompt.md, repo/, hidden/ and gold.patch."""

from __future__ import annotations

from pathlib import Path

from qwright.evals.datasets.eval_script import STEADY, eval_script
from qwright.evals.datasets.patch_text import file_patch, touched
from qwright.evals.datasets.rows import Row
from qwright.evals.datasets.task_toml import read_task, read_text
from qwright.evals.instance import DirectorySource, Instance, TestGrading

MOUNT = "/testbed"
TIMEOUT = 120.0
"""Seconds; a test command of the suite takes less than three."""
_KEPT = ("title", "language", "kind", "difficulty")


def is_suite_task(folder: Path) -> bool:
    return (folder / "task.toml").is_file() and (folder / "prompt.md").is_file()


def suite_instance(folder: Path) -> Instance:
    """One task; the format is in evals/tasks/README.md. Raises ConfigError."""
    row = read_task(folder)
    if row.id("id") != folder.name:
        raise row.error(f"id is {row.id('id')}, the folder's name is {folder.name}")
    if not (folder / "repo").is_dir():
        raise row.error("there is no folder repo/ beside it")
    gold = folder / "gold.patch"
    test_patch = _hidden_patch(folder)
    return Instance(
        id=folder.name,
        prompt=read_text(folder / "prompt.md"),
        source=DirectorySource(path=folder / "repo"),
        grading=_grading(row, test_patch),
        gold=read_text(gold) if gold.is_file() else None,
        env=STEADY,
        timeout=row.number("timeout", TIMEOUT),
        needs=row.names("needs") if "needs" in row.data else (),
        metadata={
            **{name: row.data[name] for name in _KEPT if name in row.data},
            "repo": f"starter/{folder.name}",
            "version": "1",
            "test_patch": test_patch,
        },
    )


def _grading(row: Row, test_patch: str) -> TestGrading:
    stated = row.names("test_paths") if "test_paths" in row.data else ()
    return TestGrading(
        eval_script=eval_script(row.text("test"), test_patch, mount=MOUNT),
        fail_to_pass=row.names("fail_to_pass"),
        pass_to_pass=row.names("pass_to_pass"),
        log_parser=row.text("log_parser"),
        test_paths=tuple(dict.fromkeys((*stated, *touched(test_patch).paths))),
        complete=True,
    )


def _hidden_patch(folder: Path) -> str:
    """What puts the files of hidden/ over those of repo/."""
    hidden, repo = folder / "hidden", folder / "repo"
    parts: list[str] = []
    for file in sorted(path for path in hidden.rglob("*") if path.is_file()):
        if "__pycache__" in file.parts:
            continue
        name = file.relative_to(hidden).as_posix()
        old = read_text(repo / name) if (repo / name).is_file() else None
        parts.append(file_patch(name, old, read_text(file)))
    return "".join(parts)
