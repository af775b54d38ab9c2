"""Who knows the grader's code gets no further than who does not."""

from __future__ import annotations

import asyncio

import pytest

from qwright.evals.grade.grade import examine
from qwright.evals.result import Verdict
from qwright.evals.testbed.prepare import Testbed, prepare
from tests.evals.graded import Beds
from tests.evals.hostile import HOSTILE, SUITE

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", name="verdicts")
def _verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    folder = tmp_path_factory.mktemp("hostile")
    beds = Beds(folder)
    free = asyncio.Semaphore(3)

    async def one(name: str, testbed: Testbed, patch: str) -> Verdict:
        async with free:
            return await examine(testbed, patch, folder / name.replace(" ", "-"))

    async def work() -> list[Verdict]:
        tasks = dict.fromkeys(task for task, _ in HOSTILE.values())
        made = {task: await prepare(SUITE[task], folder / "cache", print) for task in tasks}
        patches = {name: beds.patch(made[task], files) for name, (task, files) in HOSTILE.items()}
        return await asyncio.gather(
            *(one(name, made[task], patches[name]) for name, (task, _) in HOSTILE.items())
        )

    return dict(zip(HOSTILE, asyncio.run(work()), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_it_resolves_nothing(verdicts: dict[str, Verdict], name: str) -> None:
    assert not verdicts[name].resolved, verdicts[name]
