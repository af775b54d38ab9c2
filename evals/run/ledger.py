"""The folder of a run: which samples are done, and how one more is kept whatever happens."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from qwright.agent.errors import ConfigError
from qwright.evals.instance import Instance
from qwright.evals.result import Result
from qwright.evals.run.hooks import WorkPlace
from qwright.evals.run.settings import Job
from qwright.sandbox.durable import read_json, sync_directory
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.failpoint import failpoint
from qwright.sandbox.locks import FileLock

_LONGEST_NAME = 200
_PART_OF_TIME = 0.01
"""How much of it the predictions may take to be written again and again."""


def sample_folder(out: Path, instance: str, sample: int) -> Path:
    """Where a sample of a run lies, whatever characters its instance's id has."""
    return out / "results" / folder_name(instance) / str(sample)


def folder_name(instance: str) -> str:
    """An id as the name of a folder: readable, never hidden, never outside."""
    name = quote(instance, safe="@+=,[]() ")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        import hashlib

        name = name[:_LONGEST_NAME] + "-" + hashlib.sha256(instance.encode()).hexdigest()[:12]
    return name


class Ledger:
    """Owns a run's folder. `done` and `add` are all that an engine needs; `close` lets it go."""

    def __init__(self, out: Path, *, cache: Path, model: str) -> None:
        """Raises ConfigError where another run works in `out`, WorkspaceError where nothing can."""
        self.out = out.absolute()
        self._cache = cache
        self._model = model
        self._done: dict[tuple[str, int], Result] = {}
        self._solved: dict[str, tuple[Path, Result]] = {}
        """By key: answers that only lack their grade, and where their files are."""
        self._written = 0.0
        try:
            (out / "results").mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(out / ".lock")
            free = self._lock.try_acquire()
        except OSError as error:
            raise WorkspaceError(f"cannot write to {out}: {error.strerror}") from error
        if not free:
            raise ConfigError(f"another run works in {out}: wait for it, or give another --out")

    def done(self, jobs: Sequence[Job], *, redo: bool = False) -> dict[str, Result]:
        """The results of these jobs that count, by key; all others are put away.

        What a killed process had finished and not yet moved is found too.
        """
        self._finish_moves({job.key for job in jobs})
        shutil.rmtree(self.out / ".work", ignore_errors=True)
        found: dict[str, Result] = {}
        for job in jobs:
            folder = sample_folder(self.out, job.instance.id, job.sample)
            result = read_result(folder)
            if not result or redo or result.key != job.key:
                self._put_away(folder)
            elif result.state == "done" and (result.verdict or not job.grade):
                found[job.key] = result
                self._done[job.instance.id, job.sample] = result
            elif result.solution and result.solution.reason != "interrupted":
                # It stays where it is until `add` replaces it: this process may be killed too.
                self._solved[job.key] = (folder, result)
            else:
                self._put_away(folder)
        self._write_predictions(always=True)
        return found

    def with_answers(self, jobs: Sequence[Job]) -> list[Job]:
        """These jobs; where `done` found an answer that only lacks its grade, with that."""
        answers = {key: result.solution for key, (_, result) in self._solved.items()}
        return [job.model_copy(update={"solved": answers.get(job.key)}) for job in jobs]

    def place(self, job: Job) -> WorkPlace:
        """A new empty folder to make a sample in."""
        name = f"{folder_name(job.instance.id)}.{job.sample}.{secrets.token_hex(4)}"
        folder = self.out / ".work" / name
        folder.mkdir(parents=True)
        return WorkPlace(folder, self._cache)

    def add(self, job: Job, result: Result, folder: Path) -> None:
        """Keep a sample; its files are whole in `folder`, which is moved. Raises WorkspaceError."""
        target = sample_folder(self.out, job.instance.id, job.sample)
        try:
            self._take_along(job, folder)
            self._move(folder, target)
        except OSError as error:
            raise WorkspaceError(f"cannot write {target}: {error.strerror}") from error
        if result.state == "done":
            self._done[job.instance.id, job.sample] = result
            self._write_predictions()

    def close(self) -> None:
        """Write the predictions, whatever they cost, and let other processes in."""
        try:
            self._write_predictions(always=True)
            shutil.rmtree(self.out / ".work", ignore_errors=True)
        finally:
            self._lock.release()

    def _finish_moves(self, keys: set[str]) -> None:
        for folder in sorted((self.out / ".work").glob("*")):
            result = read_result(folder)
            if result and result.state == "done" and result.key in keys:
                self._move(folder, sample_folder(self.out, result.instance, result.sample))

    def _move(self, folder: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self._put_away(target)
        failpoint("ledger-moving")
        folder.rename(target)
        sync_directory(target.parent)
        failpoint("ledger-moved")

    def _take_along(self, job: Job, folder: Path) -> None:
        """What led to an answer that only had to be graded."""
        before, _ = self._solved.get(job.key, (folder, None))
        for file in before.glob("*") if before != folder else ():
            if file.is_file() and file.name != "bug.txt" and not (folder / file.name).exists():
                shutil.copyfile(file, folder / file.name)

    def _put_away(self, folder: Path) -> None:
        if not folder.exists():
            return
        old = self.out / "results" / ".old" / f"{time.time_ns():x}-{secrets.token_hex(2)}"
        target = old / folder.parent.name / folder.name
        target.parent.mkdir(parents=True)
        folder.rename(target)

    def _write_predictions(self, *, always: bool = False) -> None:
        began = time.monotonic()
        if not always and began < self._written:
            return
        by_sample: dict[int, list[Result]] = {0: []}
        for (_, sample), result in self._done.items():
            by_sample.setdefault(sample, []).append(result)
        for sample, results in by_sample.items():
            write_predictions(self.out, sample, results, self._model)
        if always:
            self._drop_predictions(set(by_sample))
        now = time.monotonic()
        self._written = now + (now - began) / _PART_OF_TIME

    def _drop_predictions(self, samples: set[int]) -> None:
        """Those of samples that this run does not have any more."""
        for file in self.out.glob("preds.*.json*"):
            number = file.name.split(".")[1]
            if number.isdigit() and int(number) not in samples:
                file.unlink()


def read_result(folder: Path) -> Result | None:
    """The result of a sample's folder; None where there is no whole one."""
    try:
        return Result.model_validate(read_json(folder / "result.json"))
    except (WorkspaceError, ValidationError):
        return None


def write_predictions(out: Path, sample: int, results: Iterable[Result], model: str) -> None:
    """preds.jsonl and preds.json as SWE-bench and mini-swe-agent read them."""
    rows = [
        {
            "instance_id": result.instance,
            "model_name_or_path": model,
            "model_patch": result.solution.patch if result.solution else "",
        }
        for result in sorted(results, key=lambda one: one.instance)
    ]
    name = "preds" if sample == 0 else f"preds.{sample}"
    _replace(out / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    _replace(out / f"{name}.json", json.dumps({row["instance_id"]: row for row in rows}, indent=1))


def write_instances(out: Path, instances: Sequence[Instance]) -> None:
    """instances.jsonl, so that whatever reads the folder needs no data set."""
    _replace(out / "instances.jsonl", "".join(one.model_dump_json() + "\n" for one in instances))


def _replace(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        failpoint("ledger-predictions")
        os.replace(temporary, file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise WorkspaceError(f"cannot write {file}: {error.strerror}") from error
