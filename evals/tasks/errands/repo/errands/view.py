"""The list as text."""


def line(item):
    """Such as "[x]  3 water the plants"."""
    mark = "x" if item.done else " "
    return f"[{mark}] {item.number:>2} {item.text}"


def show(items):
    """All items, a line each; open ones first, each part by number."""
    ordered = sorted(items, key=lambda item: (item.done, item.number))
    return "\n".join(line(item) for item in ordered)
