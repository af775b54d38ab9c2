from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qwright.evals.bench import harness
from qwright.evals.bench.command import parse

SECONDS = {"1 worker": [2.6, 2.5], "2 workers": [1.4], "plain": [2.0], "plain, 2": [1.1]}


def test_a_run_is_judged_by_its_commands_and_by_what_a_second_worker_adds() -> None:
    instance, workers = harness.rows(SECONDS)

    assert instance.ratio == pytest.approx(2.55 / 2.0)
    assert (instance.verdict, workers.verdict) == ("ok", "ok")
    assert workers.ratio == pytest.approx(2.55 / 1.4)
    assert harness.notes(SECONDS)[-1].startswith("two of these at a time are 1.82 times as fast")
    _, alone = harness.rows({**SECONDS, "2 workers": [2.0]})
    assert alone.verdict == "over"


@pytest.mark.docker
@pytest.mark.timeout(180)
def test_what_is_measured_is_a_run_that_solves_its_instances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    monkeypatch.setattr(harness, "INSTANCES", 1)

    report = asyncio.run(harness.measure(parse("", ["--rounds", "1"])))

    assert [row.unit for row in report.rows] == ["s", "instances/s"]
    assert all(row.ours and row.reference for row in report.rows)
    assert len(report.notes) == 5
