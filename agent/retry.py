"""Whether a failed request is sent again, and after how many seconds: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from qwright.agent.errors import (
    ConstraintRefusedError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
    ToolsRefusedError,
)

_TRANSIENT = (408, 409, 429)
_LASTING = (ToolsRefusedError, ConstraintRefusedError)
"""Whatever their status, which with some servers is 500."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient to be with a server. Times are in seconds."""

    retries: int = 4
    first: float = 0.5
    """Wait before the first retry; it doubles with each further one."""
    most: float = 30.0
    """Longest wait of our own choosing."""
    patience: float = 120.0
    """Longest wait a server may ask for; beyond it the error is shown at once."""


def retry_wait(
    error: ModelError, failures: int, policy: RetryPolicy, *, jitter: float
) -> float | None:
    """Seconds to wait before the next try, or None when there is to be none.

    `failures` counts the failed tries including this one; `jitter` lies in [0, 1) and shortens the
    wait by up to a quarter, so that clients which failed together do not come back together.
    """
    if failures > policy.retries or not is_transient(error):
        return None
    asked = error.retry_after if isinstance(error, ModelStatusError) else None
    if asked is not None:
        return asked if asked <= policy.patience else None
    wait = min(policy.most, policy.first * 2.0 ** (failures - 1))
    return wait * (1 - jitter / 4)


def is_transient(error: ModelError) -> bool:
    """Whether the same request may well succeed later."""
    if isinstance(error, ModelStatusError) and not isinstance(error, _LASTING):
        return error.status in _TRANSIENT or error.status >= 500
    return isinstance(error, ModelConnectionError)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds a server asks to wait: `retry-after-ms`, or Retry-After as seconds or as a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
