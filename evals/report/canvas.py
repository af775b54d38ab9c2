"""matplotlib's border: figures whose SVG takes its colours and its font from the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from qwright.agent.errors import ConfigError

# Each stands for a variable of the page's style, so that a plot follows dark mode and print.
INKS = {
    "ink": "#010101",
    "soft": "#020202",
    "line": "#030303",
    "good": "#040404",
    "bad": "#050505",
    "edge": "#060606",
    **{f"run-{number}": f"#1{number}1{number}1{number}" for number in range(6)},
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "qwright",
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": INKS["ink"],
    "axes.edgecolor": INKS["edge"],
    "axes.labelcolor": INKS["soft"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": INKS["line"],
    "grid.linewidth": 0.8,
    "xtick.color": INKS["soft"],
    "ytick.color": INKS["soft"],
    "ytick.left": False,
    "ytick.minor.left": False,
    "xtick.major.size": 3,
    "xtick.minor.size": 0,
}


class Canvas:
    """One plot: `axes` is matplotlib's, `svg` what came of it once the block is left."""

    def __init__(self, axes: Any) -> None:
        self.axes = axes
        self.svg = ""


@contextmanager
def canvas(name: str, height: float = 2.4) -> Generator[Canvas]:
    """A plot 4.9 inches wide. `name` makes the ids in it its own on the page.

    Raises ConfigError when matplotlib is missing.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("the report needs `pip install 'qwright[eval]'`") from None
    plotting = cast("Any", matplotlib)
    with plotting.rc_context(_STYLE), warnings.catch_warnings():
        # A name may have letters that matplotlib's own font lacks; the browser's has them.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = cast("Any", Figure(figsize=(4.9, height), layout="constrained"))
        drawn = Canvas(figure.add_subplot())
        yield drawn
        out = io.BytesIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    drawn.svg = _of_the_page(out.getvalue().decode(), name)


def _of_the_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # The browser has other fonts than the metrics here, so the page's own is as good as any.
    svg = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font: \1px var(--sans)", svg)
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(
        r'<svg[^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg
    )
    for ink, colour in INKS.items():
        svg = svg.replace(colour, f"var(--{ink})")
    return svg.strip()
