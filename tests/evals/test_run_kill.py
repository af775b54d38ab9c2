"""kill -9 of a run at random moments, Ctrl-C, and the same command again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.exits import Exit
from tests.e2e.house import COMMAND, make_house
from tests.e2e.scripted_server import Reply, Server, says, served, wait_until
from tests.evals.eval_runs import containers, script, write_rows

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

KILLS = int(os.environ.get("QWRIGHT_TEST_KILLS", "5"))
SEED = int(os.environ.get("QWRIGHT_TEST_SEED", "20261122"))
SAMPLES = 6


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with served(script) as server:
        yield server


class Command:
    """`qwright eval run`, which can be typed again and again."""

    def __init__(self, root: Path, url: str, *flags: str, **environment: str) -> None:
        self.out = root / "out"
        self._environment = {**make_house(root).environment(url), **environment}
        self._environment["PYTHONPATH"] += ":."
        rows = root / "rows.jsonl"
        write_rows(rows, SAMPLES)
        self._words = ["eval", "run", str(rows), "-o", str(self.out), "-w", "2", *flags]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *self._words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
            text=True,
        )

    def end(self, process: subprocess.Popen[str], code: int) -> str:
        """Wait for it; what it said."""
        _, said = process.communicate(timeout=120)
        assert process.returncode == code, said
        assert "Traceback" not in said
        return said

    def samples(self) -> dict[str, str]:
        """Path to text of every result there is."""
        return {str(file): file.read_text() for file in self.out.glob("results/*/*/result.json")}

    def left(self) -> list[str]:
        return containers(json.loads((self.out / "run.json").read_text())["id"])

    def told(self) -> dict[str, Any]:
        """What the run came to, without times and names of sessions."""
        found = [json.loads(text) for text in self.samples().values()]
        for one in found:
            for part in (one["solution"], one["verdict"]):
                part.pop("seconds")
        kept = ("instance", "sample", "state", "solution", "verdict")
        rows = [{name: one[name] for name in kept} for one in found]
        preds = (self.out / "preds.jsonl").read_text()
        numbers = json.loads((self.out / "summary.json").read_text())
        return {
            "results": sorted(rows, key=lambda row: row["instance"]),
            "preds": preds,
            "rate": numbers["rate"],
            "failures": numbers["failures"],
        }


def test_killed_at_random_moments_it_ends_as_if_nothing_had_been(
    tmp_path: Path, server: Server
) -> None:
    calm = Command(tmp_path / "calm", server.url)
    began = time.monotonic()
    calm.end(calm.start(), Exit.DONE)
    usual = time.monotonic() - began

    chance = random.Random(SEED)
    killed = Command(tmp_path / "killed", server.url)
    before: dict[str, str] = {}
    kills = 0
    while kills < KILLS:
        process = killed.start()
        try:
            process.communicate(timeout=chance.uniform(0.3, 0.6 * usual))
            break  # it was done before the kill came
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        now = killed.samples()
        assert {path: now.get(path) for path in before} == before, "what was done stays as it was"
        before = now
    killed.end(killed.start(), Exit.DONE)

    now = killed.samples()
    assert {path: now[path] for path in before} == before, "no sample was made twice"
    assert len(now) == SAMPLES
    assert killed.told() == calm.told()
    assert killed.left() == []
    assert not (killed.out / ".work").exists()


def test_ctrl_c_ends_it_well_and_twice_at_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def slow(request: dict[str, Any]) -> Reply:
        asked.append(1)
        return script(request) if len(asked) <= 5 else says(text="...", hang=True)

    with served(slow) as server:
        command = Command(tmp_path, server.url)
        process = command.start()
        wait_until(lambda: len(asked) >= 7, "two requests that hang")
        os.kill(process.pid, signal.SIGINT)
        said = command.end(process, Exit.INTERRUPTED)
        assert "interrupted: " in said
        assert "samples are done; the same command goes on" in said
        assert command.left() == []
        states = [json.loads(text)["state"] for text in command.samples().values()]
        assert "stopped" in states
        assert set(states) <= {"done", "stopped"}

        process = command.start()
        count = len(asked)
        wait_until(lambda: len(asked) >= count + 2, "two more")
        for _ in range(2):
            os.kill(process.pid, signal.SIGINT)
            time.sleep(0.05)
        process.communicate(timeout=30)
        assert process.returncode == Exit.INTERRUPTED
