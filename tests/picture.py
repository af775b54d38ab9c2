"""A window of a test as a picture: an SVG that needs nothing from elsewhere."""

from __future__ import annotations

from html import escape

from tests.emulator import Cell

_ADVANCE, _LINE, _PAD, _SIZE = 8.4, 19.0, 14.0, 14
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, Noto Sans Mono CJK SC"
_COLOURS = {
    "default": "#d7dae0",
    "black": "#5c6370",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#d9a05b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#d7dae0",
    "brightblack": "#7f848e",
    "brightred": "#ef7b85",
    "brightgreen": "#a9d489",
    "brightbrown": "#e5c07b",
    "brightblue": "#74bdf7",
    "brightmagenta": "#d38ae8",
    "brightcyan": "#66c6d2",
    "brightwhite": "#ffffff",
}
_GROUND = "#1e2127"


def svg(rows: list[list[Cell]], title: str) -> str:
    """The rows of cells as a window called `title`."""
    columns = max(map(len, rows))
    width = columns * _ADVANCE + 2 * _PAD
    height = (len(rows) + 1) * _LINE + 2 * _PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" font-family="{_FONT}, monospace" font-size="{_SIZE}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="9" fill="{_GROUND}"/>',
        *(
            f'<circle cx="{_PAD + 4 + 16 * at:.0f}" cy="16" r="5" fill="{colour}"/>'
            for at, colour in enumerate(("#e06c75", "#e5c07b", "#98c379"))
        ),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, _PAD + (number + 1.7) * _LINE)
    return "\n".join([*parts, "</svg>", ""])


def _row(row: list[Cell], baseline: float) -> list[str]:
    """Runs of cells of one look, each placed by itself, so that no font can shift the others."""
    parts: list[str] = []
    start = 0
    for at in range(1, len(row) + 1):
        if at < len(row) and _look(row[at]) == _look(row[start]) and row[at].text.isascii():
            continue
        parts += _run(row[start:at], _PAD + start * _ADVANCE, baseline)
        start = at
    return parts


def _run(cells: list[Cell], x: float, baseline: float) -> list[str]:
    text = "".join(cell.text for cell in cells)
    ink, ground = _colour(cells[0].colour), _colour(cells[0].background, _GROUND)
    if cells[0].reverse:
        ink, ground = ground, ink
    parts: list[str] = []
    if ground != _GROUND:
        parts.append(
            f'<rect x="{x:.1f}" y="{baseline - 14:.1f}" width="{len(cells) * _ADVANCE:.1f}" '
            f'height="{_LINE:.0f}" fill="{ground}"/>'
        )
    if text.strip():
        bold = ' font-weight="bold"' if cells[0].bold else ""
        parts.append(
            f'<text x="{x:.1f}" y="{baseline:.1f}" fill="{ink}"{bold} xml:space="preserve">'
            f"{escape(text)}</text>"
        )
    return parts


def _look(cell: Cell) -> tuple[str, str, bool, bool]:
    return cell.colour, cell.background, cell.bold, cell.reverse


def _colour(name: str, default: str = _COLOURS["default"]) -> str:
    if name == "default":
        return default
    return _COLOURS.get(name) or f"#{name}"
