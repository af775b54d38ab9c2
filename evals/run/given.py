"""Answers that were given elsewhere, graded like any agent's: SWE-bench's predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, TypeAdapter, ValidationError

from qwright.agent.errors import ConfigError
from qwright.evals.result import Solution
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.settings import Job, Settings

if TYPE_CHECKING:
    from qwright.evals.testbed.prepare import Testbed


class _Prediction(BaseModel):
    instance_id: str
    model_name_or_path: str = ""
    model_patch: str | None = None


_MANY: TypeAdapter[dict[str, _Prediction] | list[_Prediction]] = TypeAdapter(
    dict[str, _Prediction] | list[_Prediction]
)


def given(
    file: Path, known: Sequence[str], *, image: str | None = None
) -> tuple[Settings, set[str]]:
    """The settings of a run that grades the predictions in `file`, and the ids it answers.

    What has no prediction counts as an empty patch, as SWE-bench has it.

    Raises ConfigError when it cannot be read, or answers what is not `known`.
    """
    answers = _read(file)
    if strange := sorted({one.instance_id for one in answers} - set(known)):
        raise ConfigError(f"{file}: no instance of the data set is called {strange[0]}")
    models = {one.model_name_or_path for one in answers} - {""}
    settings = Settings(
        model=" + ".join(sorted(models)) or None,
        agent="predictions",
        image=image,
        answers=file.resolve(),
        answers_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    return settings, {one.instance_id for one in answers}


class GivenAnswers:
    """Hands out the patch that a file of predictions has for the instance."""

    def __init__(self, settings: Settings) -> None:
        assert settings.answers is not None
        self._file = settings.answers

    async def solve(self, testbed: Testbed, job: Job, out: Path, hooks: Hooks) -> Solution:
        """See `Solver.solve`. Raises ConfigError when the file has changed meanwhile."""
        data = self._file.read_bytes()
        if hashlib.sha256(data).hexdigest() != job.settings.answers_sha256:
            raise ConfigError(f"{self._file} has changed since the run began: begin another")
        patches = _patches(self._file, job.settings.answers_sha256)
        return Solution(patch=patches.get(job.instance.id, ""))


@cache
def _patches(file: Path, sha256: str) -> dict[str, str]:
    return {one.instance_id: one.model_patch or "" for one in _read(file)}


def _read(file: Path) -> list[_Prediction]:
    try:
        text = file.read_text(encoding="utf-8")
        answers = list(_parsed(text, lines=file.suffix == ".jsonl"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (ValidationError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(
            f"{file}: no predictions as SWE-bench has them (instance_id, model_patch)"
        ) from error
    names = [one.instance_id for one in answers]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{file}: two predictions for {min(twice)}; grade them one file each")
    return answers


def _parsed(text: str, *, lines: bool) -> Iterator[_Prediction]:
    if lines:
        yield from map(_Prediction.model_validate_json, filter(str.strip, text.splitlines()))
        return
    found = _MANY.validate_json(text)
    answers: Iterable[_Prediction] = found.values() if isinstance(found, dict) else found
    yield from answers
