"""The arithmetic of pages. Pages count from 1."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    number: int
    of: int
    first: int
    """Position of the first item, counted from 0."""
    end: int
    """One past the position of the last item."""


def page_count(total, size):
    """How many pages `total` items need. An empty catalogue still has one (empty) page."""
    if size < 1:
        raise ValueError("a page holds at least one item")
    return total // size + 1


def page(number, total, size):
    """The page with this number. Raises LookupError when there is no such page."""
    of = page_count(total, size)
    if not 1 <= number <= of:
        raise LookupError(f"there is no page {number}, the last one is {of}")
    first = (number - 1) * size
    return Page(number, of, first, first + size)
