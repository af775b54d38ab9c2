"""What can go wrong before the embedded model answers; every message is one line."""

from __future__ import annotations

from qwright.agent.errors import ModelError


class WeightsError(ModelError):
    """The weights cannot be fetched, do not fit on the disk, or are not what they should be."""


class ServerError(ModelError):
    """The embedded server does not start or does not answer."""
