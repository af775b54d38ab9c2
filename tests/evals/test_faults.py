"""Whose fault an error is, when a run ends early, and what its end is called."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from qwright.agent.embedded.errors import ServerError, WeightsError
from qwright.agent.errors import (
    ConfigError,
    ContextOverflowError,
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
)
from qwright.agent.exits import Exit
from qwright.evals.result import Fault, Result
from qwright.evals.run.ending import Breaker, ending
from qwright.evals.run.faults import ImageError, ends_run, fault_of
from qwright.evals.run.meter import Meter
from qwright.evals.run.retrying import Patience
from qwright.evals.run.settings import Total
from qwright.evals.run.stopping import StoppedError, Stopping
from qwright.sandbox.errors import QwrightError, SandboxError, WorkspaceError
from tests.evals.test_ledger import jobs, result_of


def full_disk() -> WorkspaceError:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise WorkspaceError("cannot write") from error
    except WorkspaceError as error:
        return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ModelConnectionError("gone"), "model"),
        (ModelStatusError("busy", 503), "model"),
        (ModelStatusError("too many", 429), "model"),
        (ModelStatusError("bad request", 400), None),
        (ContextOverflowError("too long"), None),
        (ServerError("ended 3 times"), "model"),
        (ImageError("no such image"), "image"),
        (SandboxError("no engine"), "engine"),
        (WorkspaceError("cannot fetch"), "workspace"),
        (full_disk(), "disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError(errno.EIO, "I/O error"), "workspace"),
    ],
    ids=str,
)
def test_errors_have_the_class_that_says_what_a_retry_may_mend(
    error: QwrightError | OSError, fault: Fault | None
) -> None:
    assert fault_of(error) == fault
    assert not (isinstance(error, QwrightError) and ends_run(error))


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("bad flag"),
        ModelAuthError("bad key"),
        WeightsError("not here"),
        ModelStatusError("no such model", 404),
        ModelError("no credit"),
    ],
    ids=str,
)
def test_what_every_sample_would_meet_ends_the_run(error: QwrightError) -> None:
    assert ends_run(error)


def test_pauses_grow_up_to_the_longest() -> None:
    patience = Patience(first=2.0, most=10.0)
    assert [patience.pause(tries) for tries in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 10.0]


def results(*faults: Fault | None) -> list[Result]:
    (job,) = jobs("a")
    return [
        result_of(job, state="failed", fault=fault, error="why", verdict=None)
        if fault
        else result_of(job)
        for fault in faults
    ]


@pytest.mark.parametrize(
    ("faults", "stops"),
    [
        (("model", "model", "model"), True),
        (("model", "model", None, "model", "model"), False),
        (("model", "engine", "model", "engine"), False),
        (("image",) * 9, False),
        (("disk",), True),
    ],
    ids=["server gone", "server back", "different ones", "an image each", "full disk"],
)
def test_a_run_ends_when_what_all_share_is_gone(
    faults: Sequence[Fault | None], stops: bool
) -> None:
    breaker = Breaker(workers=1)
    said = [breaker.after(result) for result in results(*faults)]
    assert bool(said[-1]) == stops
    assert not any(said[:-1])


@pytest.fixture(name="meter")
def _meter(tmp_path: Path) -> Iterator[Meter]:
    with closing(Meter(Total(seconds=60), tmp_path / "spent.jsonl", "tag")) as meter:
        yield meter


def test_an_end_has_an_exit_code_and_says_what_to_do(meter: Meter) -> None:
    good = results(None, None)
    assert ending(good, 2, meter, interrupted=False) == (Exit.DONE, "")
    code, line = ending(results(None, "model"), 2, meter, interrupted=False)
    assert code == Exit.MODEL
    assert line == (
        "1 failed, none of them by the agent's doing (1 for the model server): "
        "1 of 2 samples are done; the same command tries again"
    )
    code, _ = ending(results("model", "image"), 2, meter, interrupted=False)
    assert code == Exit.SANDBOX
    meter.time_is_up()
    code, line = ending(good, 3, meter, interrupted=False)
    assert code == Exit.LIMIT
    assert line.startswith("stopped after 60 seconds (--total-time): 2 of 3 samples are done")
    assert line.endswith("raise --total-time to go on")
    assert ending(good, 2, meter, interrupted=False) == (Exit.DONE, ""), "nothing is left"
    code, _ = ending(good, 3, meter, interrupted=True)
    assert code == Exit.INTERRUPTED


def test_free_work_goes_on_when_only_a_budget_is_used_up() -> None:
    async def go() -> tuple[str, str]:
        stop = Stopping()
        free = asyncio.ensure_future(stop.unless(asyncio.sleep(0.2, "graded"), free=True))
        dear = asyncio.ensure_future(stop.unless(asyncio.sleep(60, "asked")))
        await asyncio.sleep(0)
        stop.stop("no money left", at_once=False)
        with pytest.raises(StoppedError, match="no money left"):
            await dear
        graded = await free
        late = asyncio.ensure_future(stop.unless(asyncio.sleep(60, "late"), free=True))
        await asyncio.sleep(0)
        stop.stop("interrupted")
        with pytest.raises(StoppedError):
            await late
        return graded, stop.why

    assert asyncio.run(go()) == ("graded", "no money left")
