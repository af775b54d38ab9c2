"""Runs on ray: two nodes of which one is lost, a cluster of its own, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import pytest

from qwright.agent.exits import Exit
from tests.e2e.house import KEY, make_house
from tests.e2e.scripted_server import Reply, error, says, served, wait_until
from tests.evals.eval_runs import script
from tests.evals.ray_nodes import Nodes, processes_in, short_folder, two_nodes
from tests.evals.test_run_kill import SAMPLES, Command

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

OF_RAY = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
    "RAY_USAGE_STATS_ENABLED": "0",
    # A node is missed after a quarter of the usual time.
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


class OnRay(Command):
    """`qwright eval run --engine ray`."""

    def __init__(self, root: Path, url: str, *flags: str, **environment: str) -> None:
        asked = ("--engine", "ray", "--model-requests", "2", *flags)
        super().__init__(root, url, *asked, **environment)

    @contextmanager
    def started(self) -> Generator[subprocess.Popen[str]]:
        """Nothing of it is left when a test fails meanwhile."""
        with self.start() as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


class Model:
    """The scripted server's answers, which come once they are released."""

    def __init__(self) -> None:
        self.asked = 0
        self.does: Literal["refuse", "answer", "hang"] = "refuse"
        self.released = threading.Event()

    def __call__(self, request: dict[str, Any]) -> Reply:
        self.asked += 1
        if self.does == "refuse":
            return error(HTTPStatus.UNAUTHORIZED, "no such key")
        if self.does == "hang":
            return says(text="...", hang=True)
        return held(script(request), self.released)


class OneAtATime:
    """A model's server that takes its time, and sees whether it is asked meanwhile."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def __call__(self, request: dict[str, Any]) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        released = threading.Event()
        threading.Timer(0.1, self._answer, [released]).start()
        return held(script(request), released)

    def _answer(self, released: threading.Event) -> None:
        self.now -= 1
        released.set()


def held(reply: Reply, released: threading.Event) -> Reply:
    return replace(reply, body=b"", held=released, rest=reply.body + reply.rest)


@pytest.fixture(scope="module", name="calm")
def _calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run on this machine comes to."""
    with served(script) as server:
        command = Command(tmp_path_factory.mktemp("calm"), server.url)
        command.end(command.start(), Exit.DONE)
        return command.told()


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


def test_a_lost_node_changes_nothing_and_keys_are_in_no_file(
    tmp_path: Path, folder: Path, calm: dict[str, Any]
) -> None:
    model = Model()
    with served(model) as server:
        of_nodes = {**make_house(tmp_path / "nodes").environment(None), **OF_RAY}
        of_nodes["PYTHONPATH"] += ":."

        def command(name: str) -> OnRay:
            return OnRay(tmp_path / name, server.url, "--address", nodes.address, **OF_RAY)

        with two_nodes({**of_nodes, "RAY_TMPDIR": str(folder)}) as nodes:
            _refuse(command("refused"))
            lost = command("lost")
            _lose_one(lost, model, nodes)
            assert lost.told() == calm
            assert len(lost.samples()) == SAMPLES
            assert not (lost.out / "results" / ".old").exists(), "no sample was made twice"
            assert all(KEY in head for head in server.headers if "/chat/" in head)
            assert _files_with(KEY, folder) == []
            _interrupt(command("ctrl-c"), model)
    assert processes_in(folder) == []


def _refuse(command: OnRay) -> None:
    """What every sample would meet ends the run as it does here, with its own exit code."""
    with command.started() as process:
        said = command.end(process, Exit.AUTH)
    assert said.splitlines()[-1].endswith("(401): no such key")
    assert command.left() == []


def _lose_one(command: OnRay, model: Model, nodes: Nodes) -> None:
    model.does, before = "answer", model.asked
    with command.started() as process:
        _wait_for(lambda: model.asked >= before + 2, process)  # one of each node
        nodes.lose_one()
        model.released.set()
        said = command.end(process, Exit.DONE).replace(str(command.out.parent), "")
        assert "ray" not in said, "it has a lot to say otherwise"
    assert command.left() == []


def _interrupt(command: OnRay, model: Model) -> None:
    """What runs on the node that is left is ended by Ctrl-C here."""
    model.does, before = "hang", model.asked
    with command.started() as process:
        _wait_for(lambda: model.asked > before, process)
        os.kill(process.pid, signal.SIGINT)
        assert "interrupted: " in command.end(process, Exit.INTERRUPTED)
    assert command.left() == []
    assert {json.loads(text)["state"] for text in command.samples().values()} == {"stopped"}


def test_a_cluster_made_here_keeps_the_limit_of_requests_and_is_gone_afterwards(
    tmp_path: Path, folder: Path, calm: dict[str, Any]
) -> None:
    model = OneAtATime()
    with served(model) as server:
        command = OnRay(tmp_path, server.url, "--model-requests", "1", TMPDIR=str(folder))
        assert "ray" not in command.end(command.start(), Exit.DONE).replace(str(tmp_path), "")
    assert command.told() == calm
    assert model.most == 1, "two workers, one request at a time"
    assert command.left() == []
    assert processes_in(folder) == []
    assert list(folder.iterdir()) == []


def _wait_for(asked: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    wait_until(lambda: asked() or process.poll() is not None, "a request")
    assert process.poll() is None, process.communicate()[1]


def _files_with(text: str, folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [file for file in files if text.encode() in file.read_bytes()]
