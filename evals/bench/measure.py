"""What a benchmark gives: rows of ours against a reference, their ratio and their budget."""

from __future__ import annotations

import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

HEADERS = ("what", "ours", "reference", "ratio", "budget", "verdict")
Verdict = Literal["ok", "over", "-"]


@dataclass(frozen=True, slots=True)
class Budget:
    """How far the ratio, or our value itself, may go."""

    limit: float
    of: Literal["ratio", "value"] = "ratio"
    least: bool = False
    """Whether `limit` is the least that is allowed rather than the most."""

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def shown(self, unit: str) -> str:
        sign = ">=" if self.least else "<="
        return f"{sign} {self.limit:,g} {'x' if self.of == 'ratio' else unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; `ours` and `reference` are in `unit`, None where there is no such figure."""

    what: str
    unit: str
    ours: float | None
    reference: float | None = None
    against: str = ""
    """What the reference is."""
    budget: Budget | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the reference."""
        if self.ours is None or not self.reference:
            return None
        return self.ours / self.reference

    @property
    def verdict(self) -> Verdict:
        """Whether the budget is kept; "-" where there is none or nothing was measured."""
        if self.budget is None:
            return "-"
        value = self.ratio if self.budget.of == "ratio" else self.ours
        if value is None:
            return "-"
        return "ok" if self.budget.holds(value) else "over"

    def cells(self) -> list[str]:
        """The row as text, one cell per header."""
        return [
            self.what,
            _quantity(self.ours, self.unit),
            f"{_quantity(self.reference, self.unit)} {self.against}".strip(),
            "-" if self.ratio is None else f"{self.ratio:.2f}",
            "-" if self.budget is None else self.budget.shown(self.unit),
            self.verdict,
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found. `notes` are lines for people: how, and what is missing."""

    rows: list[Row] = field(default_factory=list[Row])
    notes: list[str] = field(default_factory=list[str])


def median(values: Sequence[float]) -> float:
    """Raises ValueError when there are none."""
    if not values:
        raise ValueError("a median of no values")
    return statistics.median(values)


def p90(values: Sequence[float]) -> float:
    """The smallest value that nine tenths of all do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("a p90 of no values")
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def spread(values: Sequence[float]) -> str:
    """Lowest, median and highest, for the notes."""
    return f"{number(min(values))} / {number(median(values))} / {number(max(values))}"


async def interleaved(
    rounds: int, measures: Mapping[str, Callable[[], Awaitable[float]]]
) -> dict[str, list[float]]:
    """Measure A B C, then B C A, and so on, so that a slow minute hits them all alike."""
    names = list(measures)
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            found[name].append(await measures[name]())
    return found


def number(value: float) -> str:
    """Three digits that matter, without exponents."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def table(rows: Sequence[Row], *, markdown: bool = False) -> str:
    """The rows with their headers, aligned; with `markdown` as a table of that kind."""
    grid = [list(HEADERS), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in grid) for column in range(len(HEADERS))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in grid]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _quantity(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{number(value)} {unit}"
