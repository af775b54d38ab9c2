"""The agents that can solve an instance: qwright's own, and others behind the same protocol."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qwright.agent import choice
from qwright.agent.limits import Limits
from qwright.agent.loop import Task
from qwright.agent.memory import notes_for
from qwright.agent.model import Model
from qwright.agent.profile import Profile
from qwright.agent.run import Run
from qwright.agent.workplace import Place
from qwright.evals.result import Solution
from qwright.evals.run.faults import LostError, ends_run, fault_of
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.scratch import remove
from qwright.evals.run.settings import Job, Settings
from qwright.evals.run.tally import Tally
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.session_dir import Session

if TYPE_CHECKING:
    from qwright.evals.testbed.prepare import Testbed


class Solver(Protocol):
    """An agent."""

    async def solve(self, testbed: Testbed, job: Job, out: Path, hooks: Hooks) -> Solution:
        """Work on the instance in a copy of the test bed; log and notes go to the folder `out`.

        When `hooks.stop` is set it ends soon, with the reason "interrupted". Raises QwrightError
        for what is no doing of the agent: the model's server, the engine, the disk.
        """
        ...


def solver_for(settings: Settings) -> Solver:
    """The agent that the settings name. Raises ConfigError when it is not installed."""
    if settings.agent == "qwright":
        return OwnAgent(settings)
    if settings.agent == "predictions":
        from qwright.evals.run.given import GivenAnswers

        return GivenAnswers(settings)
    from qwright.evals.peers import solver

    return solver(settings.agent)


_settled: dict[str, choice.Choice] = {}
"""By settings: a server is asked once what it is."""


async def settled(settings: Settings, hooks: Hooks) -> choice.Choice:
    """The model that answers, its profile fitted to its server. Raises ConfigError."""
    key = settings.model_dump_json()
    if key not in _settled:
        chosen = choice.choose(settings.model, settings.base_url, settings.profiles)
        chosen = replace(chosen, effort=settings.effort)
        _settled[key] = await choice.settle(chosen, progress=hooks.say)
    return _settled[key]


class OwnAgent:
    """qwright, exactly as one-shot runs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def solve(self, testbed: Testbed, job: Job, out: Path, hooks: Hooks) -> Solution:
        """See `Solver.solve`."""
        chosen = await settled(self._settings, hooks)
        verified = bool(job.instance.verify)
        model = await choice.connect(chosen, verified=verified, progress=hooks.say)
        root = out / "session"
        root.mkdir()
        session = Session.create(testbed.directory, model=chosen.name, root=root)
        try:
            return await self._run(session, hooks.wrap(model), chosen, testbed, job, hooks)
        finally:
            session.close()
            await asyncio.to_thread(_keep_log, session.path, out)
            await model.close()

    async def _run(
        self,
        session: Session,
        model: Model,
        chosen: choice.Choice,
        testbed: Testbed,
        job: Job,
        hooks: Hooks,
    ) -> Solution:
        tally = Tally(hooks.spent)
        run = Run(
            session,
            model,
            chosen,
            self._task(job, testbed.directory, chosen.profile),
            self._place(testbed, hooks.run),
            testbed.directory,
            progress=hooks.say,
            listeners=(tally.hear,),
        )
        with hooks.stop.watch(run.interrupt):
            await run.work()
        solution = tally.solution(await asyncio.to_thread(run.diff))
        if run.failure:
            _check(run.failure, run, solution)
        return solution

    def _task(self, job: Job, directory: Path, profile: Profile) -> Task:
        wanted = self._settings
        limits = Limits(wanted.max_turns, wanted.max_tokens, wanted.max_wall_time, wanted.max_cost)
        return Task(
            job.instance.prompt,
            verify=job.instance.verify,
            verify_timeout=wanted.verify_timeout,
            limits=limits,
            notes=notes_for(directory, profile, own=False),
            attempts=wanted.attempts,
        )

    def _place(self, testbed: Testbed, run: str) -> Place:
        instance = testbed.instance
        return Place(
            image=testbed.image,
            network=instance.network,
            mount=instance.mount,
            env=instance.env,
            everything=True,
            run=run,
        )


def _check(failure: QwrightError, run: Run, solution: Solution) -> None:
    """Raise what is no doing of the agent; its own doing is a solution like another."""
    fault = fault_of(failure)
    if ends_run(failure):
        raise failure
    workspace = run.workspace
    if fault in ("engine", "workspace") and workspace and workspace.sandbox_state == "ready":
        raise LostError(failure, solution) from failure
    if fault:
        raise failure


def _keep_log(session: Path, out: Path) -> None:
    """The events stay; the files and their checkpoints were the container's."""
    log = session / "events.jsonl"
    if log.exists():
        log.rename(out / log.name)
    remove(out / "session")
