"""The numbers of a run, and whether two runs differ."""

from __future__ import annotations

from qwright.evals.stats.compare import Comparison, compare
from qwright.evals.stats.estimate import Interval, Ratio, Spread
from qwright.evals.stats.failures import MEANING, FailureClass, failure_class
from qwright.evals.stats.summary import Summary, summarise

__all__ = [
    "MEANING",
    "Comparison",
    "FailureClass",
    "Interval",
    "Ratio",
    "Spread",
    "Summary",
    "compare",
    "failure_class",
    "summarise",
]
