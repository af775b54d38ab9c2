"""One run of another agent on a test bed: files, model and limits are ours, the work is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qwright.agent import events as ev
from qwright.agent.choice import Choice, serve
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import EventLog
from qwright.agent.limits import Budget, Limits, Stop
from qwright.agent.workplace import Place
from qwright.evals.peers import inside
from qwright.evals.peers.gateway import CommandRequest, Gateway
from qwright.evals.peers.process import command_of, environment, last_line, run_program
from qwright.evals.peers.served import Hear, ServedModel
from qwright.evals.result import Solution
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.scratch import remove
from qwright.evals.run.settings import Job, Settings
from qwright.evals.run.solve import settled
from qwright.evals.run.tally import Tally
from qwright.sandbox.base import CommandResult
from qwright.sandbox.session_dir import Session

if TYPE_CHECKING:
    from qwright.evals.testbed.prepare import Testbed


@dataclass(frozen=True, slots=True)
class Stage:
    """What an adapter works with."""

    testbed: Testbed
    job: Job
    chosen: Choice
    endpoint: Endpoint
    session: Session
    """Its folder is for the agent's files; gone after the run."""
    scratch: Path
    """For whatever the agent must not leave behind; gone after the run."""
    out: Path
    """What stays."""
    budget: Budget
    hooks: Hooks
    hear: Hear

    @property
    def model(self) -> str:
        """In the words of litellm, which both agents ask through."""
        return f"openai/{self.endpoint.model}"

    @property
    def place(self) -> Place:
        """The container, as our own agent has it."""
        instance = self.job.instance
        return Place(
            image=self.testbed.image,
            network=instance.network,
            mount=instance.mount,
            env=instance.env,
            everything=True,
            run=self.hooks.run,
        )


@dataclass(frozen=True, slots=True)
class Program:
    """What is started: the words after the command's own, more variables, and where."""

    arguments: Sequence[str]
    variables: Mapping[str, str]
    directory: Path


class Peer(Protocol):
    """One run of an agent, from the adapter's side."""

    def program(self, words: Sequence[str]) -> Program:
        """What to start; `words` are the command's own."""
        ...

    async def run(self, request: CommandRequest) -> CommandResult:
        """A command that the agent sent to its container. Raises SandboxError."""
        ...

    def ended(self) -> tuple[ev.StopReason, str]:
        """How its program ended on its own, in our words and in its."""
        ...

    async def conclude(self, solution: Solution) -> Solution:
        """What it did, with the patch. Its program has ended or was killed."""
        ...


class Adapter(Protocol):
    """An agent that can be run."""

    name: str
    command: str
    """Its program on PATH."""

    def open(self, stage: Stage) -> AbstractAsyncContextManager[Peer]:
        """Files and container of one run; both are gone when the block ends."""
        ...


class PeerSolver:
    """Another agent behind the protocol of our own."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def solve(self, testbed: Testbed, job: Job, out: Path, hooks: Hooks) -> Solution:
        """See `Solver.solve`. Raises ConfigError for what is ours alone, such as attempts."""
        _require_no_more(self._adapter.name, job.settings)
        words = command_of(self._adapter.name, self._adapter.command, job.settings.agent_command)
        chosen = await settled(job.settings, hooks)
        endpoint = chosen.endpoint or await serve(chosen, progress=hooks.say)
        scratch = out / "peer"
        scratch.mkdir(mode=0o700)
        session = Session.create(testbed.directory, model=chosen.name, root=scratch)
        tally = Tally(hooks.spent)
        try:
            with closing(EventLog(out / "events.jsonl")) as log:

                def hear(event: ev.Event) -> None:
                    log.append(event)
                    tally.hear(event)

                budget = Budget(_limits(job.settings))
                stage = Stage(
                    testbed, job, chosen, endpoint, session, scratch, out, budget, hooks, hear
                )
                async with self._adapter.open(stage) as peer:
                    await _Run(stage, peer, words, self._adapter.name).work()
                    return await peer.conclude(tally.solution(""))
        finally:
            session.close()
            await asyncio.to_thread(remove, scratch)


class _Run:
    def __init__(self, stage: Stage, peer: Peer, words: Sequence[str], name: str) -> None:
        self._stage = stage
        self._peer = peer
        self._words = words
        self._name = name
        self._log = stage.out / f"{name}.log"
        self._served = ServedModel(
            stage.endpoint, stage.chosen.profile, stage.budget, stage.hooks.wrap, stage.hear
        )

    async def work(self) -> None:
        """Until the program has ended; the last event says how. Raises QwrightError."""
        stage, budget = self._stage, self._stage.budget
        prompt = stage.job.instance.prompt
        name = f"{stage.chosen.name} in {self._name}"
        stage.hear(ev.RunStarted(session=stage.session.record.id, model=name, prompt=prompt))
        try:
            with stage.hooks.stop.watch(budget.interrupt):
                await budget.wait(self._serve())
        except Stop as stop:
            if stop.reason == "time_limit" and self._served.failure:
                raise self._served.failure from None
            self._finish(stop.reason, str(stop))
        else:
            self._check()
            self._finish(*self._peer.ended())
        finally:
            await self._served.close()

    async def _serve(self) -> None:
        stage = self._stage
        gateway = Gateway(
            [stage.endpoint.model], self._served.ask, self._peer.run, stage.budget.fail
        )
        async with gateway.open():
            program = self._peer.program(self._words)
            reached = {
                inside.ADDRESS: str(gateway.port),
                inside.TOKEN: gateway.token,
                "OPENAI_API_KEY": gateway.token,
                "OPENAI_API_BASE": gateway.base_url,
                "OPENAI_BASE_URL": gateway.base_url,
                # Or litellm fetches a price list at every start.
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            }
            home = stage.scratch / "home"
            home.mkdir()
            variables = environment(home, {**reached, **program.variables})
            argv = [*self._words, *program.arguments]
            await run_program(argv, program.directory, variables, self._log)

    def _check(self) -> None:
        """Raises what was no doing of the agent."""
        if self._served.failure:
            raise self._served.failure
        if not self._stage.budget.turns:
            raise ConfigError(
                f"{self._name} ended without asking the model: {last_line(self._log)}"
            )

    def _finish(self, reason: ev.StopReason, text: str) -> None:
        budget = self._stage.budget
        self._stage.hear(
            ev.RunFinished(
                reason=reason,
                text=text,
                turns=budget.turns,
                tokens=budget.tokens,
                seconds=budget.seconds,
                cost=budget.cost,
            )
        )


def _require_no_more(name: str, settings: Settings) -> None:
    given = {"--attempts": settings.attempts, "--effort": settings.effort}
    for flag, value in given.items():
        if value not in (None, 1):
            raise ConfigError(f"{name} has no {flag}: leave it out, or use qwright's own agent")


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.max_turns, settings.max_tokens, settings.max_wall_time, settings.max_cost
    )
