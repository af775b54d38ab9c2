"""Intervals against published values and scipy, pass@k by counting, and what a run comes to."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.events import Tokens
from qwright.evals.instance import CommandGrading, FilesSource, Instance
from qwright.evals.result import Result, Solution, Verdict, VerdictKind
from qwright.evals.stats import MEANING, failure_class, summarise
from qwright.evals.stats.estimate import pass_all, pass_at, share, spread, wilson
from qwright.evals.stats.failures import FAILURE_CLASSES
from tests.evals.scipy_border import exact_binomial_p, wilson_interval

F2P, P2P = "FAIL_TO_PASS", "PASS_TO_PASS"


def task(name: str) -> Instance:
    return Instance(
        id=name,
        prompt="",
        source=FilesSource(files={}),
        grading=CommandGrading(command="true"),
    )


def sample(
    name: str, kind: VerdictKind | None = "resolved", number: int = 0, **solved: Any
) -> Result:
    """A graded sample; `kind` None is one that the infrastructure failed."""
    if kind is None:
        return Result(key="", instance=name, sample=number, state="failed", fault="engine")
    solution = Solution.model_validate({"patch": "diff", "tool_calls": 1, **solved})
    return Result(
        key="",
        instance=name,
        sample=number,
        state="done",
        solution=solution,
        verdict=Verdict(kind=kind),
    )


@pytest.mark.parametrize(
    ("passed", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_wilson_intervals(passed: int, of: int, low: float, high: float) -> None:
    found = share([1.0] * passed + [0.0] * (of - passed), of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == passed / of
    assert found.of == of


@settings(deadline=None)
@given(st.integers(1, 600).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_wilson_is_that_of_scipy(case: tuple[int, int]) -> None:
    passed, of = case
    assert wilson(passed / of, of) == pytest.approx(wilson_interval(passed, of), abs=1e-12)


def test_repeats_that_always_agree_tell_no_more_than_one() -> None:
    once = [1.0] * 8 + [0.0] * 12
    one, four = share(once, 20), share(once, 80)
    assert (one.low, one.high) == (four.low, four.high)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=40).filter(
        lambda found: 0 < sum(map(sum, found)) < 4 * len(found)
    )
)
def test_an_interval_over_repeats_lies_between_clusters_and_independence(
    trials: list[list[bool]],
) -> None:
    found = share([fmean(one) for one in trials], 4 * len(trials))
    widest = wilson(found.value, len(trials))
    narrowest = wilson(found.value, 4 * len(trials))
    assert widest[0] <= found.low <= narrowest[0] <= found.value
    assert found.value <= narrowest[1] <= found.high <= widest[1]


def test_repeats_that_are_independent_count_each() -> None:
    luck = np.random.default_rng(1)
    rates = [int(one) / 4 for one in luck.binomial(4, 0.5, size=4000)]
    found = share(rates, 16_000)
    low, high = wilson(found.value, 16_000)
    assert found.high - found.low == pytest.approx(high - low, rel=0.05)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 9))
def test_pass_at_k_is_the_share_of_all_choices_of_k(tries: list[bool], k: int) -> None:
    if k > len(tries):
        return
    chosen = list(combinations(tries, k))
    assert pass_at(len(tries), sum(tries), k) == pytest.approx(fmean(map(any, chosen)))
    assert pass_all(len(tries), sum(tries), k) == pytest.approx(fmean(map(all, chosen)))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_spread_is_that_of_numpy(values: list[float]) -> None:
    found = spread(values)
    assert found.p90 == pytest.approx(float(np.percentile(values, 90)))
    assert found.median == pytest.approx(float(np.median(values)))
    assert found.total == pytest.approx(found.mean * found.n)


def test_what_a_run_comes_to() -> None:
    results = [
        sample("a", number=0, tokens=Tokens(prompt=900, completion=100), cost=0.5, seconds=2),
        sample("a", "unresolved", 1, tokens=Tokens(prompt=2000), tool_calls=9, tool_errors=2),
        sample("b", "empty_patch", 0, patch="", tool_calls=3, malformed=1),
        sample("b", "unresolved", 1, edit_calls=4, edit_errors=1, reason="turn_limit"),
        sample("c", None, 0),
        sample("c", None, 1),
        Result(key="", instance="d", sample=0, state="stopped"),
        sample("of another run"),
    ]
    found = summarise(results, [task(name) for name in "abcd"])
    assert (found.instances, found.samples, found.resolved, found.repeats) == (4, 4, 1, 2)
    assert found.missing == ("c", "d")
    assert found.infra == {"engine": 2}
    assert found.stopped == 1
    assert found.rate.value == 0.25
    assert [one.value for one in found.by_sample] == [0.5, 0.0]
    assert {k: one.value for k, one in found.pass_at.items()} == {1: 0.25, 2: 0.5}
    assert {k: one.value for k, one in found.pass_all.items()} == {1: 0.25, 2: 0.0}
    assert found.use.tokens.total == 3000
    assert found.use.cost
    assert found.use.cost.n == 1
    assert found.failures == {"wrong_fix": 1, "no_patch": 1, "turn_limit": 1}
    assert (found.tools.errors.count, found.tools.errors.of) == (2, 14)
    assert found.tools.edit_errors.value == 0.25
    assert found.tools.malformed.count == 1
    assert summarise([], []).rate.of == 0
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_an_instance_with_a_lost_sample_still_counts_for_the_smaller_k() -> None:
    results = [sample("a"), sample("a", "unresolved", 1), sample("b"), sample("b", None, 1)]
    found = summarise(results, [task("a"), task("b")])
    assert (found.pass_at[1].of, found.pass_at[2].of) == (2, 1)
    assert found.rate.value == 0.75


TESTS = {F2P: {"success": ["x"], "failure": []}, P2P: {"success": [], "failure": ["y"]}}


@pytest.mark.parametrize(
    ("kind", "solved", "expected"),
    [
        ("unresolved", {}, "wrong_fix"),
        ("patch_failed", {}, "patch_failed"),
        ("tests_timed_out", {}, "tests_timed_out"),
        ("tests_broken", {}, "tests_broken"),
        ("empty_patch", {"patch": ""}, "no_patch"),
        ("empty_patch", {"patch": "", "tool_calls": 0}, "no_tool_call"),
        ("empty_patch", {"patch": "", "edit_calls": 2, "edit_errors": 2}, "edits_failed"),
        ("empty_patch", {"patch": "", "reason": "interrupted"}, "other"),
        ("empty_patch", {"patch": "", "reason": "turn_limit"}, "turn_limit"),
        ("unresolved", {"reason": "token_limit"}, "token_limit"),
        ("unresolved", {"reason": "cost_limit"}, "cost_limit"),
        ("patch_failed", {"reason": "time_limit"}, "time_limit"),
        ("unresolved", {"reason": "context_limit"}, "context_limit"),
        ("unresolved", {"reason": "repeated_call"}, "circles"),
        ("unresolved", {"reason": "model_error"}, "model_error"),
        ("unresolved", {"reason": "a word of another agent"}, "wrong_fix"),
        ("resolved", {"reason": "turn_limit"}, None),
    ],
)
def test_each_failure_has_one_class(
    kind: VerdictKind, solved: dict[str, Any], expected: str | None
) -> None:
    assert failure_class(sample("a", kind, **solved)) == expected


def test_a_fix_that_breaks_other_tests_is_told_from_a_wrong_one() -> None:
    result = sample("a", "unresolved")
    broke = result.model_copy(update={"verdict": Verdict(kind="unresolved", tests=TESTS)})
    assert failure_class(broke) == "broke_tests"
    assert failure_class(sample("a", None)) is None
    assert set(MEANING) == set(FAILURE_CLASSES)


def test_the_border_to_scipy_can_tell() -> None:
    assert exact_binomial_p(0, 6) == pytest.approx(2 / 64)
