"""How a run stands: counts, rates and the time left, for whoever shows them."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.evals.result import Result
from qwright.evals.run.meter import Meter


class Standing:
    """Of `total` samples. Rates are those of this call of the command."""

    def __init__(self, total: int, done: Sequence[Result], meter: Meter) -> None:
        self.total = total
        self._meter = meter
        self._here = 0
        """Ended in this call."""
        self.done = 0
        self.graded = 0
        self.resolved = 0
        self.failed = 0
        for result in done:
            self._count(result)

    def add(self, result: Result) -> None:
        self._count(result)
        self._here += result.state != "stopped"

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def per_hour(self) -> float | None:
        """Samples; None before the first has ended."""
        seconds = self._meter.seconds
        return self._here / seconds * 3600 if self._here and seconds else None

    @property
    def seconds_left(self) -> float | None:
        rate = self.per_hour
        return (self.total - self.ended) / rate * 3600 if rate else None

    def facts(self) -> list[str]:
        """What is known so far, each in a few words, the most wanted first."""
        facts: list[str] = []
        if self.graded:
            share = self.resolved / self.graded
            facts.append(f"resolved {self.resolved} of {self.graded} ({share:.0%})")
        if self.failed:
            facts.append(f"{self.failed} failed (infrastructure)")
        if self.per_hour:
            facts.append(f"{self.per_hour:,.0f}/h")
        spent = self._meter.spent
        if spent.calls:
            facts.append(f"{short(spent.tokens)} tokens")
        if spent.cost:
            facts.append(f"${spent.cost:,.2f}")
        return facts

    def _count(self, result: Result) -> None:
        self.done += result.state == "done"
        self.failed += result.state == "failed"
        if result.state == "done" and result.verdict:
            self.graded += 1
            self.resolved += result.verdict.resolved


def short(count: int) -> str:
    """A number of tokens as one says it: 950, 12.3 k, 4.1 M."""
    if count < 1_000:
        return str(count)
    if count < 999_950:
        return f"{count / 1e3:.1f} k"
    return f"{count / 1e6:.1f} M"


def span(seconds: float) -> str:
    """A time as one says it: 42 s, 3:07 min, 2:15 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def outcome(result: Result) -> str:
    """What became of a sample, in a word or two."""
    if result.state != "done":
        return result.state
    if result.verdict is None:
        return "done"
    return result.verdict.kind.replace("_", " ")
