"""The plots of a report: what is drawn, and what a reader who cannot see it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from qwright.agent.viewer.wording import percent
from qwright.evals.instance import Instance
from qwright.evals.report.canvas import INKS, canvas
from qwright.evals.report.measures import COST, TIME, TOKENS, Measure, edges
from qwright.evals.report.rows import is_graded, is_resolved
from qwright.evals.result import Result, Solution
from qwright.evals.stats import Interval, Summary, summarise
from qwright.tools.sanitise import sanitise

_FEWEST = 4
"""Samples of which a distribution says something."""
_GRADES = ("trivial", "easy", "medium", "hard")
_KEYS = ("difficulty", "language", "category", "repo")


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with its title; `words` says the same as text."""

    title: str
    svg: str
    words: str
    legend: tuple[tuple[str, str], ...] = ()
    """Colours, as the page's style names them, and what they stand for."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as plots and tables know it."""

    name: str
    instances: Sequence[Instance]
    results: Sequence[Result]
    summary: Summary

    @property
    def solutions(self) -> list[tuple[bool, Solution]]:
        """Whether it is resolved, and the answer, of each graded sample."""
        return [
            (is_resolved(one), one.solution)
            for one in self.results
            if is_graded(one) and one.solution
        ]

    def taken(self, measure: Measure) -> list[tuple[float, bool]]:
        """What each graded sample took, where that is known, and whether it is resolved."""
        found = [(measure.of(one), passed) for passed, one in self.solutions]
        return [(value, passed) for value, passed in found if value > 0]


def plots_of(runs: Sequence[Run]) -> list[Plot]:
    """All plots for which there is enough to draw."""
    if not any(run.solutions for run in runs):
        return []
    spent = COST if all(run.taken(COST) for run in runs) else TOKENS
    plots = [(TIME, _distribution), (TOKENS, _distribution)]
    return [
        _intervals(runs),
        *(draw(runs, of) for of, draw in [(spent, _budget), *plots] if _enough(runs, of)),
    ]


def _enough(runs: Sequence[Run], measure: Measure) -> bool:
    values = _values(runs, measure)
    return len(values) >= _FEWEST and len(set(values)) > 1


def _intervals(runs: Sequence[Run]) -> Plot:
    """Shares with their 95 % intervals, the first at the top."""
    shares = _by_run(runs) if len(runs) > 1 else _by_group(runs[0])
    lines = sum(name.count(" · ") + 1 for name, _, _ in shares)
    with canvas("share", max(0.9 + 0.26 * lines, 1.6)) as drawn:
        axes = drawn.axes
        for place, (_, share, ink) in enumerate(shares[::-1]):
            axes.plot([100 * share.low, 100 * share.high], [place] * 2, color=INKS[ink], lw=1.6)
            axes.plot([100 * share.value], [place], "o", color=INKS[ink], ms=6)
        axes.set_yticks(
            range(len(shares)), [name.replace(" · ", "\n") for name, _, _ in shares[::-1]]
        )
        axes.set(xlim=(-2, 102), ylim=(-0.6, len(shares) - 0.4), xlabel="% resolved")
    words = "; ".join(
        f"{name}: {percent(one.value)}, between {percent(one.low)} and {percent(one.high)}"
        for name, one, _ in shares
    )
    return Plot("Resolved, with 95 % intervals", drawn.svg, words)


def _by_run(runs: Sequence[Run]) -> list[tuple[str, Interval, str]]:
    return [(_short(run.name), run.summary.rate, ink(at)) for at, run in enumerate(runs)]


def _by_group(run: Run) -> list[tuple[str, Interval, str]]:
    """All, any and every sample; then by what the instances' rows tell them apart by."""
    summary = run.summary
    shares = [(f"all {summary.rate.of}", summary.rate, "ink")]
    if summary.repeats > 1:
        k = summary.repeats
        shares += [(f"any of {k}", summary.pass_at[k], "ink")]
        shares += [(f"each of {k}", summary.pass_all[k], "ink")]
    for name, members in _groups(run.instances):
        rate = summarise(run.results, members).rate
        if rate.of:
            shares.append((f"{_short(name)} ({rate.of})", rate, "run-0"))
    return shares


