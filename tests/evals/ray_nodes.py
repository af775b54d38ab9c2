"""Two nodes of ray on this machine, and what is left of them.

`python -m tests.evals.ray_nodes` starts them and prints their address; at "lose" on its standard
input it kills everything of the second, at the end of the input the rest.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, cast


class Nodes:
    """Two nodes of a CPU and a sandbox each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._answer()

    def lose_one(self) -> None:
        """kill -9 of all processes of the second node."""
        assert self._process.stdin
        self._process.stdin.write("lose\n")
        self._process.stdin.flush()
        assert self._answer() == "lost"

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def two_nodes(environment: dict[str, str]) -> Generator[Nodes]:
    """Their environment is also that of the workers; its TMPDIR must be short (sockets)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.evals.ray_nodes"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Nodes(process)
        process.communicate()
    assert process.returncode == 0


@contextmanager
def short_folder() -> Generator[Path]:
    """ray's sockets lie in it, and their paths may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="q", dir="/tmp") as folder:
        yield Path(folder)


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that have a folder in their environment, as TMPDIR say."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        # One that has just ended has no files, or empty ones.
        with suppress(OSError):
            if os.fsencode(folder) in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text(errors="replace"))
    return found


class _Process(Protocol):
    pid: int

    def wait(self) -> int: ...


def _serve_nodes() -> None:
    """Only here is ray imported: it changes the process it is in for good."""
    os.makedirs(Path(os.environ["RAY_TMPDIR"], "ray"))
    cluster_utils = importlib.import_module("ray.cluster_utils")
    one: dict[str, Any] = {"num_cpus": 1, "resources": {"sandbox": 1}}
    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={**one, "include_dashboard": False}
    )
    second = cluster.add_node(**one)
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        for each in second.all_processes.values():
            for info in each:
                _kill(cast(_Process, info.process))
        print("lost", flush=True)
    cluster.shutdown()


def _kill(process: _Process) -> None:
    """It and its children, as when a machine is switched off."""
    children = [
        int(pid)
        for thread in Path(f"/proc/{process.pid}/task").iterdir()
        for pid in (thread / "children").read_text().split()
    ]
    for pid in (process.pid, *children):
        os.kill(pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    _serve_nodes()
