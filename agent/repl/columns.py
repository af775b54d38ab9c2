"""Small tables and bars as plain text, measured in terminal columns: Chinese takes two each."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.tools.sanitise import sanitise


def table(rows: Sequence[Sequence[str]], width: int) -> str:
    """Rows in aligned columns, the last one cut so that no line is wider than `width`.

    Texts may come from outside: they are made harmless here.
    """
    if not rows:
        return ""
    plain = [[flat(cell) for cell in row] for row in rows]
    columns = max(map(len, plain))
    whole = [row + [""] * (columns - len(row)) for row in plain]
    sizes = [max(columns_of(row[place]) for row in whole) for place in range(columns - 1)]
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
        room = width - columns_of(drawn)
        columns = round(share * width / max(whole, 1)) or (1 if share > 0 else 0)
        drawn += mark * max(0, min(columns, room))
    return drawn + "·" * (width - columns_of(drawn))


def one_line(text: str, width: int = 10_000) -> str:
    """`text` harmless, on one line without needless blanks, no wider than `width` columns."""
    return cut(" ".join(sanitise(text).split()), width)


def flat(text: str) -> str:
    """`text` harmless and on one line, its blanks kept."""
    return sanitise(text).replace("\n", " ").replace("\t", " ")


def cut(text: str, width: int) -> str:
    """`text` with a "…" for its end where it is wider than `width` columns."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def columns_of(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _line(row: Sequence[str], sizes: Sequence[int], width: int) -> str:
    padded = [
        cell + " " * (size - columns_of(cell)) for cell, size in zip(row[:-1], sizes, strict=True)
    ]
    return cut(("  ".join([*padded, row[-1]])).rstrip(), width)
