"""The numbers on a terminal: plain words in columns, styled where there is colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from qwright.agent.render.ink import columns
from qwright.agent.render.theme import Theme, load
from qwright.evals.stats.compare import Comparison, Flip
from qwright.evals.stats.estimate import Interval, Ratio, Spread
from qwright.evals.stats.failures import MEANING
from qwright.evals.stats.summary import Summary
from qwright.tools.sanitise import sanitise


def draw_summary(summary: Summary, console: Console) -> None:
    """What a run comes to."""
    theme = _theme(console)
    line = Text(f"resolved {summary.resolved} of {summary.samples}", theme["strong"])
    console.print(line.append(f"   {_share(summary.rate)}", theme["accent"]), soft_wrap=True)
    if summary.repeats > 1:
        rows = [["", "at least one right (pass@k)", "all right (pass^k)"]]
        both = zip(summary.pass_at.items(), summary.pass_all.values(), strict=True)
        rows += [[f"of {k}", _short(one), _short(every)] for (k, one), every in both]
        _print(rows, console, head=True)
    console.print()
    _print(_used(summary), console, head=True)
    _print([[name, _ratio(value)] for name, value in _faulty(summary)], console)
    _draw_failures(summary, console)
    for text in _left_out(summary):
        console.print(Text(text, theme["warn"]), soft_wrap=True)


def draw_comparison(comparison: Comparison, a: Summary, b: Summary, console: Console) -> None:
    """Two runs side by side, `a` and `b` the summaries of what was compared, and the verdict."""
    theme = _theme(console)
    rows = [["", sanitise(comparison.a), sanitise(comparison.b)]]
    rows.append(["resolved", _short(comparison.rate_a), _short(comparison.rate_b)])
    for left, right in zip(_used(a)[1:], _used(b)[1:], strict=True):
        rows.append([left[0], _total(left), _total(right)])
    for (name, left), (_, right) in zip(_faulty(a), _faulty(b), strict=True):
        rows.append([name, _ratio(left), _ratio(right)])
    _print(rows, console, head=True)
    console.print()
    console.print(Text(sanitise(_difference(comparison)), theme["strong"]), soft_wrap=True)
    verdict = "good" if comparison.significant else ""
    console.print(
        Text(sanitise(comparison.words), theme[verdict] if verdict else ""), soft_wrap=True
    )
    _draw_flips(comparison.b, comparison.gained, console)
    _draw_flips(comparison.a, comparison.lost, console)
    if comparison.unpaired:
        text = f"samples that the other run has no counterpart of: {comparison.unpaired}"
        console.print(Text(f"not compared: {text}", theme["warn"]), soft_wrap=True)
    if comparison.left_out:
        ids = sanitise(", ".join(comparison.left_out))
        console.print(Text(f"not compared: {ids}", theme["warn"]), soft_wrap=True)


def _theme(console: Console) -> Theme:
    return load("auto" if console.color_system else "plain")


def _print(rows: Sequence[Sequence[str]], console: Console, *, head: bool = False) -> None:
    """Columns under each other, all but the first to the right; no line ends in blanks."""
    theme = _theme(console)
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = Text()
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - columns(cell))
            style = theme["dim"] if at == 0 or (head and number == 0) else ""
            line.append(cell + blanks if at == 0 else f"   {blanks}{cell}", style)
        line.rstrip()
        console.print(line, soft_wrap=True)


def _used(summary: Summary) -> list[list[str]]:
    """A head, and rows that every summary has, so that two stand beside each other."""
    use = summary.use
    shown: list[tuple[str, Spread, Callable[[float], str]]] = [
        ("about tokens" if use.estimated else "tokens", use.tokens, _count),
        ("time", use.seconds, _seconds),
        ("turns", use.turns, _count),
    ]
    rows = [["", "total", "median", "mean", "p90"]]
    for name, found, show in shown:
        values = (found.total, found.median, found.mean, found.p90)
        rows.append([name, *map(show, values)])
    cost = use.cost
    values = (cost.total, cost.median, cost.mean, cost.p90) if cost else ()
    rows.append(["cost", *map(_dollars, values)] if values else ["cost", *["not known"] * 4])
    if cost and cost.n < use.tokens.n:
        rows[-1][1] += f" (known for {cost.n} of {use.tokens.n})"
    return rows


def _total(row: Sequence[str]) -> str:
    return row[1] if row[1] == row[2] else f"{row[1]} (median {row[2]})"


def _faulty(summary: Summary) -> list[tuple[str, Ratio]]:
    tools = summary.tools
    return [
        ("tool errors", tools.errors),
        ("edit failures", tools.edit_errors),
        ("malformed calls", tools.malformed),
    ]


def _draw_failures(summary: Summary, console: Console) -> None:
    if not summary.failures:
        return
    console.print(Text("\nwhere the failures come from"))
    for name, count in summary.failures.items():
        line = f"{count:>5}  {name.replace('_', ' '):<16} {MEANING[name]}"
        console.print(Text(line), soft_wrap=True)


def _left_out(summary: Summary) -> list[str]:
    lines = list[str]()
    if summary.infra or summary.stopped or summary.missing:
        lines.append("")
    if summary.infra:
        told = ", ".join(f"{name} {count}" for name, count in summary.infra.items())
        lines.append(f"failed for the infrastructure, counted nowhere: {told}; run again")
    if summary.stopped:
        lines.append(f"stopped before their end, counted nowhere: {summary.stopped}; run again")
    if summary.missing:
        lines.append(f"not graded: {len(summary.missing)} of {summary.instances} instances")
    return lines


def _draw_flips(name: str, flips: Sequence[Flip], console: Console) -> None:
    if not flips:
        return
    repeated = any(one.of > 1 for one in flips)
    ids = [
        f"{one.instance} ({one.a} to {one.b} of {one.of})" if repeated else one.instance
        for one in flips
    ]
    what = f"{name} resolved more often" if repeated else f"only {name} resolved"
    console.print(Text(sanitise(f"{what} ({len(flips)}): {', '.join(ids)}")), soft_wrap=True)


def _difference(comparison: Comparison) -> str:
    found = comparison.difference
    points = f"{100 * found.value:+.1f} points, 95 % interval {_bounds(found, '+.1f')}"
    return f"{comparison.b} against {comparison.a}: {points}"


def _share(found: Interval) -> str:
    if not found.of:
        return "nothing graded"
    return f"{100 * found.value:.1f} %, 95 % interval {_bounds(found, '.1f')}"


def _short(found: Interval) -> str:
    return f"{100 * found.value:.1f} % {_bounds(found, '.1f')}"


def _bounds(found: Interval, form: str) -> str:
    return f"[{100 * found.low:{form}}, {100 * found.high:{form}}]"


def _ratio(found: Ratio) -> str:
    if found.value is None:
        return "none made"
    return f"{100 * found.value:.1f} %  ({found.count} of {found.of})"


def _count(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.1f}M"
    if value >= 1e4:
        return f"{value / 1e3:.0f}k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _dollars(value: float) -> str:
    if not value:
        return "$0"
    return f"${value:.2f}" if value >= 1 else f"${value:.4f}"


def _seconds(value: float) -> str:
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}" if minutes else f"{value:.1f} s"
