"""Tries a sample again where the infrastructure failed it, by class and with growing pauses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from qwright.evals.result import Result
from qwright.evals.run.faults import FURTHER_TRIES
from qwright.evals.run.hooks import Hooks, WorkPlace
from qwright.evals.run.settings import Job
from qwright.evals.run.stopping import StoppedError
from qwright.evals.run.work import Lost, work


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between two tries: `first`, then twice as long each time up to `most`."""

    first: float = 2.0
    most: float = 60.0

    def pause(self, tries: int) -> float:
        """After the try of that number."""
        return min(self.most, self.first * 2.0 ** (tries - 1))


async def persist(
    job: Job, place: WorkPlace, hooks: Hooks, patience: Patience | None = None
) -> Result:
    """As `work`, until the infrastructure lets a try end or has failed it too often."""
    patience = patience or Patience()
    tries, lost = 1, Lost()
    while True:
        result = await work(job, place, hooks, tries=tries, lost=lost)
        if result.fault is None or tries > FURTHER_TRIES[result.fault]:
            return result
        wait = patience.pause(tries)
        hooks.say(f"{job.name}: {result.error}; try {tries + 1} in {wait:.0f} s")
        try:
            await hooks.stop.unless(asyncio.sleep(wait))
        except StoppedError:
            return result
        # An answer whose grader failed is not drawn again: that would flatter it.
        job = job.model_copy(update={"solved": result.solution})
        tries += 1
