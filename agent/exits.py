"""The exit codes, documented in README.md. Where rivals agree on a number, it is theirs."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from qwright.agent.errors import ConfigError, ModelAuthError, ModelError
from qwright.sandbox.errors import QwrightError

if TYPE_CHECKING:
    from qwright.agent.events import StopReason


class Exit(IntEnum):
    DONE = 0
    BUG = 1
    NOT_VERIFIED = 3
    NOT_APPLIED = 4
    AUTH = 41
    USAGE = 42
    MODEL = 43
    SANDBOX = 44
    TURN_LIMIT = 53
    LIMIT = 55
    INTERRUPTED = 130


_OF_REASON: dict[StopReason, Exit] = {
    "done": Exit.DONE,
    "not_verified": Exit.NOT_VERIFIED,
    "turn_limit": Exit.TURN_LIMIT,
    "token_limit": Exit.LIMIT,
    "cost_limit": Exit.LIMIT,
    "time_limit": Exit.LIMIT,
    "context_limit": Exit.LIMIT,
    "repeated_call": Exit.LIMIT,
    "key_refused": Exit.AUTH,
    "model_error": Exit.MODEL,
    "sandbox_error": Exit.SANDBOX,
    "interrupted": Exit.INTERRUPTED,
}


def of_reason(reason: StopReason) -> Exit:
    return _OF_REASON[reason]


def of_error(error: QwrightError) -> Exit:
    """The exit code of an error that ends a command."""
    from qwright.sandbox.accept import ConflictError

    match error:
        case ConflictError():
            return Exit.NOT_APPLIED
        case ModelAuthError():
            return Exit.AUTH
        case ConfigError():
            return Exit.USAGE
        case ModelError():
            return Exit.MODEL
        case _:
            return Exit.SANDBOX
