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


@pytest.mark.parametrize(("total", "size", "pages"), [(20, 10, 2), (10, 10, 1), (1, 1, 1), (21, 10, 3), (9, 10, 1)])
def test_full_pages_need_no_other(total, size, pages):
    assert page_count(total, size) == pages


def test_the_last_page_ends_where_the_items_do():
    found = page(3, 25, 10)
    assert (found.first, found.end) == (20, 25)


def test_an_empty_catalogue_has_an_empty_page():
    found = page(1, 0, 10)
    assert (found.first, found.end, found.of) == (0, 0, 1)


def test_there_is_no_page_after_a_full_last_one():
    with pytest.raises(LookupError, match="the last one is 2"):
        page(3, 20, 10)
