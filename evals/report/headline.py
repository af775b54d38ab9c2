"""What stands above the table: names of runs, what they are, how they differ, why they failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from qwright.evals.report.folder import RunFolder
from qwright.evals.report.plots import Run
from qwright.evals.stats import MEANING, Comparison, compare
from qwright.tools.sanitise import sanitise

_FACTS = ("agent", "model", "dataset", "started", "finished", "code", "workers", "engine", "id")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_LONGEST = 200
_DIGITS = 16
"""Of a hash: enough to tell runs apart by."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One class of failures, and how many samples of each run are in it."""

    name: str
    words: str
    counts: tuple[int, ...]


def titled(folders: Sequence[RunFolder]) -> list[str]:
    """A name for each run: its model's, told apart by agent and folder where needed."""
    names = [_said(one, "model") or sanitise(one.name) for one in folders]
    for more in ([_said(one, "agent") for one in folders], [sanitise(one.name) for one in folders]):
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            names = [
                f"{extra} · {name}" if name in doubled else name
                for name, extra in zip(names, more, strict=True)
            ]
    doubled = len(set(names)) < len(names)
    return [f"{number} · {name}" for number, name in enumerate(names, 1)] if doubled else names


def _said(folder: RunFolder, key: str) -> str:
    return sanitise(str(folder.record.get(key) or ""))


def facts_of(folder: RunFolder) -> list[tuple[str, str]]:
    """How a run was made, from its record: settings, limits, versions and host last."""
    record = folder.record
    facts: dict[str, Any] = {"folder": folder.name}
    facts |= {name: record.get(name) for name in _FACTS}
    facts["dataset"] = _dataset(record.get("dataset"))
    for part in ("settings", "total", "versions", "host"):
        inner = record.get(part)
        if isinstance(inner, dict):
            # What is said already, such as the model, is not said again.
            more = cast("dict[str, Any]", inner)
            facts |= {name: value for name, value in more.items() if name not in facts}
    shown = [(sanitise(name).replace("_", " "), _shown(value)) for name, value in facts.items()]
    return [(name, text) for name, text in shown if text]


def _dataset(said: Any) -> str:
    """What the instances came from, and the beginning of their hash."""
    if not isinstance(said, dict):
        return _shown(said)
    found = cast("dict[str, Any]", said)
    return f"{_shown(found.get('reference'))} ({_shown(found.get('sha256'))[:_DIGITS]})"


def _shown(value: Any) -> str:
    """A value as a person writes it; of a dictionary, what is in it. "" for nothing."""
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value)
        return ", ".join(f"{key} {_shown(one)[:_DIGITS]}" for key, one in inner.items())
    text = "" if value is None or value in ([], ()) else sanitise(str(value))
    if _TIME.match(text):
        text = text.replace("T", " ").replace("+00:00", " UTC")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def comparisons(runs: Sequence[Run]) -> list[Comparison]:
    """Every run against the first, over the samples that both have; none without any."""
    first = runs[0]
    return [
        compare(first.results, other.results, names=(first.name, other.name), common=True)
        for other in runs[1:]
        if _graded(first) & _graded(other)
    ]


def _graded(run: Run) -> set[tuple[str, int]]:
    return {
        (one.instance, one.sample) for one in run.results if one.state == "done" and one.verdict
    }


def failures_of(runs: Sequence[Run]) -> list[Failure]:
    """Classes of failures, the most frequent first; infrastructure's after the agents'."""
    classes = _most(run.summary.failures for run in runs)
    faults = _most(run.summary.infra for run in runs)
    found = [
        Failure(name, words_for(name), tuple(run.summary.failures.get(name, 0) for run in runs))
        for name in classes
    ]
    return found + [
        Failure(
            f"fault: {name}",
            words_for(f"fault: {name}"),
            tuple(run.summary.infra.get(name, 0) for run in runs),
        )
        for name in faults
    ]


def _most(counts: Iterable[Any]) -> list[Any]:
    total: dict[Any, int] = {}
    for one in counts:
        for name, number in one.items():
            total[name] = total.get(name, 0) + number
    return sorted(total, key=lambda name: -total[name])


def words_for(name: str) -> str:
    """What a class of failures means."""
    if name.startswith("fault: "):
        return f"the infrastructure failed: {name.removeprefix('fault: ')}"
    return cast("Mapping[str, str]", MEANING).get(name, name.replace("_", " "))
