"""Shares with 95 % intervals, pass@k and pass^k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, median, variance

from pydantic import BaseModel, ConfigDict

Z95 = NormalDist().inv_cdf(0.975)


class Interval(BaseModel):
    """A value with its 95 % interval, over `of` instances. Shares are in 0..1."""

    model_config = ConfigDict(frozen=True)
    value: float
    low: float
    high: float
    of: int


class Ratio(BaseModel):
    """`count` of `of`; there is no share of nothing."""

    model_config = ConfigDict(frozen=True)
    count: int = 0
    of: int = 0

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None


class Spread(BaseModel):
    """How a quantity is distributed over `n` samples."""

    model_config = ConfigDict(frozen=True)
    n: int = 0
    total: float = 0.0
    mean: float = 0.0
    median: float = 0.0
    p90: float = 0.0


def wilson(value: float, trials: float) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927).

    `trials` need not be whole: an effective number of independent trials is not.
    """
    if trials <= 0:
        return 0.0, 1.0
    weight = Z95**2 / trials
    centre = (value + weight / 2) / (1 + weight)
    half = Z95 / (1 + weight) * math.sqrt(value * (1 - value) / trials + weight / (4 * trials))
    # Rounding must not push a bound past what was seen.
    return max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))


def share(rates: Sequence[float], trials: int) -> Interval:
    """The mean of one rate an instance; `trials` in all were made for them.

    Trials of one instance are alike, so the variance is that between instances (they are the
    clusters), and Wilson's interval is taken for as many independent trials as would have it
    (the design effect of Kish 1965). With one trial an instance that is Wilson's own interval.
    """
    if not rates:
        return Interval(value=0.0, low=0.0, high=1.0, of=0)
    value = fmean(rates)
    low, high = wilson(value, _effective(rates, value, trials))
    return Interval(value=value, low=low, high=high, of=len(rates))


def _effective(rates: Sequence[float], value: float, trials: int) -> float:
    """Independent trials with the variance of this mean: no fewer than there are instances."""
    count = len(rates)
    between = variance(rates, value) / count if count > 1 else 0.0
    if not between:
        # All alike: nothing is known of the variance, so nothing is gained by repeating.
        return count
    return min(max(value * (1 - value) / between, count), max(trials, count))


def pass_at(tries: int, passed: int, k: int) -> float:
    """The chance that one of k samples passes: unbiased (Chen et al. 2021, HumanEval)."""
    return 1.0 - math.comb(tries - passed, k) / math.comb(tries, k)


def pass_all(tries: int, passed: int, k: int) -> float:
    """The chance that all of k samples pass (pass^k; Yao et al. 2024, tau-bench)."""
    return math.comb(passed, k) / math.comb(tries, k)


def spread(values: Sequence[float]) -> Spread:
    """Sum, mean, median and 90th percentile (linear between neighbours, as numpy's)."""
    if not values:
        return Spread()
    ordered = sorted(values)
    place = 0.9 * (len(ordered) - 1)
    lower = math.floor(place)
    upper = min(lower + 1, len(ordered) - 1)
    return Spread(
        n=len(ordered),
        total=math.fsum(ordered),
        mean=fmean(ordered),
        median=median(ordered),
        p90=ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower]),
    )
