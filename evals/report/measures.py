"""What samples are measured by, and how an axis of it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qwright.agent.viewer.wording import amount, dollars, seconds
from qwright.evals.report.rows import tokens_of
from qwright.evals.result import Solution

BINS = 22
_TICKS = 6
"""About as many as an axis holds."""
_STEPS = tuple(n * 10.0**power for power in range(-6, 12) for n in (1, 2, 5))
_MINUTES = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
_CLOCK = (0.001, 0.01, 0.1, 1, 2, 5, 10, 20, 30, *(60 * n for n in _MINUTES))


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity of a sample; it is drawn on a logarithmic axis."""

    name: str
    label: str
    of: Callable[[Solution], float]
    shown: Callable[[float], str]
    tick: Callable[[float], str]
    steps: Sequence[float]
    """Round values, where ticks may stand."""

    def scale(self, axes: Any, values: Sequence[float]) -> None:
        """Make the axis of x logarithmic, with ticks that read as the page writes amounts."""
        low, high = min(values), max(values)
        ticks = [one for one in self.steps if 0.95 * low <= one <= 1.05 * high]
        ticks = ticks[:: len(ticks) // _TICKS + 1]
        if len(ticks) < 2:
            ticks = sorted({low, high})
        axes.set_xscale("log")
        axes.set_xlim(low * 0.88, high * 1.14)
        axes.set_xticks(ticks, [self.tick(one) for one in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(self.label)


def edges(values: Sequence[float]) -> list[float]:
    """Bins of equal width on a logarithmic scale, from the least to the greatest value."""
    low = min(values) * 0.999
    factor = max(max(values) * 1.001 / low, 1.5) ** (1 / BINS)
    return [low * factor**n for n in range(BINS + 1)]


def _clock(value: float) -> str:
    """A round time: "30 s", "5 min", "2 h"."""
    if value < 60:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 3600 else f"{value / 3600:.3g} h"


TOKENS = Measure(
    "Tokens",
    "tokens of a sample",
    lambda one: float(tokens_of(one)),
    amount,
    lambda value: amount(value).replace(".0", ""),
    _STEPS,
)
COST = Measure(
    "Cost",
    "US dollars of a sample",
    lambda one: one.cost or 0.0,
    dollars,
    lambda value: f"${value:.3g}",
    _STEPS,
)
TIME = Measure("Time", "the agent's time", lambda one: one.seconds, seconds, _clock, _CLOCK)
