from __future__ import annotations

import asyncio

import pytest

from qwright.agent.limits import SAME_CALL_STOP, Budget, Circles, Limits, Stop
from qwright.agent.model import Usage
from tests.fakes import call


def test_a_token_limit_counts_prompt_and_answer() -> None:
    budget = Budget(Limits(tokens=100))
    budget.spend(Usage(prompt=60, cached=50, completion=39), None)
    budget.check_spending()
    budget.spend(Usage(completion=1), None)
    with pytest.raises(Stop) as caught:
        budget.check_spending()
    assert caught.value.reason == "token_limit"


def test_no_limit_is_no_limit() -> None:
    budget = Budget(Limits(turns=None))
    for _ in range(1000):
        budget.next_turn()
    budget.spend(Usage(prompt=10**9), None)
    budget.check_spending()


def test_a_cost_limit_counts_what_was_spent() -> None:
    budget = Budget(Limits(cost=0.3))
    budget.spend(Usage(prompt=1), 0.2)
    budget.check_spending()
    report = budget.spend(Usage(prompt=2), 0.1)
    assert report.cost == 0.1
    assert report.total_cost == pytest.approx(0.3)
    assert (report.request.prompt, report.total.prompt) == (2, 3)
    with pytest.raises(Stop) as caught:
        budget.check_spending()
    assert caught.value.reason == "cost_limit"
    assert "$0.3000" in str(caught.value)


def test_a_cost_that_is_not_known_stays_unknown() -> None:
    budget = Budget(Limits())
    for cost in (0.2, None, 0.1):
        budget.spend(Usage(prompt=1), cost)
    assert budget.cost is None
    budget.check_spending()


def test_work_that_is_stopped_has_ended_before_stop_is_raised() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("done")

    async def main(budget: Budget) -> None:
        asyncio.get_running_loop().call_later(0.01, budget.interrupt)
        with pytest.raises(Stop) as caught:
            await budget.wait(work())
        assert caught.value.reason == "interrupted"

    asyncio.run(main(Budget(Limits())))
    assert cleaned == ["done"]


def test_work_that_ended_counts_even_when_stopped_just_then() -> None:
    async def work(budget: Budget) -> str:
        budget.interrupt()
        return "result"

    async def main(budget: Budget) -> None:
        assert await budget.wait(work(budget)) == "result"
        with pytest.raises(Stop):
            await budget.wait(asyncio.sleep(60))

    asyncio.run(main(Budget(Limits())))


def test_the_first_reason_to_stop_is_the_one() -> None:
    async def main(budget: Budget) -> None:
        budget.fail(ValueError("first"))
        budget.interrupt()
        with pytest.raises(ValueError, match="first"):
            await budget.wait(asyncio.sleep(60))

    asyncio.run(main(Budget(Limits())))


def test_time_is_up_without_any_wait() -> None:
    async def main(budget: Budget) -> None:
        with pytest.raises(Stop) as caught:
            await budget.wait(asyncio.sleep(60))
        assert caught.value.reason == "time_limit"

    asyncio.run(main(Budget(Limits(seconds=1e-9))))


def test_cancelling_the_wait_cancels_the_work() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def main(budget: Budget) -> None:
        waiting = asyncio.create_task(budget.wait(work()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main(Budget(Limits())))
    assert ended == ["work"]


def test_circles_look_at_calls_and_files_together() -> None:
    circles = Circles()
    one, two = call("read_file", path="a"), call("read_file", path="b")
    assert [circles.check([one], "t1"), circles.check([one], "t1")] == [1, 2]
    assert circles.check([two], "t1") == 1
    assert circles.check([one, two], "t1") == 1
    assert circles.check([one], "t2") == 1
    for _ in range(SAME_CALL_STOP - 3):
        circles.check([one], "t1")
    with pytest.raises(Stop) as caught:
        circles.check([one], "t1")
    assert caught.value.reason == "repeated_call"


def test_the_order_of_arguments_makes_no_difference() -> None:
    circles = Circles()
    there = call("edit", path="a", old_string="b")
    back = call("edit", old_string="b", path="a")
    assert circles.check([there], "") == 1
    assert circles.check([back], "") == 2
