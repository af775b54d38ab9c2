"""A seam for the crash tests: die at a named place, as `kill -9` would."""

from __future__ import annotations

import os
import signal

_VARIABLE = "QWRIGHT_FAILPOINT"


def failpoint(name: str) -> None:
    """Kill this process when the variable names this place ("name" or "name:3", third time)."""
    wanted, _, left = os.environ.get(_VARIABLE, "").partition(":")
    if wanted != name:
        return
    remaining = int(left or 1) - 1
    if remaining > 0:
        os.environ[_VARIABLE] = f"{name}:{remaining}"
        return
    os.kill(os.getpid(), signal.SIGKILL)
