"""From what a user names as a data set to its instances."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.evals.datasets.harbor import harbor_instance, is_harbor_task
from qwright.evals.datasets.rows import Row, read_file, read_hub, read_saved
from qwright.evals.datasets.simple_rows import is_simple, simple_instance
from qwright.evals.datasets.suite import is_suite_task, suite_instance
from qwright.evals.datasets.swebench_rows import is_swebench, swebench_instance
from qwright.evals.instance import Instance, TestGrading

STARTER = "starter"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_FILES = ("{}.parquet", "{}.jsonl", "{}.json", "{}-*.parquet", "*/{}-*.parquet")
"""What holds the rows of a split in a folder, as people and the hub lay it out."""
_SAVED = ("dataset_dict.json", "dataset_info.json", "state.json")


def load(reference: str, *, split: str = "test") -> list[Instance]:
    """The instances of a data set, in its order.

    `reference`: "starter", a .json, .jsonl or .parquet file, a folder with <split>.parquet or
    <split>.jsonl, a data set saved by the datasets library, a task folder (Harbor's or the starter
    suite's) or a folder of them, or the name of a data set on the Hugging Face hub. Raises
    ConfigError, with file and line of a bad row, also when two instances have the same id.
    """
    found = _load(reference, split)
    if not found:
        raise ConfigError(f"{reference}: no instances in it")
    _require_unique(reference, found)
    return found


def require_gradable(instances: Iterable[Instance]) -> None:
    """Raise ConfigError when there are instances whose rows do not say how to grade them."""
    all_of_them = list(instances)
    without = [one.id for one in all_of_them if not is_gradable(one)]
    if without:
        raise ConfigError(
            f"{len(without)} of {len(all_of_them)} instances cannot be graded, such as "
            f"{without[0]}: grading needs SWE-bench's columns image, eval_script, log_parser, "
            "eval_type (or test_cmd, log_parser); --no-grade runs without"
        )


def is_gradable(instance: Instance) -> bool:
    return not isinstance(instance.grading, TestGrading) or bool(instance.grading.eval_script)


def _load(reference: str, split: str) -> list[Instance]:
    if reference == STARTER:
        with as_file(files("qwright.evals").joinpath("tasks")) as folder:
            return _tasks(folder)
    path = Path(reference).expanduser()
    if path.is_file():
        return [_instance(row) for row in read_file(path.resolve())]
    if path.is_dir():
        return _folder(path.resolve(), split)
    if _HUB_NAME.fullmatch(reference):
        return [_instance(row) for row in read_hub(reference, split)]
    raise ConfigError(
        f"{reference}: no such file, folder or data set; `{STARTER}` is the one that comes with "
        "qwright"
    )


def _folder(folder: Path, split: str) -> list[Instance]:
    if (folder / "task.toml").is_file():
        return [_task(folder)]
    for pattern in _FILES:
        found = sorted(folder.glob(pattern.format(split)))
        if found:
            return [_instance(row) for file in found for row in read_file(file)]
    if any((folder / name).is_file() for name in _SAVED):
        return [_instance(row) for row in read_saved(folder, split)]
    tasks = _tasks(folder)
    if not tasks:
        raise ConfigError(
            f"{folder} holds no data set: no {split}.parquet, no {split}.jsonl, no folders with "
            "task.toml; --split names another split"
        )
    return tasks


def _tasks(folder: Path) -> list[Instance]:
    return [_task(file.parent) for file in sorted(folder.glob("*/task.toml"))]


_TASKS: Sequence[tuple[Callable[[Path], bool], Callable[[Path], Instance]]] = (
    (is_suite_task, suite_instance),
    (is_harbor_task, harbor_instance),
)
_ROWS: Sequence[tuple[Callable[[Row], bool], Callable[[Row], Instance]]] = (
    (is_swebench, swebench_instance),
    (is_simple, simple_instance),
)


def _task(folder: Path) -> Instance:
    for fits, make in _TASKS:
        if fits(folder):
            return make(folder)
    raise ConfigError(f"{folder}: a task has instruction.md (Harbor's) or prompt.md (qwright's)")


def _instance(row: Row) -> Instance:
    for fits, make in _ROWS:
        if fits(row):
            return make(row)
    raise row.error(
        "no kind of row that is known: it has neither instance_id and problem_statement "
        "(SWE-bench) nor id, files and prompt"
    )


def _require_unique(reference: str, instances: Iterable[Instance]) -> None:
    # Ids become folders, and not every file system tells upper from lower case.
    counts = Counter(one.id.casefold() for one in instances)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ConfigError(f"{reference}: {len(twice)} ids come twice, such as {twice[0]}")
