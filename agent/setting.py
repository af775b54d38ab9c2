"""What a chat is opened with, and what it says of itself at any moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from qwright.agent import events as ev
from qwright.agent.choice import Choice
from qwright.agent.config import Config
from qwright.agent.desk import SandboxState
from qwright.agent.limits import Limits
from qwright.agent.policy import Mode
from qwright.agent.workplace import Place


@dataclass(frozen=True, slots=True)
class Setting:
    """What a chat is opened with."""

    directory: Path
    config: Config
    choice: Choice
    place: Place
    limits: Limits = field(default_factory=Limits)
    """Of each prompt."""
    verify: str | None = None
    verify_timeout: float = 120.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Status:
    """One moment of a chat."""

    model: str
    context_used: int
    context_size: int
    tokens: ev.Tokens
    cost: float | None
    """US dollars; None where it is not known."""
    sandbox: SandboxState
    mode: Mode
    title: str
    changed: int
    """Files whose changes were not accepted yet."""
