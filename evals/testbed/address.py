"""Addresses as they may be shown."""

from __future__ import annotations

import re

from qwright.tools.sanitise import sanitise

_USER = re.compile(r"(?<=://)[^/@\s]+@")


def public(text: object) -> str:
    """The first line of a text, without the user names and passwords of the addresses in it."""
    lines = sanitise(_USER.sub("", str(text))).strip().splitlines()
    return lines[0][:300] if lines else ""
