"""One sample: the test bed, the agent, the grader, and what is kept of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qwright.evals.grade.grade import grade
from qwright.evals.instance import Instance
from qwright.evals.result import Fault, Result, Solution, Verdict
from qwright.evals.run.bug import report_bug
from qwright.evals.run.faults import FURTHER_TRIES, ImageError, LostError, ends_run, fault_of
from qwright.evals.run.hooks import Hooks, Phase, WorkPlace
from qwright.evals.run.scratch import remove
from qwright.evals.run.settings import Job
from qwright.evals.run.solve import solver_for
from qwright.evals.run.stopping import StoppedError
from qwright.evals.testbed.prepare import Testbed, prepare
from qwright.sandbox.durable import write_json
from qwright.sandbox.errors import QwrightError, SandboxError


@dataclass(slots=True)
class Lost:
    """How often a sample has lost its container to whatever the agent did."""

    times: int = 0


async def work(
    job: Job, place: WorkPlace, hooks: Hooks, *, tries: int = 1, lost: Lost | None = None
) -> Result:
    """Make one sample; the folder then holds its files, result.json last.

    `tries` counts this one and those before, `lost` what they lost. An infrastructure error becomes
    state "failed", the end of the run "stopped". Raises QwrightError where all other samples would
    meet the same: a refused key, a wrong setting, a folder that cannot be written.
    """
    await asyncio.to_thread(_empty, place.folder, answered=job.solved is not None)
    result = await _Sample(job, place, hooks, tries, lost or Lost()).make()
    write_json(place.folder / "result.json", result.model_dump(mode="json"))
    return result


class _Sample:
    def __init__(self, job: Job, place: WorkPlace, hooks: Hooks, tries: int, lost: Lost) -> None:
        self._job = job
        self._tries = tries
        self._lost = lost
        self._place = place
        self._hooks = hooks
        self._phases: dict[str, float] = {}
        self._began = time.monotonic()
        self._solution: Solution | None = job.solved
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
        testbed = await self._prepared()
        with self._phase("agent"):
            solution = self._job.solved or await self._solved(testbed)
            patch = solution.patch
            (self._place.folder / "patch.diff").write_text(patch, encoding="utf-8")
        self._solution = solution
        stop = self._hooks.stop
        if stop.why and solution.reason == "interrupted":
            raise StoppedError(stop.why)
        if self._job.grade:
            with self._phase("grade"):
                out = self._place.folder / "grade"
                grading = grade(testbed, patch, out, run=self._hooks.run)
                self._verdict = await stop.unless(grading, free=True)

    async def _prepared(self) -> Testbed:
        with self._phase("testbed"):
            try:
                preparing = prepare(self._instance(), self._place.cache, self._hooks.say)
                return await self._hooks.stop.unless(preparing)
            except SandboxError as error:
                raise ImageError(str(error)) from error

    async def _solved(self, testbed: Testbed) -> Solution:
        solver = solver_for(self._job.settings)
        try:
            return await solver.solve(testbed, self._job, self._place.folder, self._hooks)
        except LostError as error:
            self._lost.times += 1
            if self._lost.times <= FURTHER_TRIES["engine"]:
                raise
            return error.solution

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
        )


def _empty(folder: Path, *, answered: bool) -> None:
    """What an earlier try left there is gone, but for what led to its answer."""
    if answered and folder.exists():
        remove(folder / "grade")
        (folder / "result.json").unlink(missing_ok=True)
        return
    remove(folder)
    folder.mkdir(parents=True)
