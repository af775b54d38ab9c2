"""What the benchmark of the engine's limits asks, with the real 0.5B where that is meant."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from qwright.agent.embedded.catalogue import find
from qwright.agent.embedded.server import private_server, running
from qwright.agent.embedded.settings import Settings
from qwright.agent.embedded.weights import pull
from qwright.evals.bench.engine_limits import LINES, FirstToken, busy, long_file, second_turn


def test_the_file_has_its_lines_and_is_code() -> None:
    lines = long_file().split("\n")
    assert len(lines) == LINES
    assert sum(line.startswith("def ") for line in lines) >= 5


def spinning(session: int) -> int:
    """How many processes of a session are running or ready to."""
    fields = [Path(entry.path, "stat") for entry in os.scandir("/proc") if entry.name.isdigit()]
    found = 0
    for path in fields:
        with suppress(OSError):
            state, _, _, sid = path.read_text().rpartition(")")[2].split()[:4]
            found += state == "R" and int(sid) == session
    return found


def comes_to(wanted: int, session: int) -> bool:
    for _ in range(500):
        if spinning(session) == wanted:
            return True
        time.sleep(0.01)
    return False


def test_two_busy_processes_are_there_and_gone() -> None:
    with busy() as session:
        assert comes_to(2, session)
    assert comes_to(0, session)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The user's 0.5B, in a home of this module's own."""
    file = pull(find("0.5b"), lambda done, total, label: None)
    home = tmp_path_factory.mktemp("home")
    link = home / "qwen2.5-coder-0.5b.gguf"
    link.symlink_to(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(home))
        yield link
        assert asyncio.run(running()) == []


@pytest.mark.weights
@pytest.mark.timeout(900)
def test_a_restored_prefix_leaves_the_task_to_evaluate(weights: Path, tmp_path: Path) -> None:
    first = FirstToken(weights, tmp_path / "kept")
    for way in (first.saving, first.cold, first.restored):
        asyncio.run(way())
    saving, cold, restored = (sample.finish.usage for sample in first.samples)
    assert saving.prompt == cold.prompt == restored.prompt
    assert cold.cached == 0
    assert restored.prompt - restored.cached < 20
    assert restored.cached == saving.cached > 200


@pytest.mark.weights
@pytest.mark.timeout(900)
def test_the_second_turn_evaluates_nothing_again(weights: Path) -> None:
    async def measured() -> float | None:
        async with private_server(weights, Settings(), context=2_048) as server:
            return (await second_turn(server)).rows[0].ours

    assert asyncio.run(measured()) == 0
