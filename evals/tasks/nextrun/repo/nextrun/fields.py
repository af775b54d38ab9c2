"""One field of a cron line."""

from dataclasses import dataclass


class BadLine(ValueError):
    """A line that is no cron line."""


@dataclass(frozen=True)
class Field:
    values: frozenset
    restricted: bool


LIMITS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}


def read_field(text, name):
    """The numbers a field stands for. Raises BadLine."""
    low, high = LIMITS[name]
    values = set()
    for part in text.split(","):
        values |= _part(part, name, low, high)
    return Field(frozenset(values), text != "*")


def _part(part, name, low, high):
    span, _, step = part.partition("/")
    if span == "*":
        first, last = low, high
    else:
        start, _, end = span.partition("-")
        first = _number(start, name)
        last = _number(end, name) if end else first
    if not low <= first <= last <= high:
        raise BadLine(f"{name}: {part} is not within {low}-{high}")
    width = _number(step, name) if step else 1
    return set(range(first, last + 1, width))


def _number(text, name):
    if not text.isascii() or not text.isdigit():
        raise BadLine(f"{name}: {text!r} is no number")
    return int(text)
