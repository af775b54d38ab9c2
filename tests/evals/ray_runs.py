"""Ray as processes of its own: two nodes on this machine, and a run on ray.

`python -m tests.evals.ray_runs nodes` starts two nodes and prints {"address", "logs"} as JSON; at
"lose" on its standard input it kills everything of the second, at the end of the input the rest.
`python -m tests.evals.ray_runs run OUT URL [ADDRESS]` is one run, on these or a cluster of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from qwright.evals.run.ray_engine import RayEngine
from tests.evals.eval_runs import go, several

SAMPLES = 6


class Nodes:
    """Two nodes of a CPU and a sandbox each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        told = json.loads(self._answer())
        self.address = str(told["address"])
        self.logs = Path(told["logs"])

    def lose_one(self) -> None:
        """kill -9 of all processes of the second node."""
        self._ask("lose")

    def _ask(self, what: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def two_nodes(environment: dict[str, str]) -> Generator[Nodes]:
    """Their environment is also that of the workers; its TMPDIR must be short (sockets)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.evals.ray_runs", "nodes"],
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
    """Command lines of the processes that were started for what lies in a folder."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
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
    print(json.dumps({"address": cluster.address, "logs": os.environ["RAY_TMPDIR"]}), flush=True)
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


def _run(out: str, url: str, address: str | None = None) -> None:
    engine = RayEngine(address)
    ended = go(several(SAMPLES), url, Path(out), engine=engine, model_requests=2)
    print(ended.line, file=sys.stderr, flush=True)
    os._exit(ended.exit_code)


if __name__ == "__main__":
    if sys.argv[1] == "nodes":
        _serve_nodes()
    else:
        _run(*sys.argv[2:])
