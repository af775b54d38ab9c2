"""Rules: called with a value, they give a message when it is wrong, else None.

A rule that has to remember something while many rows are checked has a method `start`, which is
called before the first one.
"""


def required(value):
    return None if value.strip() else "is missing"


def between(low, high):
    def rule(value):
        if not value.strip():
            return None
        good = value.strip().lstrip("-").isdigit() and low <= int(value) <= high
        return None if good else f"must be between {low} and {high}"

    return rule


class unique:
    """The value is not in `known`, and not twice in one `check_all`."""

    def __init__(self, known=()):
        self.seen = set(known)

    def __call__(self, value):
        if value in self.seen:
            return "is taken"
        self.seen.add(value)
        return None
