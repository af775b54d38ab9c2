"""What a run left in its folder, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from qwright.agent.errors import ConfigError
from qwright.evals.instance import Instance
from qwright.evals.result import Result
from qwright.tools.sanitise import shown_name


@dataclass(frozen=True, slots=True)
class Sample:
    """A result, and the folder that has its patch, its events and the grader's files."""

    result: Result
    folder: Path

    def text(self, name: str) -> str:
        """A file of the folder; "" where there is none."""
        try:
            return (self.folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run: its record (run.json), its instances, and the samples that are there."""

    directory: Path
    record: dict[str, Any]
    instances: tuple[Instance, ...]
    samples: tuple[Sample, ...]

    @property
    def results(self) -> list[Result]:
        return [sample.result for sample in self.samples]

    @property
    def name(self) -> str:
        return self.directory.resolve().name


def read_run(directory: Path) -> RunFolder:
    """Read the folder that `qwright eval run --out` wrote; it may be unfinished.

    Raises ConfigError when it is none.
    """
    record = _record(directory)
    instances = tuple(_instances(directory / "instances.jsonl"))
    known, repeat = {one.id for one in instances}, record.get("repeat")
    samples = [
        one
        for one in _samples(directory / "results")  # what earlier settings left is there too
        if one.result.instance in known
        and not (isinstance(repeat, int) and one.result.sample >= repeat)
    ]
    return RunFolder(directory, record, instances, tuple(samples))


def _record(directory: Path) -> dict[str, Any]:
    file = directory / "run.json"
    try:
        found = json.loads(file.read_bytes())
    except OSError:
        shown = shown_name(str(directory))
        raise ConfigError(
            f"{shown} is no folder of a run: it has no run.json; give what --out was"
        ) from None
    except ValueError:
        raise ConfigError(f"{shown_name(str(file))} is no JSON; run the eval again") from None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _instances(file: Path) -> Iterator[Instance]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        raise ConfigError(f"{shown_name(str(file))} is missing; run the eval again") from None
    for number, line in enumerate(lines, 1):
        try:
            yield Instance.model_validate_json(line)
        except ValidationError:
            where = f"{shown_name(str(file))}:{number}"
            raise ConfigError(f"{where} is no instance of this version; run it again") from None


def _samples(results: Path) -> Iterator[Sample]:
    """Those that can be read; a folder whose name begins with a dot is no result."""
    for file in sorted(results.glob("[!.]*/[!.]*/result.json")):
        try:
            yield Sample(Result.model_validate_json(file.read_bytes()), file.parent)
        except (OSError, ValidationError):
            continue
