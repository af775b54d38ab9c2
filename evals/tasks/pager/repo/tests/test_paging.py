import pytest
from catalogue.paging import page, page_count


def test_a_part_of_a_page_is_a_page():
    assert page_count(25, 10) == 3


def test_nothing_still_has_a_page():
    assert page_count(0, 10) == 1


def test_a_page_in_the_middle():
    found = page(2, 25, 10)
    assert (found.first, found.end, found.of) == (10, 20, 3)


def test_no_page_before_the_first():
    with pytest.raises(LookupError):
        page(0, 25, 10)


def test_a_page_must_hold_something():
    with pytest.raises(ValueError, match="at least one"):
        page_count(5, 0)
