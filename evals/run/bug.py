"""A bug met while a sample was made: it costs that sample, and is told in full in a file."""

from __future__ import annotations

import platform
import traceback
from pathlib import Path

from qwright.agent import __version__


def report_bug(bug: Exception, folder: Path) -> str:
    """Write bug.txt into the sample's folder; the line that says so."""
    head = f"qwright {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    text = head + "".join(traceback.format_exception(bug))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bug.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    return f"this is a bug in qwright ({type(bug).__name__}); the report is in bug.txt"
