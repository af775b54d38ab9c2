"""Screens kept as text files: what the REPL looked like when somebody looked at it.

They are written anew only with QWRIGHT_GOLDEN=write in the environment; look at the difference.
What differs from run to run (times, ids, rates, paths) is masked here and nowhere else.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
WRITE = "QWRIGHT_GOLDEN"
_MASKS = (
    # Session ids: 20261122-175337-ab12cd, or what is left of them when cut.
    (r"\b20\d{6}-\d{6}(-[0-9a-z]+)?", "<session>"),
    (r"\b[0-9a-f]{7,40}\b", "<commit>"),
    (r"/(?:tmp|var|private|home|root)/[^\s:,)]*?/(repo|home)\b", r"<\1>"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", "<time>"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "<time>"),
    (r"\b\d+m ?\d+s\b|\b\d+ min( \d+ s)?\b", "<t>"),
    (r"(?<![\w.])[<]? ?\d+(\.\d+)? ?(ms|s)\b", "<t>"),
    (r"(?<![\w.])\d+(\.\d+)? ?秒", "<t>"),
    (r"\b\d+(\.\d+)? ?(tok(ens)?/s|t/s)", "<rate>"),
    (r"[⠀-⣿]", "*"),
    # A call that took no time says nothing of it.
    (r"(?<=\S)( ·|  ) ?<t>$", ""),
    (r"/tmp/\S+|/var/\S+|/private/\S+", "<path>"),
)
_MASK = re.compile(r"<(session|commit|repo|home|time|t|rate|path)>")


def masked(text: str) -> str:
    """The text with what differs from run to run taken out.

    Where something was taken out of a line its runs of blanks shrink to three: they were padding
    to the length of what stood there.
    """
    return "\n".join(_masked_line(line) for line in text.splitlines())


def check(name: str, text: str) -> None:
    """Compare a screen with its golden file; with QWRIGHT_GOLDEN=write make the file instead."""
    file = FOLDER / f"{name}.txt"
    found = masked(text).rstrip() + "\n"
    if os.environ.get(WRITE) == "write":
        file.write_text(found)
    assert file.exists(), f"{file.name} is missing; look at the screen, then {WRITE}=write\n{found}"
    assert found == file.read_text(), f"{file.name} differs; shown is\n{found}"


def _masked_line(line: str) -> str:
    found = line
    for pattern, replacement in _MASKS:
        found = re.sub(pattern, replacement, found)
    if not _MASK.search(found):
        return found
    return re.sub(r"(?<=\S) {3,}", "   ", found)
