"""One sample, in a worker process of ray; the only code that runs on other machines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from qwright.agent.errors import ConfigError, ModelAuthError, ModelError
from qwright.agent.model import Model
from qwright.evals.result import Fault, Result
from qwright.evals.run.carrying import Parcel, pack, unpack_job
from qwright.evals.run.faults import fault_of
from qwright.evals.run.hooks import Hooks, Spent, WorkPlace
from qwright.evals.run.limiter import LimitedModel
from qwright.evals.run.ray_border import Actor, ask, tell
from qwright.evals.run.ray_desk import DeskLimiter, Ending, News, NewsKind
from qwright.evals.run.record import now
from qwright.evals.run.retrying import Patience, persist
from qwright.evals.run.scratch import scratch
from qwright.evals.run.settings import Job, code_version
from qwright.evals.run.stopping import Stopping
from qwright.sandbox.container import sweep_orphans
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.errors import QwrightError, SandboxError

_OF_THE_NODE = ("engine", "image", "disk", "workspace")
"""Faults that another machine may not have."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is the same for all samples of a run."""

    run: str
    code: str
    patience: Patience


@dataclass(frozen=True, slots=True)
class Made:
    """What comes back from a worker. None of it: the run was stopped before this began."""

    result: str = ""
    """JSON; empty where there is none."""
    files: bytes = b""
    """Tar of the sample's folder; empty where it came to none."""
    kind: str = ""
    """The class of an error that ends the run."""
    error: str = ""


class NodeFaultError(Exception):
    """A machine failed a sample; ray may try another one. Its argument is the `Made`."""

    @property
    def made(self) -> Made:
        made = self.args[0]
        assert isinstance(made, Made)
        return made


_ENDING: dict[str, type[QwrightError]] = {
    "config": ConfigError,
    "auth": ModelAuthError,
    "model": ModelError,
    "other": SandboxError,
}


def error_of(made: Made) -> QwrightError | None:
    """The error that ends the run, as it was; its class says the exit code."""
    return _ENDING[made.kind](made.error) if made.kind else None


def failed(job: Job, fault: Fault | None, error: str, tries: int = 1) -> Result:
    """The result of a sample of which there are no files."""
    return Result(
        key=job.key,
        instance=job.instance.id,
        sample=job.sample,
        state="failed",
        fault=fault,
        error=error,
        tries=tries,
        finished=now(),
    )


def make_sample(parcel: Parcel, order: Order, desk: Actor) -> Made:
    """Make a sample on this machine. Raises NodeFaultError where another may do better.

    Safe to run again, and twice at a time: it writes nothing that another could read, and what
    it returns counts once.
    """
    if code_version() != order.code:
        words = f"a node of the cluster has qwright {code_version()}, this machine {order.code}"
        return Made(kind="config", error=f"{words}: install the same one on all of them")
    try:
        made = asyncio.run(_make(parcel, order, desk))
    except (QwrightError, OSError) as error:  # nowhere to work: work() says so of what comes later
        job = Job.model_validate_json(parcel.job)
        made = Made(failed(job, fault_of(error), str(error)).model_dump_json())
    if made.result and Result.model_validate_json(made.result).fault in _OF_THE_NODE:
        raise NodeFaultError(made)
    return made


def sweep_node() -> None:
    """Remove the containers of this machine whose worker is dead."""
    asyncio.run(_sweep())


async def _sweep() -> None:
    try:
        await sweep_orphans()
    except SandboxError:
        return  # no engine: then the sample says so


async def _make(parcel: Parcel, order: Order, desk: Actor) -> Made:
    ending = await ask(desk, "ending")
    if not isinstance(ending, Ending) or ending.why:
        return Made()
    os.environ.update(cast(dict[str, str], await ask(desk, "environment")))
    await _sweep()
    cache = cache_dir() / "evals"
    with scratch(cache / "samples") as private:
        job = await asyncio.to_thread(unpack_job, parcel, cache)
        place = WorkPlace(private / "sample", cache)
        place.folder.mkdir()
        return await _persist(job, place, order, desk)


async def _persist(job: Job, place: WorkPlace, order: Order, desk: Actor) -> Made:
    stop = Stopping()
    following = asyncio.create_task(_follow(desk, stop))
    try:
        result = await persist(job, place, _hooks(job, order, desk, stop), order.patience)
    except QwrightError as error:
        kind = next(
            kind for kind, of in _ENDING.items() if isinstance(error, of) or kind == "other"
        )
        return Made(kind=kind, error=str(error))
    finally:
        following.cancel()
        await ask(desk, "flush")
    files = {entry.name: entry for entry in place.folder.iterdir()}
    return Made(result.model_dump_json(), await asyncio.to_thread(pack, files))


def _hooks(job: Job, order: Order, desk: Actor, stop: Stopping) -> Hooks:
    def telling(kind: NewsKind) -> Callable[[str], None]:
        return lambda text: tell(desk, "tell", News(kind, text, job.key))

    def spent(what: Spent) -> None:
        telling("spent")(what.model_dump_json())

    limiter = DeskLimiter(desk)

    def wrap(model: Model) -> Model:
        return LimitedModel(model, limiter)

    return Hooks(
        phase=telling("phase"), say=telling("say"), spent=spent, wrap=wrap, stop=stop, run=order.run
    )


async def _follow(desk: Actor, stop: Stopping) -> None:
    """Stop what runs here when the run is stopped."""
    known = Ending()
    while True:
        ending = await ask(desk, "ending", known)
        if isinstance(ending, Ending) and ending != known:
            known = ending
            stop.stop(ending.why, at_once=ending.at_once)
