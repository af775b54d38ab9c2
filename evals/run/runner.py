"""A whole run: what is left is done, within its totals, and what there is comes to numbers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from qwright.agent import choice
from qwright.agent.cost import require_known_price
from qwright.agent.errors import ConfigError
from qwright.agent.exits import Exit
from qwright.agent.workplace import sweep
from qwright.evals.instance import Instance
from qwright.evals.result import Result
from qwright.evals.run import record
from qwright.evals.run.ending import Breaker, ending
from qwright.evals.run.engine import Engine, RunContext
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.ledger import Ledger, write_instances
from qwright.evals.run.limiter import LimitedModel, LocalLimiter
from qwright.evals.run.local_engine import LocalEngine
from qwright.evals.run.meter import Meter
from qwright.evals.run.progress_view import View
from qwright.evals.run.retrying import Patience
from qwright.evals.run.settings import Job, Settings, Total, code_version, jobs_of
from qwright.evals.run.signals import interrupting
from qwright.evals.run.solve import settled
from qwright.evals.stats import Summary, summarise
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.durable import write_json

_SAID = 16
"""Lines that are not said again meanwhile."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for, beside the instances and the settings."""

    out: Path
    dataset: str
    """As it was named."""
    repeat: int = 1
    workers: int = 1
    grade: bool = True
    redo: bool = False
    total: Total = field(default_factory=Total)
    model_requests: int | None = None
    engine: Engine = field(default_factory=LocalEngine)
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to."""

    summary: Summary
    results: tuple[Result, ...]
    exit_code: Exit
    line: str
    """Why it is not simply done; empty when it is."""


def explicit(settings: Settings) -> Settings:
    """With the model that the environment or the default names. Raises ConfigError."""
    if settings.agent == "predictions":
        return settings
    chosen = choice.choose(settings.model, settings.base_url, settings.profiles)
    if chosen.endpoint is None:
        choice.require_weights(chosen)
        return settings.model_copy(update={"model": chosen.entry.name if chosen.entry else None})
    endpoint = chosen.endpoint
    if endpoint.base_url != endpoint.shown_url:
        raise ConfigError(
            "the base URL holds a password or a query, which would be written into the run's"
            f" folder: put the key into {endpoint.key_variable}"
        )
    return settings.model_copy(update={"model": endpoint.model, "base_url": endpoint.base_url})


async def run(instances: Sequence[Instance], settings: Settings, plan: Plan, view: View) -> Ended:
    """Make all samples that are not done yet in `plan.out`, and sum up all there are.

    Ends early at a total limit and on Ctrl-C; the same call goes on from there. Raises QwrightError
    where every sample would meet the same, such as a refused key; what was done is kept then too.
    """
    settings = explicit(settings)
    await _check_prices(settings, plan.total, view)
    jobs = jobs_of(instances, settings, repeat=plan.repeat, grade=plan.grade)
    ledger = Ledger(plan.out, cache=cache_dir() / "evals", model=settings.model or "")
    try:
        return await _Run(instances, settings, plan, view, ledger).through(jobs)
    finally:
        ledger.close()


async def _check_prices(settings: Settings, total: Total, view: View) -> None:
    """Raises ConfigError where a limit of cost could not be held."""
    if settings.agent != "predictions" and (settings.max_cost or total.cost):
        chosen = await settled(settings, Hooks(say=view.say))
        require_known_price(chosen.name, chosen.profile, chosen.provider)


class _Run:
    def __init__(
        self,
        instances: Sequence[Instance],
        settings: Settings,
        plan: Plan,
        view: View,
        ledger: Ledger,
    ) -> None:
        self._instances = instances
        self._settings = settings
        self._plan = plan
        self._view = view
        self._ledger = ledger
        self._id = record.run_id(plan.out)
        self._meter = Meter(plan.total, plan.out / "spent.jsonl", settings.digest())
        self._limiter = LocalLimiter(plan.model_requests) if plan.model_requests else None
        self._said: deque[str] = deque(maxlen=_SAID)
        self._interrupted = False
        self._broken = Breaker(plan.workers)

    async def through(self, jobs: Sequence[Job]) -> Ended:
        with closing(self._meter):
            return await self._through(jobs)

    async def _through(self, jobs: Sequence[Job]) -> Ended:
        await sweep()
        await self._write_record()
        done = self._ledger.done(jobs, redo=self._plan.redo)
        left = self._ledger.with_answers([job for job in jobs if job.key not in done])
        results = list(done.values())
        self._view.begin(jobs, results, self._meter)
        try:
            with interrupting(self._interrupt), self._time_limit():
                await self._make(left, results)
        finally:
            self._view.end()
        place = {job.key: number for number, job in enumerate(jobs)}
        return await self._conclude(sorted(results, key=lambda one: place[one.key]), len(jobs))

    async def _make(self, jobs: Sequence[Job], results: list[Result]) -> None:
        plan = self._plan
        context = RunContext(
            ledger=self._ledger,
            meter=self._meter,
            run=self._id,
            workers=plan.workers,
            hooks_of=self._hooks,
            model_requests=plan.model_requests,
            patience=plan.patience,
        )
        async with aclosing(plan.engine.run(jobs, context)) as made:
            async for result in made:
                results.append(result)
                self._view.finished(result)
                if why := self._broken.after(result):
                    self._meter.stop.stop(why, at_once=False)

    def _hooks(self, job: Job) -> Hooks:
        limiter = self._limiter
        wrap = {"wrap": partial(LimitedModel, limiter=limiter)} if limiter else {}
        return Hooks(
            phase=partial(self._view.phase, job),
            spent=self._meter.spend,
            say=self._say,
            stop=self._meter.stop,
            run=self._id,
            **wrap,
        )

    def _say(self, line: str) -> None:
        """What takes long says so again and again, for each sample that waits for it."""
        if line not in self._said:
            self._said.append(line)
            self._view.say(line)

    @contextmanager
    def _time_limit(self) -> Generator[None]:
        seconds = self._plan.total.seconds
        if seconds is None:
            yield
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._meter.time_is_up)
        try:
            yield
        finally:
            timer.cancel()

    def _interrupt(self) -> None:
        self._interrupted = True
        self._meter.stop.stop("interrupted")
        self._view.say("stopping: what runs is ended; Ctrl-C again leaves at once")

    async def _write_record(self) -> None:
        """Before the first sample, so that a killed run says what it was."""
        plan, settings = self._plan, self._settings
        before = record.read_record(plan.out)
        await asyncio.to_thread(plan.out.mkdir, parents=True, exist_ok=True)
        self._record = record.Record(
            id=self._id,
            agent=settings.agent,
            model=settings.model or "",
            dataset=record.dataset_of(plan.dataset, self._instances),
            settings=settings,
            repeat=plan.repeat,
            workers=plan.workers,
            engine=type(plan.engine).__name__.removesuffix("Engine").lower(),
            total=plan.total,
            code=code_version(),
            versions=await record.versions(),
            host=record.host(),
            started=before.started if before else record.now(),
        )
        record.write_record(plan.out, self._record)
        write_instances(plan.out, self._instances)

    async def _conclude(self, results: Sequence[Result], wanted: int) -> Ended:
        summary = await asyncio.to_thread(summarise, results, self._instances)
        out = self._plan.out
        write_json(out / "summary.json", summary.model_dump(mode="json"))
        code, line = ending(results, wanted, self._meter, interrupted=self._interrupted)
        ended = {"finished": record.now(), "ended": line or "done"}
        record.write_record(out, self._record.model_copy(update=ended))
        return Ended(summary, tuple(results), code, line)
