"""Where a sample is made, and what it tells whoever has it made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwright.agent.model import Model
from qwright.evals.run.stopping import Stopping

Phase = Literal["testbed", "agent", "grade"]


class Spent(BaseModel):
    """What a request took, or several."""

    model_config = ConfigDict(frozen=True)
    tokens: int = 0
    """Prompt and completion together."""
    calls: int = 0
    cost: float | None = 0.0
    """US dollars; None where it is not known."""


@dataclass(frozen=True, slots=True)
class WorkPlace:
    """Where one sample is made."""

    folder: Path
    """Its own, empty; becomes results/<id>/<sample> once it is whole."""
    cache: Path
    """Test beds and images' files, shared by all samples of this machine."""


def _ignore(_: object) -> None:
    pass


def _as_it_is(model: Model) -> Model:
    return model


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a sample tells whoever has it made, and hears from there."""

    phase: Callable[[Phase], None] = _ignore
    spent: Callable[[Spent], None] = _ignore
    """After each request to the model."""
    say: Callable[[str], None] = _ignore
    """What takes long, such as the pull of an image: one line."""
    wrap: Callable[[Model], Model] = _as_it_is
    """Around the model, such as a limiter of its requests."""
    stop: Stopping = field(default_factory=Stopping)
    run: str = ""
    """The run's id, which containers are labelled with."""
