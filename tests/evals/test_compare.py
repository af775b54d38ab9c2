"""Two runs, paired: the exact test against scipy and against counting, the interval, the words."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from qwright.agent.errors import ConfigError
from qwright.evals.result import Result
from qwright.evals.stats import Comparison, compare, summarise
from qwright.evals.stats.compare import bootstrap, shown_p, sign_flip_p
from qwright.evals.stats.render import draw_comparison, draw_summary
from tests.evals.scipy_border import exact_binomial_p
from tests.evals.test_stats import sample, task


def run_of(passes: str, *more: str) -> list[Result]:
    """Instances i0, i1, ...: "1" is resolved, "0" is not, "x" was lost; a string a sample."""
    return [
        sample(f"i{at}", None if mark == "x" else "resolved" if mark == "1" else "unresolved", n)
        for n, text in enumerate((passes, *more))
        for at, mark in enumerate(text)
    ]


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_one_sample_an_instance_is_mcnemars_exact_test(won: int, lost: int, same: int) -> None:
    differences = [Fraction(1)] * won + [Fraction(-1)] * lost + [Fraction(0)] * same
    if not differences:
        return
    expected = exact_binomial_p(won, won + lost) if won + lost else 1.0
    assert sign_flip_p(differences) == pytest.approx(expected)


def test_a_published_mcnemar() -> None:
    # Fay, "Exact McNemar's test and matching confidence intervals" (R package exact2x2): 1 and 7
    # discordant pairs.
    assert sign_flip_p([Fraction(1)] * 7 + [Fraction(-1)]) == pytest.approx(0.0703125)


@settings(deadline=None)
@given(st.lists(st.fractions(-1, 1, max_denominator=4), min_size=1, max_size=8))
def test_with_repeats_all_signs_are_counted(differences: list[Fraction]) -> None:
    seen = abs(sum(differences, Fraction(0)))
    sums = [
        abs(sum((sign * one for sign, one in zip(signs, differences, strict=True)), Fraction(0)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = sum(one >= seen for one in sums) / len(sums)
    assert sign_flip_p(differences) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.fractions(-1, 1, max_denominator=3), min_size=1, max_size=30))
def test_the_bootstrap_is_the_same_each_time_and_holds_its_mean(found: list[Fraction]) -> None:
    one = bootstrap(found)
    assert one == bootstrap(found)
    assert -1 <= one.low <= one.high <= 1
    assert one.value == pytest.approx(float(sum(found) / len(found)))
    if len(set(found)) == 1:
        assert one.low == pytest.approx(one.high)


def test_the_interval_is_as_wide_as_theory_says() -> None:
    differences = [Fraction(1)] * 60 + [Fraction(0)] * 120 + [Fraction(-1)] * 20
    found = bootstrap(differences)
    mean = 40 / 200
    error = ((80 / 200 - mean**2) / 200) ** 0.5
    assert found.low == pytest.approx(mean - 1.96 * error, abs=0.008)
    assert found.high == pytest.approx(mean + 1.96 * error, abs=0.008)


def test_a_difference_that_is_significant() -> None:
    found = compare(run_of("0000000011"), run_of("1111111011"), names=("one", "four"))
    assert found.p == pytest.approx(2 / 2**7)
    assert found.significant
    assert found.words == "four is better: significant, exact p = 0.016"
    assert [flip.instance for flip in found.gained] == [f"i{n}" for n in range(7)]
    assert found.lost == ()
    assert (found.rate_a.value, found.rate_b.value) == (0.2, 0.9)
    assert found.difference.value == pytest.approx(0.7)
    assert 0 < found.difference.low <= 0.7 <= found.difference.high <= 1


def test_differences_that_are_not() -> None:
    few = compare(run_of("00011"), run_of("11011"))
    assert not few.significant
    assert "2 instances came out differently, and fewer than 6 never suffice" in few.words
    both = compare(run_of("0001111"), run_of("1110001"))
    assert [len(both.gained), len(both.lost)] == [3, 3]
    assert both.p == 1.0
    assert compare(run_of("01"), run_of("01")).words.startswith("no instance came out differently")
    many = compare(run_of("0000011"), run_of("1111100"))
    assert many.words.endswith("chance alone does that in 1 of 2 cases")


def test_samples_are_paired_by_number_and_lost_ones_left_out() -> None:
    found = compare(run_of("01", "00", "0x"), run_of("11", "0x", "11"))
    assert (found.instances, found.pairs, found.unpaired) == (2, 4, 2)
    flip = found.gained[0]
    assert (flip.instance, flip.a, flip.b, flip.of) == ("i0", 0, 2, 3)
    assert found.difference.value == pytest.approx((2 / 3 + 0) / 2)


def test_what_has_no_counterpart_is_said() -> None:
    a, b = run_of("x1", "11", "x1"), run_of("11", "x1")
    found = compare(a, b)
    assert (found.instances, found.pairs, found.unpaired) == (1, 2, 3)
    assert found.left_out == ("i0",)
    text = drawn(found, a, b)
    assert "not compared: samples that the other run has no counterpart of: 3" in text
    assert "not compared: i0" in text


def test_a_cost_that_is_known_of_some_says_so() -> None:
    out = io.StringIO()
    found = summarise([sample("a", cost=2.5), sample("b")], [task("a"), task("b")])
    draw_summary(found, Console(file=out, width=100, color_system=None))
    assert "$2.50 (known for 1 of 2)" in out.getvalue()


def test_runs_over_different_instances_are_refused_by_name() -> None:
    with pytest.raises(ConfigError) as refused:
        compare(run_of("01x"), run_of("x111"), names=("first", "second"))
    assert str(refused.value) == (
        "the runs differ in their instances: only first graded i0; only second graded i2, i3; "
        "--common compares the 1 that both have"
    )
    found = compare(run_of("01x"), run_of("x111"), common=True)
    assert (found.instances, found.left_out) == (1, ("i0", "i2", "i3"))
    with pytest.raises(ConfigError, match="no graded sample in common"):
        compare(run_of("xx"), run_of("11"), common=True)


@pytest.mark.parametrize(("p", "shown"), [(0.5, "0.5"), (0.03125, "0.031"), (1e-9, "< 0.0001")])
def test_p_is_shown_short(p: float, shown: str) -> None:
    assert shown_p(p) == shown


def drawn(found: Comparison, a: list[Result], b: list[Result]) -> str:
    names = sorted({one.instance for one in a})
    sides = [summarise(results, [task(name) for name in names]) for results in (a, b)]
    out = io.StringIO()
    draw_comparison(found, sides[0], sides[1], Console(file=out, width=80, color_system=None))
    return out.getvalue()


def test_a_comparison_on_a_terminal() -> None:
    a, b = run_of("0000000011"), run_of("1111111001")
    text = drawn(compare(a, b, names=("one\x1b[2J", "four")), a, b)
    assert "resolved          20.0 % [5.7, 51.0]   80.0 % [49.0, 94.3]" in text
    assert "four against one: +60.0 points, 95 % interval [" in text
    assert "only four resolved (7): i0, i1, i2, i3, i4, i5, i6" in text
    assert "only one resolved (1): i8" in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_run_on_a_terminal() -> None:
    results = run_of("011x", "001x")
    out = io.StringIO()
    console = Console(file=out, width=80, color_system=None)
    draw_summary(summarise(results, [task(f"i{n}") for n in range(4)]), console)
    text = out.getvalue()
    assert text.startswith("resolved 3 of 6   50.0 %, 95 % interval [")
    assert "of 2           66.7 % [" in text
    assert "    3  wrong fix" in text
    assert "failed for the infrastructure, counted nowhere: engine 2; run again" in text
    assert "not graded: 1 of 4 instances" in text
