"""Whether one run is better than another: paired, instance by instance."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import fmean

from pydantic import BaseModel, ConfigDict

from qwright.agent.errors import ConfigError
from qwright.evals.result import Result
from qwright.evals.stats.estimate import Interval, share

SIGNIFICANT = 0.05
RESAMPLES = 10_000
SEED = 20261122
_NAMED = 5

Pairs = Mapping[str, Sequence[tuple[bool, bool]]]
"""By instance: whether a and b resolved it, for each sample that both have."""


class Flip(BaseModel):
    """An instance that the runs resolved differently often."""

    model_config = ConfigDict(frozen=True)
    instance: str
    a: int
    """Resolved samples of a."""
    b: int
    of: int
    """Samples that both have."""


class Comparison(BaseModel):
    """b against a, over the samples of the same instances that both have."""

    model_config = ConfigDict(frozen=True)
    a: str
    b: str
    rate_a: Interval
    rate_b: Interval
    instances: int
    pairs: int
    """Samples compared; as many as instances where each has one."""
    difference: Interval
    """Rate of b less rate of a; the interval is a paired bootstrap over instances."""
    p: float
    """Two-sided, exact: McNemar's test, and its generalisation where instances have repeats."""
    gained: tuple[Flip, ...]
    """Resolved more often by b."""
    lost: tuple[Flip, ...]
    """Resolved more often by a."""
    left_out: tuple[str, ...] = ()
    """Instances without a pair: only one run has them, or no sample of the same number."""
    unpaired: int = 0
    """Graded samples of either run that have no counterpart in the other."""

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANT

    @property
    def words(self) -> str:
        """The verdict, for a person."""
        flips = len(self.gained) + len(self.lost)
        if not flips:
            return "no instance came out differently: these runs show no difference"
        better = self.b if self.difference.value > 0 else self.a
        if self.significant:
            return f"{better} is better: significant, exact p = {shown_p(self.p)}"
        counted = f"{flips} instance{'s' if flips > 1 else ''} came out differently"
        text = f"not significant, exact p = {shown_p(self.p)}: {counted}"
        if 2.0 ** (1 - flips) >= SIGNIFICANT:
            return f"{text}, and fewer than 6 never suffice"
        return f"{text}, and chance alone does that {_often(self.p)}"


def compare(
    a: Sequence[Result],
    b: Sequence[Result],
    *,
    names: tuple[str, str] = ("A", "B"),
    common: bool = False,
) -> Comparison:
    """Pair graded samples by instance and number of the sample.

    Raises ConfigError when the runs graded different instances, unless `common`; and when there
    is no pair.
    """
    left, right = _graded(a), _graded(b)
    pairs = _pairs(left, right)
    _require_same(left, right, names, common)
    if not pairs:
        raise ConfigError(f"{names[0]} and {names[1]} have no graded sample in common")
    differences = [_difference(found) for found in pairs.values()]
    total = sum(map(len, pairs.values()))
    gained, lost = _flips(pairs)
    return Comparison(
        a=names[0],
        b=names[1],
        rate_a=share([fmean(one for one, _ in found) for found in pairs.values()], total),
        rate_b=share([fmean(one for _, one in found) for found in pairs.values()], total),
        instances=len(pairs),
        pairs=total,
        difference=bootstrap(differences),
        p=sign_flip_p(differences),
        gained=gained,
        lost=lost,
        left_out=tuple(sorted((left.keys() | right.keys()) - pairs.keys())),
        unpaired=sum(map(len, (*left.values(), *right.values()))) - 2 * total,
    )


def sign_flip_p(differences: Sequence[Fraction]) -> float:
    """The exact two-sided p of a mean difference: were both runs alike, each sign is a coin's.

    With one sample an instance the differences are -1, 0 and 1, and this is McNemar's exact test.
    Counts all 2^n assignments of signs by their sum.
    """
    scale = math.lcm(*(one.denominator for one in differences))
    steps = [abs(int(one * scale)) for one in differences if one]
    seen = abs(int(sum(differences, Fraction(0)) * scale))
    sums: Counter[int] = Counter({0: 1})
    for step in steps:
        following: Counter[int] = Counter()
        for value, ways in sums.items():
            following[value + step] += ways
            following[value - step] += ways
        sums = following
    extreme = sum(ways for value, ways in sums.items() if abs(value) >= seen)
    return float(Fraction(extreme, 2 ** len(steps)))


def bootstrap(differences: Sequence[Fraction]) -> Interval:
    """The mean with its 95 % percentile interval; instances are drawn, always the same way.

    Raises ConfigError when numpy is missing.
    """
    try:
        import numpy as np
    except ImportError:
        raise ConfigError("comparing runs needs `pip install 'qwright[eval]'`") from None
    values = np.array([float(one) for one in differences])
    drawn = np.random.default_rng(SEED).multinomial(
        len(values), np.full(len(values), 1 / len(values)), size=RESAMPLES
    )
    low, high = np.percentile(drawn @ values / len(values), [2.5, 97.5])
    mean = float(sum(differences) / len(differences))
    return Interval(value=mean, low=float(low), high=float(high), of=len(differences))


def shown_p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def _often(p: float) -> str:
    return "almost always" if p > 0.9 else f"in 1 of {max(round(1 / p), 2)} cases"


def _graded(results: Sequence[Result]) -> dict[str, dict[int, bool]]:
    found: defaultdict[str, dict[int, bool]] = defaultdict(dict)
    for one in results:
        if one.state == "done" and one.verdict:
            found[one.instance][one.sample] = one.verdict.resolved
    return dict(found)


def _require_same(
    a: Mapping[str, object], b: Mapping[str, object], names: tuple[str, str], common: bool
) -> None:
    """Raises ConfigError when one run alone has instances, unless `common`."""
    sides = [(names[0], sorted(a.keys() - b.keys())), (names[1], sorted(b.keys() - a.keys()))]
    told = [f"only {name} graded {_listed(ids)}" for name, ids in sides if ids]
    if told and not common:
        both = len(a.keys() & b.keys())
        raise ConfigError(
            f"the runs differ in their instances: {'; '.join(told)}; "
            f"--common compares the {both} that both have"
        )


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


def _pairs(a: Mapping[str, dict[int, bool]], b: Mapping[str, dict[int, bool]]) -> Pairs:
    found = {
        instance: [(samples[n], b[instance][n]) for n in sorted(samples) if n in b[instance]]
        for instance, samples in a.items()
        if instance in b
    }
    return {instance: pairs for instance, pairs in found.items() if pairs}


def _difference(pairs: Sequence[tuple[bool, bool]]) -> Fraction:
    return Fraction(sum(b - a for a, b in pairs), len(pairs))


def _flips(pairs: Pairs) -> tuple[tuple[Flip, ...], tuple[Flip, ...]]:
    flips = [
        Flip(
            instance=instance,
            a=sum(a for a, _ in found),
            b=sum(b for _, b in found),
            of=len(found),
        )
        for instance, found in sorted(pairs.items())
    ]
    gained = tuple(one for one in flips if one.b > one.a)
    return gained, tuple(one for one in flips if one.a > one.b)
