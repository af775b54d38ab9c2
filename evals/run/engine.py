"""Who has samples made: a protocol with two makers, this machine and a ray cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from qwright.evals.result import Result
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.ledger import Ledger
from qwright.evals.run.meter import Meter
from qwright.evals.run.retrying import Patience
from qwright.evals.run.settings import Job


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an engine works with: where results go, what may be spent, who looks on."""

    ledger: Ledger
    meter: Meter
    run: str
    """The run's id, which containers are labelled with."""
    workers: int
    hooks_of: Callable[[Job], Hooks]
    """Those of one sample, for this process only: phases to the progress view, spending to the
    meter."""
    model_requests: int | None = None
    """Requests to the model at a time, over all workers; None: no limit."""
    patience: Patience = field(default_factory=Patience)


class Engine(Protocol):
    """Makes samples somewhere."""

    def run(self, jobs: Sequence[Job], context: RunContext) -> AsyncGenerator[Result, None]:
        """Make these samples, in about this order; a result comes after its files are kept.

        Begins nothing new once `context.meter.stop` is set, and then ends when what was begun has.
        Raises QwrightError where all samples would meet it; then too nothing is left running.
        """
        ...
