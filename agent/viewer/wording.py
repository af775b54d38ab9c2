"""How pages write amounts: short, and of equal look wherever they stand in a column."""

from __future__ import annotations


def seconds(value: float) -> str:
    """ "0.4 s", "12 s", "3 m 05 s", "1 h 02 m"."""
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 59.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} m"


def amount(value: float) -> str:
    """A count in three digits or so: "812", "4.1k", "38k", "1.2M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            shown = value / size
            return f"{shown:.1f}{unit}" if shown < 9.95 else f"{shown:.0f}{unit}"
    return f"{value:.0f}"


def dollars(value: float) -> str:
    """US dollars: cents from a dollar up, more digits below."""
    if value >= 1 or not value:
        return f"${value:,.2f}"
    return f"${value:.3f}" if value >= 0.01 else f"${value:.5f}"


def percent(value: float) -> str:
    """A share in 0..1: "62.5 %", "100 %"."""
    shown = f"{100 * value:.1f}"
    return f"{shown.removesuffix('.0') if value in (0.0, 1.0) else shown} %"


def plural(count: int, word: str) -> str:
    """ "1 file", "2 files"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
