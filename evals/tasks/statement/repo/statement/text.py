"""The text of a file, whatever it was written in."""

from pathlib import Path


def read_text(path):
    """The text of the file at `path`."""
    return Path(path).read_text(encoding="utf-8")
