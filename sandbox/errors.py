"""The error tree. Every message is one line: what is wrong, and what to do.

QwrightError
    SandboxError         no engine, no image, container lost
    WorkspaceError       checkout, checkpoints, applying a result
        PathError        a path a tool may not or cannot use
    (agent.errors)       ModelError, ConfigError
"""

from __future__ import annotations


class QwrightError(Exception):
    """Base of all errors shown to a user as one line on stderr."""


class SandboxError(QwrightError):
    """The container engine, the image or the container failed."""


class WorkspaceError(QwrightError):
    """The session checkout, its checkpoints or applying a result failed."""


class PathError(WorkspaceError):
    """A path cannot be used: it is missing, leads outside, or is not a regular file."""
