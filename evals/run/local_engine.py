"""Samples made in this process, some at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence

from qwright.evals.result import Result
from qwright.evals.run.engine import RunContext
from qwright.evals.run.retrying import persist
from qwright.evals.run.settings import Job


class LocalEngine:
    """The default engine."""

    async def run(self, jobs: Sequence[Job], context: RunContext) -> AsyncGenerator[Result, None]:
        """See `Engine.run`."""
        waiting = iter(jobs)
        running = {task for _ in range(context.workers) for task in _next(waiting, context)}
        ended: set[asyncio.Task[Result]] = set()
        try:
            while running:
                ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    result = task.result()
                    running.update(_next(waiting, context))
                    yield result
        finally:
            await _cancel(running | ended)


def _next(waiting: Iterator[Job], context: RunContext) -> list[asyncio.Task[Result]]:
    """The next sample, begun; nothing where there is none or none may begin."""
    job = None if context.meter.stop.why else next(waiting, None)
    return [asyncio.create_task(_make(job, context))] if job else []


async def _make(job: Job, context: RunContext) -> Result:
    place = context.ledger.place(job)
    result = await persist(job, place, context.hooks_of(job), context.patience)
    context.ledger.add(job, result, place.folder)
    return result


async def _cancel(running: set[asyncio.Task[Result]]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
