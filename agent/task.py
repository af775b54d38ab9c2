"""What a run is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from qwright.agent.limits import Limits
from qwright.agent.messages import Image


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is for, and how far it may go."""

    prompt: str
    verify: str | None = None
    """A shell command; exit code 0 in the sandbox means success, whatever the model says."""
    verify_timeout: float = 120.0
    """Seconds."""
    limits: Limits = field(default_factory=Limits)
    notes: str = ""
    """What the prompt says before the task, such as the project's AGENTS.md."""
    attached: str = ""
    """What it says after the task, such as the text of files that are mentioned there."""
    images: tuple[Image, ...] = ()
    """Shown to the model with the prompt, which names them."""
    attempts: int | None = None
    """How many tries from scratch there may be; None: as many as suits the model."""
    judged: Literal["always", "after_change"] = "always"
    """When the verify command runs: "after_change", only where this task has changed files."""
