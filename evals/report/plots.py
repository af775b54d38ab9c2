"""The plots of a report: what is drawn, and what a reader who cannot see it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qwright.agent.viewer.wording import amount, dollars, percent, seconds
from qwright.evals.instance import Instance
from qwright.evals.report.canvas import INKS, canvas
from qwright.evals.report.rows import is_graded, is_resolved, tokens_of
from qwright.evals.result import Result, Solution
from qwright.evals.stats import Interval, Summary, summarise
from qwright.tools.sanitise import sanitise

_BINS = 22
_STEPS = [n * 10.0**power for power in range(-6, 12) for n in (1, 2, 5)]
_CLOCK = [
    1e-3,
    1e-2,
    0.1,
    1,
    2,
    5,
    10,
    20,
    30,
    *(60.0 * n for n in (1, 2, 5, 10, 20, 30, 60, 120, 300)),
]
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


def plots_of(runs: Sequence[Run]) -> list[Plot]:
    """All plots for which there is something to draw."""
    if not any(run.solutions for run in runs):
        return []
    priced = all(run.summary.use.cost for run in runs)
    return [
        _intervals(runs),
        _budget(runs, "cost" if priced else "tokens"),
        _distribution(runs, "seconds"),
        _distribution(runs, "tokens"),
    ]


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


def _budget(runs: Sequence[Run], of: str) -> Plot:
    """What share is resolved by samples that took at most so much."""
    measure, shown = _MEASURES[of]
    words: list[str] = []
    with canvas("budget") as drawn:
        axes = drawn.axes
        for at, run in enumerate(runs):
            taken = sorted((measure(one), passed) for passed, one in run.solutions)
            if not taken:
                continue
            spent = [value for value, _ in taken]
            share = [
                100 * sum(passed for _, passed in taken[: n + 1]) / len(taken)
                for n in range(len(taken))
            ]
            rate = run.summary.rate
            axes.step([spent[0], *spent], [0, *share], where="post", color=INKS[ink(at)], lw=1.8)
            axes.plot([spent[-1]] * 2, [100 * rate.low, 100 * rate.high], color=INKS[ink(at)], lw=1)
            axes.plot([spent[-1]], [share[-1]], "o", color=INKS[ink(at)], ms=4)
            half = spent[len(spent) // 2]
            words.append(f"{run.name}: {share[len(share) // 2]:.0f} % with at most {shown(half)}")
        axes.set(xlabel=_LABELS[of], ylabel="% resolved", ylim=(0, None))
        axes.grid(axis="y")
        _scale(axes, of, [measure(one) for run in runs for _, one in run.solutions])
    title = {"cost": "Resolved within a cost", "tokens": "Resolved within a number of tokens"}[of]
    return Plot(title, drawn.svg, "; ".join(words))


def _distribution(runs: Sequence[Run], of: str) -> Plot:
    """How much samples took: resolved and not for one run, else a line for each run."""
    measure, shown = _MEASURES[of]
    everything = [measure(one) for run in runs for _, one in run.solutions]
    edges = _edges(everything)
    with canvas(f"spread-{of}") as drawn:
        axes = drawn.axes
        if len(runs) == 1:
            parts = [
                [measure(one) for passed, one in runs[0].solutions if passed is wanted]
                for wanted in (True, False)
            ]
            axes.hist(parts, edges, stacked=True, color=[INKS["good"], INKS["edge"]], rwidth=0.86)
        else:
            for at, run in enumerate(runs):
                taken = [measure(one) for _, one in run.solutions]
                axes.hist(taken, edges, histtype="step", color=INKS[ink(at)], lw=1.6)
        axes.grid(axis="y")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel=_LABELS[of], ylabel="samples")
        _scale(axes, of, everything)
    words = "; ".join(_told(run, of, shown) for run in runs)
    return Plot(
        {"seconds": "Time", "tokens": "Tokens"}[of] + " by sample",
        drawn.svg,
        words,
        _PASSED if len(runs) == 1 else (),
    )


def _told(run: Run, of: str, shown: Callable[[float], str]) -> str:
    use = run.summary.use
    spread = use.seconds if of == "seconds" else use.tokens
    return f"{run.name}: median {shown(spread.median)}, 90th percentile {shown(spread.p90)}"


def _edges(values: Sequence[float]) -> list[float]:
    """Bins of equal width on a logarithmic scale."""
    low, high = max(min(values), 1e-6), max(max(values), 1e-6)
    factor = max(high / low, 1.5) ** (1 / _BINS)
    return [low * 0.999 * factor**n for n in range(_BINS + 2)]


def _scale(axes: Any, of: str, values: Sequence[float]) -> None:
    """A logarithmic axis whose ticks read as the page writes amounts."""
    low, high = max(min(values), 1e-6), max(max(values), 1e-6)
    steps = _CLOCK if of == "seconds" else _STEPS
    ticks = [one for one in steps if 0.9 * low <= one <= 1.1 * high]
    ticks = ticks[:: len(ticks) // 6 + 1]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [_TICKS[of](one) for one in ticks])
    axes.set_xticks([], minor=True)


def _clock(value: float) -> str:
    """A round time: "30 s", "5 min", "2 h"."""
    if value < 60:
        return f"{value:g} s"
    return f"{value / 60:g} min" if value < 3600 else f"{value / 3600:g} h"


def ink(number: int) -> str:
    """The colour of a run."""
    return f"run-{number % 6}"


def _short(name: str) -> str:
    parts = [part if len(part) <= 24 else f"{part[:23]}…" for part in name.split(" · ")]
    return " · ".join(parts)


_PASSED = (("good", "resolved"), ("edge", "not"))
_MEASURES: dict[str, tuple[Callable[[Solution], float], Callable[[float], str]]] = {
    "tokens": (lambda one: float(tokens_of(one)), amount),
    "cost": (lambda one: one.cost or 0.0, dollars),
    "seconds": (lambda one: one.seconds, seconds),
}
_TICKS: dict[str, Callable[[float], str]] = {
    "tokens": lambda value: amount(value).replace(".0", ""),
    "cost": lambda value: f"${value:g}",
    "seconds": _clock,
}
_LABELS = {
    "tokens": "tokens of a sample",
    "cost": "US dollars of a sample",
    "seconds": "the agent's time",
}
