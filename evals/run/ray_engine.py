"""Samples made by ray, on this machine or a cluster; ray alone decides what runs where and when."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

from qwright.evals.result import Result
from qwright.evals.run.carrying import pack_job, unpack
from qwright.evals.run.engine import RunContext
from qwright.evals.run.hooks import Hooks, Phase, Spent
from qwright.evals.run.ray_border import Actor, Cluster, ClusterError, ask, connected, tell
from qwright.evals.run.ray_desk import Desk, Ending, News, server_variables
from qwright.evals.run.ray_sample import (
    Made,
    NodeFaultError,
    Order,
    error_of,
    failed,
    make_sample,
    sweep_node,
)
from qwright.evals.run.settings import Job, code_version
from qwright.sandbox.container import sweep_orphans
from qwright.sandbox.durable import write_json
from qwright.sandbox.errors import SandboxError, WorkspaceError

FURTHER_TRIES = 3
"""How often ray makes a sample again whose node was lost or at fault."""
_MEMORY = 1024**3
"""Bytes that a sample is said to need where machines are many and unlike."""
_GRACE = 30.0
"""Seconds for workers to end by themselves."""
_SWEEP = 15.0
"""Seconds for the other nodes to be swept; one that was just lost never answers."""


class RayEngine:
    """`--engine ray`: one task for each sample.

    Without an address it makes a cluster of this machine for as many samples at a time as there
    are workers. In a cluster that is joined, the nodes' CPUs, memory and, where nodes have it, the
    resource "sandbox" say how many there are; each node needs a container engine and this qwright.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    async def run(self, jobs: Sequence[Job], context: RunContext) -> AsyncGenerator[Result, None]:
        """See `Engine.run`."""
        async with _cluster(self._address, context.workers) as cluster:
            demand = _of_a_node(cluster) if self._address else {}
            shift = _Shift(cluster, context, demand)
            try:
                async for result in shift.run(jobs):
                    yield result
            finally:
                await shift.close()
        with suppress(SandboxError):
            await sweep_orphans()


class _Shift:
    """The samples of one run in a cluster."""

    def __init__(self, cluster: Cluster, context: RunContext, demand: dict[str, object]) -> None:
        self._cluster = cluster
        self._context = context
        self._options: dict[str, object] = {
            "num_cpus": 1,
            "max_retries": FURTHER_TRIES,
            "retry_exceptions": [NodeFaultError],
            "scheduling_strategy": "SPREAD",
            **demand,
        }
        self._desk: Actor = cluster.actor(Desk, context.model_requests)
        self._order = Order(context.run, code_version(), context.patience)
        self._hooks: dict[str, Hooks] = {}
        self._running: set[asyncio.Task[Result | None]] = set()
        self._begun: list[asyncio.Task[Result | None]] = []
        self._listening = asyncio.create_task(self._listen())
        self._packing = asyncio.Lock()

    async def run(self, jobs: Sequence[Job]) -> AsyncGenerator[Result, None]:
        stop = self._context.meter.stop
        self._hooks = {job.key: self._context.hooks_of(job) for job in jobs}
        await ask(self._desk, "give", server_variables(os.environ))
        with stop.watch(self._stop):
            self._running = {asyncio.create_task(self._make(job)) for job in jobs}
            self._begun.extend(self._running)
            while self._running:
                for task in await self._ended():
                    if result := task.result():
                        yield result
        await ask(self._desk, "tell", News("end"))
        await self._listening

    async def close(self) -> None:
        """Nothing runs on any node afterwards, and no container is left that nobody owns."""
        self._listening.cancel()
        if self._running:
            tell(self._desk, "stop", Ending("the run has ended", at_once=True))
            await asyncio.wait(self._running, timeout=_GRACE)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._begun, self._listening, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SWEEP):
                sweeps = map(self._sweep, self._cluster.others())
                await asyncio.gather(*sweeps, return_exceptions=True)

    async def _ended(self) -> set[asyncio.Task[Result | None]]:
        """Tasks that have ended. Raises ClusterError when the desk is lost."""
        waiting = {*self._running, self._listening}
        ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._listening in ended:
            self._listening.result()
        ended = ended & self._running
        self._running -= ended
        return ended

    async def _make(self, job: Job) -> Result | None:
        async with self._packing:  # so that samples are handed in in their order
            parcel = await asyncio.to_thread(pack_job, job)
        if self._context.meter.stop.why:
            return None
        try:
            made = await self._cluster.run(
                make_sample, parcel, self._order, self._desk, **self._options
            )
        except NodeFaultError as error:
            made = error.made
        except ClusterError as error:
            lost = failed(job, "worker", str(error), FURTHER_TRIES + 1)
            made = Made(lost.model_dump_json())
        if error := error_of(made):
            raise error
        return await self._keep(job, made) if made.result else None

    async def _keep(self, job: Job, made: Made) -> Result:
        result = Result.model_validate_json(made.result)
        place = self._context.ledger.place(job)
        try:
            if made.files:
                await asyncio.to_thread(unpack, made.files, place.folder)
        except OSError as error:
            raise WorkspaceError(f"cannot write {place.folder}: {error.strerror}") from error
        write_json(place.folder / "result.json", result.model_dump(mode="json"))
        self._context.ledger.add(job, result, place.folder)
        return result

    async def _listen(self) -> None:
        while True:
            for news in cast(list[News], await ask(self._desk, "news")):
                if news.kind == "end":
                    return
                self._hear(news, self._hooks[news.job])

    def _hear(self, news: News, hooks: Hooks) -> None:
        if news.kind == "phase":
            hooks.phase(cast(Phase, news.text))
        elif news.kind == "spent":
            hooks.spent(Spent.model_validate_json(news.text))
        else:
            hooks.say(news.text)

    def _stop(self) -> None:
        stop = self._context.meter.stop
        tell(self._desk, "stop", Ending(stop.why, stop.at_once))

    async def _sweep(self, node: str) -> None:
        await self._cluster.run(sweep_node, num_cpus=0, max_retries=0, **self._cluster.on(node))


def _of_a_node(cluster: Cluster) -> dict[str, object]:
    """What a sample takes, beside a CPU, of a node that others use too."""
    sandbox = {"resources": {"sandbox": 1}} if "sandbox" in cluster.resources else {}
    return {"memory": _MEMORY, **sandbox}


@asynccontextmanager
async def _cluster(address: str | None, workers: int) -> AsyncGenerator[Cluster]:
    """Connecting and leaving block for seconds, so a thread does it."""
    connection = connected(address, workers)
    entering = asyncio.ensure_future(asyncio.to_thread(connection.__enter__))
    try:
        yield await asyncio.shield(entering)
    finally:
        await asyncio.wait({entering})
        if not entering.exception():
            await asyncio.to_thread(connection.__exit__, None, None, None)
