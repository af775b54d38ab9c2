from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qwright.agent.errors import ModelAuthError, ModelConnectionError, ModelError, ModelStatusError
from qwright.agent.retry import RetryPolicy, retry_after, retry_wait

POLICY = RetryPolicy(retries=3, first=1.0, most=3.0, patience=10.0)
BROKEN = ModelConnectionError("broke")


def test_waits_double_up_to_the_longest_and_then_end() -> None:
    waits = [retry_wait(BROKEN, n, POLICY, jitter=0.0) for n in (1, 2, 3, 4)]
    assert waits == [1.0, 2.0, 3.0, None]


def test_jitter_shortens_by_at_most_a_quarter() -> None:
    assert retry_wait(BROKEN, 1, POLICY, jitter=0.5) == 0.875


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_passing_statuses_are_tried_again(status: int) -> None:
    assert retry_wait(ModelStatusError("x", status), 1, POLICY, jitter=0.0) == 1.0


@pytest.mark.parametrize(
    "error",
    [ModelStatusError("x", 400), ModelStatusError("x", 404), ModelAuthError("x"), ModelError("x")],
)
def test_lasting_errors_are_not(error: ModelError) -> None:
    assert retry_wait(error, 1, POLICY, jitter=0.0) is None


def test_a_server_may_choose_the_wait_within_limits() -> None:
    for asked, wait in ((0.0, 0.0), (7.0, 7.0), (10.0, 10.0), (11.0, None)):
        assert retry_wait(ModelStatusError("x", 429, asked), 2, POLICY, jitter=0.9) == wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_both_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)) == seconds
