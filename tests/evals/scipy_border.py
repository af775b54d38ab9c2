"""What our own formulas are checked against. scipy has no types, so this is where it is cast."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast


def wilson_interval(passed: int, of: int) -> tuple[float, float]:
    found = _stats().binomtest(passed, of).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def exact_binomial_p(passed: int, of: int) -> float:
    """Two-sided, for a fair coin."""
    return float(_stats().binomtest(passed, of).pvalue)


def _stats() -> Any:
    return cast(Any, import_module("scipy.stats"))
