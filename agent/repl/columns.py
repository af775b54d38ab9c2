"""Small tables and bars as plain text, measured in terminal columns: Chinese takes two each."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent.render.ink import columns, cut
from qwright.tools.sanitise import sanitise


def table(rows: Sequence[Sequence[str]], width: int) -> str:
    """Rows in aligned columns, the last one cut so that no line is wider than `width`.

    Texts may come from outside: they are made harmless here.
    """
    if not rows:
        return ""
    plain = [[flat(cell) for cell in row] for row in rows]
    most = max(map(len, plain))
    whole = [row + [""] * (most - len(row)) for row in plain]
    sizes = [max(columns(row[place]) for row in whole) for place in range(most - 1)]
    return "\n".join(_line(row, sizes, width) for row in whole)


def facts(pairs: Sequence[tuple[str, str]], width: int) -> str:
    """Name and value, a line each; what has no value is left out."""
    return table([pair for pair in pairs if pair[1]], width)


def bar(shares: Sequence[tuple[str, int]], whole: int, width: int) -> str:
    """A bar of `width` columns: a letter's worth of `whole` for each share, then dots.

    Every share above zero gets a column as long as there are any.
    """
    drawn = ""
    for mark, share in shares:
        room = width - columns(drawn)
        long = round(share * width / max(whole, 1)) or (1 if share > 0 else 0)
        drawn += mark * max(0, min(long, room))
    return drawn + "·" * (width - columns(drawn))


def one_line(text: str, width: int = 10_000) -> str:
    """`text` harmless, on one line without needless blanks, no wider than `width` columns."""
    return cut(" ".join(sanitise(text).split()), width)


def flat(text: str) -> str:
    """`text` harmless and on one line, its blanks kept."""
    return sanitise(text).replace("\n", " ").replace("\t", " ")


def _line(row: Sequence[str], sizes: Sequence[int], width: int) -> str:
    padded = [
        cell + " " * (size - columns(cell)) for cell, size in zip(row[:-1], sizes, strict=True)
    ]
    return cut(("  ".join([*padded, row[-1]])).rstrip(), width)
