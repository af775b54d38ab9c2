from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from qwright.evals.bench.measure import Budget, Row, interleaved, median, number, p90, table


def test_the_ratio_is_ours_over_the_reference() -> None:
    row = Row("start", "s", 0.5, 2.0, "aider", Budget(0.5))

    assert row.ratio == 0.25
    assert row.cells() == ["start", "0.50 s", "2.00 s aider", "0.25", "<= 0.5 x", "ok"]


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        (Budget(1.2), "ok"),
        (Budget(1.1), "over"),
        (Budget(1.2, least=True), "ok"),
        (Budget(1.3, least=True), "over"),
        (Budget(120, of="value"), "ok"),
        (Budget(119, of="value"), "over"),
        (None, "-"),
    ],
)
def test_a_budget_is_for_the_ratio_or_for_the_value(budget: Budget | None, verdict: str) -> None:
    assert Row("exec", "ms", 120, 100, budget=budget).verdict == verdict


def test_without_a_reference_there_is_no_ratio_but_a_value_is_still_judged() -> None:
    row = Row("tokens", "tokens", 901, budget=Budget(900, of="value"))

    assert row.ratio is None
    assert row.cells() == ["tokens", "901 tokens", "-", "-", "<= 900 tokens", "over"]


def test_what_was_not_measured_is_neither_ok_nor_over() -> None:
    row = Row("startup", "s", None, 2.0, budget=Budget(0.5))

    assert row.verdict == "-"
    assert row.cells()[1] == "-"


def test_p90_is_a_measured_value() -> None:
    assert p90([float(n) for n in range(10, 0, -1)]) == 9.0
    assert p90([3.0]) == 3.0
    assert p90([1.0, 2.0]) == 2.0


def test_median_of_an_even_number_of_values_lies_between_them() -> None:
    assert median([4.0, 1.0, 3.0, 100.0]) == 3.5


@pytest.mark.parametrize("statistic", [median, p90])
def test_no_values_have_no_statistics(statistic: Callable[[list[float]], float]) -> None:
    with pytest.raises(ValueError, match="of no values"):
        statistic([])


@pytest.mark.parametrize(
    ("value", "shown"), [(0.123, "0.12"), (9.999, "10.00"), (12.34, "12.3"), (17690.4, "17,690")]
)
def test_numbers_are_short_and_without_exponents(value: float, shown: str) -> None:
    assert number(value) == shown


def test_measures_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []

    def measured(name: str) -> Callable[[], Awaitable[float]]:
        async def once() -> float:
            order.append(name)
            return len(order)

        return once

    found = asyncio.run(interleaved(3, {name: measured(name) for name in "abc"}))

    assert "".join(order) == "abcbcacab"
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_the_table_is_aligned_plain_text_or_markdown() -> None:
    rows = [Row("start", "s", 1.0, 4.0, "aider", Budget(0.5)), Row("a longer name", "ms", 20)]

    assert table(rows).splitlines() == [
        "what           ours     reference     ratio  budget    verdict",
        "start          1.00 s   4.00 s aider  0.25   <= 0.5 x  ok",
        "a longer name  20.0 ms  -             -      -         -",
    ]
    assert table(rows, markdown=True).splitlines()[:3] == [
        "| what          | ours    | reference    | ratio | budget   | verdict |",
        "| ------------- | ------- | ------------ | ----- | -------- | ------- |",
        "| start         | 1.00 s  | 4.00 s aider | 0.25  | <= 0.5 x | ok      |",
    ]
