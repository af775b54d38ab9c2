"""One sample: the test bed, the agent, the grader, and what is kept of them."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from qwright.agent.model import Model
from qwright.evals.instance import Instance
from qwright.evals.result import Fault, Result, Solution, Verdict
from qwright.evals.run.bug import report_bug
from qwright.evals.run.faults import FURTHER_TRIES, ImageError, LostError, ends_run, fault_of
from qwright.evals.run.settings import Job
from qwright.evals.run.stopping import StoppedError, Stopping
from qwright.sandbox.durable import write_json
from qwright.sandbox.errors import QwrightError, SandboxError

if TYPE_CHECKING:
    from qwright.evals.testbed.prepare import Testbed

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


async def work(job: Job, place: WorkPlace, hooks: Hooks, *, tries: int = 1) -> Result:
    """Make one sample; the folder then holds its files, result.json last.

    `tries` counts this one and those before. An infrastructure error becomes state "failed", the
    end of the run "stopped". Raises QwrightError where all other samples would meet the same: a
    refused key, a wrong setting, a folder that cannot be written.
    """
    await asyncio.to_thread(_empty, place.folder)
    result = await _Sample(job, place, hooks, tries).make()
    write_json(place.folder / "result.json", result.model_dump(mode="json"))
    return result


class _Sample:
    def __init__(self, job: Job, place: WorkPlace, hooks: Hooks, tries: int) -> None:
        self._job = job
        self._tries = tries
        self._place = place
        self._hooks = hooks
        self._phases: dict[str, float] = {}
        self._began = time.monotonic()
        self._solution: Solution | None = None
        self._verdict: Verdict | None = None

    async def make(self) -> Result:
        try:
            await self._go_through()
        except StoppedError as error:
            return self._result("stopped", error=str(error))
        except (QwrightError, OSError) as error:
            if isinstance(error, QwrightError) and ends_run(error):
                raise
            return self._failed(error)
        except Exception as bug:  # the one boundary of a sample: the others go on
            error = report_bug(bug, self._place.folder)
            return self._result("failed", fault="worker", error=error)
        return self._result("done")

    async def _go_through(self) -> None:
        from qwright.evals.grade.grade import grade
        from qwright.evals.run.solve import solver_for
        from qwright.evals.testbed.prepare import prepare

        stop, place = self._hooks.stop, self._place
        with self._phase("testbed"):
            try:
                preparing = prepare(self._instance(), place.cache, self._hooks.say)
                testbed: Testbed = await stop.unless(preparing)
            except SandboxError as error:
                raise ImageError(str(error)) from error
        with self._phase("agent"):
            solver = solver_for(self._job.settings)
            try:
                solution = await solver.solve(testbed, self._job, place.folder, self._hooks)
            except LostError as error:
                if self._tries <= FURTHER_TRIES["engine"]:
                    raise
                solution = error.solution
            self._solution, patch = solution, solution.patch
            (place.folder / "patch.diff").write_text(patch, encoding="utf-8")
        if stop.why and solution.reason == "interrupted":
            raise StoppedError(stop.why)
        if self._job.grade:
            with self._phase("grade"):
                grading = grade(testbed, patch, place.folder / "grade", run=self._hooks.run)
                self._verdict = await stop.unless(grading, free=True)

    def _instance(self) -> Instance:
        image = self._job.settings.image
        instance = self._job.instance
        return instance.model_copy(update={"image": image}) if image else instance

    @contextmanager
    def _phase(self, name: Phase) -> Generator[None]:
        self._hooks.phase(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self._phases[name] = round(time.monotonic() - began, 3)

    def _failed(self, error: QwrightError | OSError) -> Result:
        line = " ".join(str(error).split())
        return self._result("failed", fault=fault_of(error) or "worker", error=line)

    def _result(
        self,
        state: Literal["done", "failed", "stopped"],
        *,
        fault: Fault | None = None,
        error: str = "",
    ) -> Result:
        return Result(
            key=self._job.key,
            instance=self._job.instance.id,
            sample=self._job.sample,
            state=state,
            fault=fault,
            error=error,
            tries=self._tries,
            solution=self._solution,
            verdict=self._verdict,
            seconds=round(time.monotonic() - self._began, 3),
            phases=self._phases,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            metadata=dict(self._job.instance.metadata),
        )


def _empty(folder: Path) -> None:
    """What an earlier try left there is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
