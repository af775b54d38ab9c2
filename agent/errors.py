"""Errors of the agent's own layer; see `qwright.sandbox.errors` for the tree."""

from __future__ import annotations

from qwright.sandbox.errors import QwrightError


class ConfigError(QwrightError):
    """A flag, a configuration file or an input is wrong."""


class ModelError(QwrightError):
    """The model server could not be reached or did not answer as it must."""


class ModelAuthError(ModelError):
    """The server refused the key (401, 403)."""


class ModelConnectionError(ModelError):
    """No connection, or it broke before the answer was complete. Worth a retry."""


class ModelStatusError(ModelError):
    """The server answered with an error status."""

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        """Seconds the server asked to wait, from its Retry-After header."""


class ToolsRefusedError(ModelStatusError):
    """The server takes no tools for this model. It can still write calls as text."""


class ConstraintRefusedError(ModelStatusError):
    """The server cannot hold answers to the schema or grammar it was sent."""


class ContextOverflowError(ModelError):
    """The request does not fit the model's window. Never sent again as it is."""

    def __init__(self, message: str, window: int | None = None, prompt: int | None = None) -> None:
        super().__init__(message)
        self.window = window
        """Tokens, where the server named its window."""
        self.prompt = prompt
        """Tokens of the refused prompt, where the server named them."""
