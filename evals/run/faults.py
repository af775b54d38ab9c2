"""Whose fault an error is: the infrastructure's, by class, or the whole run's."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from qwright.agent.embedded.errors import ServerError, WeightsError
from qwright.agent.errors import (
    ConfigError,
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
)
from qwright.agent.retry import is_transient
from qwright.evals.result import Fault, Solution
from qwright.sandbox.errors import QwrightError, SandboxError, WorkspaceError


class ImageError(SandboxError):
    """What the sample was to run in could not be had."""


class LostError(SandboxError):
    """A container or its files broke while the agent worked in them, by whose fault is open."""

    def __init__(self, cause: QwrightError, solution: Solution) -> None:
        super().__init__(str(cause))
        self.solution = solution
        """What there was until then: where every try ends so, it is the agent's own doing."""


FURTHER_TRIES: Mapping[Fault, int] = {
    "model": 5,
    "engine": 3,
    "image": 2,
    "workspace": 2,
    "worker": 0,
    "disk": 0,
}
"""A bug is one again, and a full disk stays full."""
_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (ModelConnectionError, "model"),
    (ServerError, "model"),
    (ImageError, "image"),
    (SandboxError, "engine"),
    (WorkspaceError, "workspace"),
    (OSError, "workspace"),
)
"""The first that fits."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def ends_run(error: QwrightError) -> bool:
    """Whether every other instance would meet it too, and waiting mends nothing."""
    match error:
        case ConfigError() | ModelAuthError() | WeightsError():
            return True
        case ModelStatusError():
            return error.status == 404
        case _:
            return type(error) is ModelError  # no credit left


def fault_of(error: QwrightError | OSError) -> Fault | None:
    """The class of an infrastructure error; None for what is the agent's own doing."""
    if _is_full(error):
        return "disk"
    if isinstance(error, ModelStatusError):
        return "model" if is_transient(error) else None
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), None)


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
