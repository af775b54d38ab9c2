"""As a run of one prompt ends by Ctrl-C, so does an eval."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from qwright.agent import signals


def interrupting(interrupt: Callable[[], object]) -> AbstractContextManager[None]:
    """See `qwright.agent.signals.interrupting`."""
    return signals.interrupting(interrupt, "the same command goes on")
