from datetime import datetime

import pytest
from nextrun import BadLine, NeverRuns, Schedule


def test_later_the_same_day():
    assert Schedule("30 18 * * *").after(datetime(2024, 5, 3, 12, 0)) == datetime(2024, 5, 3, 18, 30)


def test_every_quarter_of_an_hour():
    assert Schedule("*/15 * * * *").after(datetime(2024, 5, 3, 12, 1)) == datetime(2024, 5, 3, 12, 15)


def test_next_year():
    assert Schedule("0 0 1 1 *").after(datetime(2024, 5, 31, 12, 0)) == datetime(2025, 1, 1)


@pytest.mark.parametrize("line", ["* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "* * 0 * *"], ids=["short", "big", "letter", "backwards", "small"])
def test_bad_lines(line):
    with pytest.raises(BadLine):
        Schedule(line)


def after(line, *moment):
    return Schedule(line).after(datetime(*moment))


def test_never_the_same_minute():
    assert after("30 6 * * *", 2024, 5, 3, 6, 30) == datetime(2024, 5, 4, 6, 30)
    assert after("* * * * *", 2024, 5, 3, 6, 30) == datetime(2024, 5, 3, 6, 31)


def test_seconds_do_not_matter():
    assert after("30 6 * * *", 2024, 5, 3, 6, 29, 59, 999) == datetime(2024, 5, 3, 6, 30)
    assert after("30 6 * * *", 2024, 5, 3, 6, 30, 1) == datetime(2024, 5, 4, 6, 30)


def test_from_the_last_day_of_a_month_to_the_first_of_the_next():
    assert after("0 8 5 * *", 2024, 4, 30, 9, 0) == datetime(2024, 5, 5, 8, 0)
    assert after("0 8 5 * *", 2024, 12, 31, 9, 0) == datetime(2025, 1, 5, 8, 0)


def test_the_29th_of_february():
    assert after("0 0 29 2 *", 2024, 3, 1) == datetime(2028, 2, 29)
    assert after("0 0 29 2 *", 2096, 3, 1) == datetime(2104, 2, 29)


def test_never():
    with pytest.raises(NeverRuns):
        after("0 0 30 2 *", 2024, 1, 1)


def test_monday_is_one():
    assert after("0 9 * * 1", 2024, 5, 3) == datetime(2024, 5, 6, 9, 0)


def test_both_numbers_of_sunday():
    assert after("0 9 * * 0", 2024, 5, 3) == datetime(2024, 5, 5, 9, 0)
    assert after("0 9 * * 7", 2024, 5, 3) == datetime(2024, 5, 5, 9, 0)
    assert after("0 9 * * 6-7", 2024, 5, 4, 9, 0) == datetime(2024, 5, 5, 9, 0)


def test_either_day_when_both_are_restricted():
    line = "0 9 13 * 5"
    assert after(line, 2024, 5, 3, 10) == datetime(2024, 5, 10, 9, 0)
    assert after(line, 2024, 5, 10, 10) == datetime(2024, 5, 13, 9, 0)


def test_both_days_when_one_begins_with_a_star():
    assert after("0 9 */10 * 5", 2024, 5, 3, 10) == datetime(2024, 5, 31, 9, 0)
    assert after("0 9 13 * *", 2024, 5, 3, 10) == datetime(2024, 5, 13, 9, 0)


def test_a_number_with_a_step_goes_on_to_the_end():
    schedule, moment, seen = Schedule("5/15 4 * * *"), datetime(2024, 5, 3), []
    for _ in range(5):
        moment = schedule.after(moment)
        seen.append((moment.day, moment.minute))
    assert seen == [(3, 5), (3, 20), (3, 35), (3, 50), (4, 5)]


@pytest.mark.parametrize("line", ["*/0 * * * *", "1-5/0 * * * *", "1- * * * *", "*/ * * * *", "1,,2 * * * *"], ids=["no-step", "range-no-step", "open-range", "open-step", "gap"])
def test_more_bad_lines(line):
    with pytest.raises(BadLine):
        Schedule(line)