def _groups(instances: Sequence[Instance]) -> list[tuple[str, list[Instance]]]:
    """By the first key of the rows that makes between 2 and 8 groups."""
    for key in _KEYS:
        groups: dict[str, list[Instance]] = {}
        for one in instances:
            groups.setdefault(sanitise(str(one.metadata.get(key, "other"))), []).append(one)
        if 2 <= len(groups) <= 8:
            return [(name, groups[name]) for name in sorted(groups, key=_rank)]
    return []


def _rank(name: str) -> tuple[int, str]:
    """Grades of difficulty stand in their order, all else by name."""
    return (_GRADES.index(name.lower()) if name.lower() in _GRADES else len(_GRADES), name)


def _budget(runs: Sequence[Run], measure: Measure) -> Plot:
    """What share is resolved by samples that took at most so much."""
    words: list[str] = []
    with canvas("budget") as drawn:
        axes = drawn.axes
        for at, run in enumerate(runs):
            if taken := run.taken(measure):
                words.append(_climb(axes, run, measure, sorted(taken), INKS[ink(at)]))
        axes.set(ylabel="% resolved", ylim=(0, None))
        axes.grid(axis="y")
        measure.scale(axes, _values(runs, measure))
    what = "cost" if measure is COST else "token"
    return Plot(f"Resolved within a {what} budget", drawn.svg, "; ".join(words))


def _climb(
    axes: Any, run: Run, measure: Measure, taken: Sequence[tuple[float, bool]], colour: str
) -> str:
    """Draw one run's steps and the interval at their end; say where half of its samples are."""
    spent = [value for value, _ in taken]
    whole = len(run.solutions)
    share = [100 * count / whole for count in accumulate(passed for _, passed in taken)]
    rate = run.summary.rate
    axes.step([spent[0], *spent], [0, *share], where="post", color=colour, lw=1.8)
    axes.plot([spent[-1]] * 2, [100 * rate.low, 100 * rate.high], color=colour, lw=1)
    axes.plot([spent[-1]], [share[-1]], "o", color=colour, ms=4)
    half = len(spent) // 2
    return f"{run.name}: {share[half]:.0f} % with at most {measure.shown(spent[half])}"


def _distribution(runs: Sequence[Run], measure: Measure) -> Plot:
    """How much samples took: counts for one run, else each run's share that took no more."""
    bins = edges(_values(runs, measure))
    with canvas(f"spread-{measure.name}") as drawn:
        axes = drawn.axes
        if len(runs) == 1:
            taken = runs[0].taken(measure)
            parts = [[value for value, passed in taken if passed is one] for one in (True, False)]
            axes.hist(parts, bins, stacked=True, color=[INKS["good"], INKS["edge"]], rwidth=0.86)
        else:
            for at, run in enumerate(runs):
                values = sorted(value for value, _ in run.taken(measure))
                share = [100 * (n + 1) / len(values) for n in range(len(values))]
                if values:
                    steps = [values[0], *values], [0, *share]
                    axes.step(*steps, where="post", color=INKS[ink(at)], lw=1.8)
        axes.grid(axis="y")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(0, None)
        axes.set_ylabel("samples" if len(runs) == 1 else "% of samples")
        measure.scale(axes, _values(runs, measure))
    words = "; ".join(_told(run, measure) for run in runs)
    legend = _PASSED if len(runs) == 1 else ()
    return Plot(f"{measure.name} by sample", drawn.svg, words, legend)


def _told(run: Run, measure: Measure) -> str:
    use = run.summary.use
    spread = use.seconds if measure is TIME else use.tokens
    shown = measure.shown
    return f"{run.name}: median {shown(spread.median)}, 90th percentile {shown(spread.p90)}"


def _values(runs: Sequence[Run], measure: Measure) -> list[float]:
    return [value for run in runs for value, _ in run.taken(measure)]


def ink(number: int) -> str:
    """The colour of a run."""
    return f"run-{number % 6}"


def _short(name: str) -> str:
    parts = [part if len(part) <= 24 else f"{part[:23]}…" for part in name.split(" · ")]
    return " · ".join(parts)


_PASSED = (("good", "resolved"), ("edge", "not"))
