"""The report's table: one row an instance, and which samples of it there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from qwright.evals.instance import Instance
from qwright.evals.report.folder import RunFolder, Sample
from qwright.evals.result import Result, Solution
from qwright.evals.stats import failure_class
from qwright.tools.sanitise import sanitise

Mark = Literal["all", "some", "none", "uncounted"]
"""How many of an instance's graded samples are resolved."""
ORDER: dict[Mark, int] = {"all": 0, "some": 1, "none": 2, "uncounted": 3}
WORDS: dict[Mark, str] = {
    "all": "Resolved",
    "some": "Sometimes",
    "none": "Unresolved",
    "uncounted": "Not graded",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run made of an instance."""

    mark: Mark
    resolved: int
    graded: int
    classes: tuple[str, ...]
    """Failure classes of its samples, and "fault: engine" where infrastructure failed."""

    @property
    def words(self) -> str:
        """The mark in words, with the share where there are several samples."""
        if self.graded < 2:
            return WORDS[self.mark]
        return f"{self.resolved} of {self.graded}"


@dataclass(frozen=True, slots=True)
class Row:
    """An instance, over all runs. Averages are over its graded samples; None without any."""

    instance: Instance
    cells: tuple[Cell, ...]
    """By run."""
    mark: Mark
    samples: tuple[tuple[int, Sample], ...]
    """Number of the run, and the sample."""
    turns: float | None
    tokens: float | None
    cost: float | None
    seconds: float | None

    @property
    def id(self) -> str:
        return sanitise(self.instance.id)

    @property
    def kind(self) -> str:
        """Language and difficulty, or the repository, where its row says so."""
        said = self.instance.metadata
        names = ("language", "difficulty") if "language" in said else ("repo", "difficulty")
        return sanitise(" · ".join(str(said[name]) for name in names if said.get(name)))

    @property
    def classes(self) -> list[str]:
        return sorted({name for cell in self.cells for name in cell.classes})


def rows_of(runs: Sequence[RunFolder]) -> list[Row]:
    """One row for each instance of any run, in the order of the runs."""
    found: dict[str, Instance] = {}
    for run in runs:
        for instance in run.instances:
            found.setdefault(instance.id, instance)
    by_run = [_by_instance(run.samples) for run in runs]
    return [
        _row(instance, [samples.get(instance.id, []) for samples in by_run])
        for instance in found.values()
    ]


def class_of(result: Result) -> str:
    """Where a sample's failure comes from; "" for one that is resolved."""
    if result.state == "failed":
        return f"fault: {result.fault or 'other'}"
    if result.state == "stopped":
        return "stopped"
    return failure_class(result) or ""


def is_resolved(result: Result) -> bool:
    return result.state == "done" and result.verdict is not None and result.verdict.resolved


def is_graded(result: Result) -> bool:
    return result.state == "done" and result.verdict is not None and result.solution is not None


def mark_of(resolved: int, graded: int) -> Mark:
    if not graded:
        return "uncounted"
    return "none" if not resolved else "all" if resolved == graded else "some"


def _by_instance(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.result.instance].append(sample)
    return {name: sorted(some, key=lambda one: one.result.sample) for name, some in found.items()}


def _row(instance: Instance, by_run: Sequence[Sequence[Sample]]) -> Row:
    cells = [_cell([sample.result for sample in samples]) for samples in by_run]
    graded = sum(cell.graded for cell in cells)
    solutions = [
        sample.result.solution
        for samples in by_run
        for sample in samples
        if sample.result.solution and is_graded(sample.result)
    ]
    return Row(
        instance=instance,
        cells=tuple(cells),
        mark=mark_of(sum(cell.resolved for cell in cells), graded),
        samples=tuple((at, one) for at, samples in enumerate(by_run) for one in samples),
        turns=_mean(one.turns for one in solutions),
        tokens=_mean(tokens_of(one) for one in solutions),
        cost=_mean(one.cost for one in solutions if one.cost is not None),
        seconds=_mean(one.seconds for one in solutions),
    )


def tokens_of(solution: Solution) -> int:
    return solution.tokens.prompt + solution.tokens.completion


def _cell(results: Sequence[Result]) -> Cell:
    graded = [one for one in results if is_graded(one)]
    resolved = sum(map(is_resolved, graded))
    classes = sorted({found for one in results if (found := class_of(one))})
    return Cell(mark_of(resolved, len(graded)), resolved, len(graded), tuple(classes))


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return fmean(found) if found else None
