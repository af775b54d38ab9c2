from datetime import datetime

import pytest
from nextrun import BadLine, Schedule


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
