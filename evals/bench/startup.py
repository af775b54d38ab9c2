"""From the start of the command to the first byte of its first prompt at a model server.

All programs ask the same recording server, in turns, each in a small repository of its own with
one run before the first that counts.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from qwright.evals.bench.clients import (
    BIG_MODEL,
    SMALL_MODEL,
    Client,
    NoRequestError,
    Stage,
    floor_client,
    launch,
    prepare,
    qwright_client,
)
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row, interleaved, median, number, spread
from qwright.evals.bench.peers import installed_peers
from qwright.evals.bench.recorder import Recorder, recording
from qwright.sandbox.image import ensure_image

WHAT = "first request byte"
FULL = qwright_client("full profile", BIG_MODEL)
# This one waits for the checkout, for it reads the files that the task names.
LOCAL = qwright_client("local profile", SMALL_MODEL)
FLOOR = floor_client()
OURS = (FULL.name, LOCAL.name)
MOST_SECONDS = Budget(1.0, of="value")
OF_FASTEST_PEER = Budget(0.5)
ROUNDS = 5


async def measure(options: Options) -> Report:
    """Raises SandboxError without an engine, NoRequestError when qwright itself asks nothing."""
    await ensure_image(options.image, lambda line: None)
    peers, notes = await asyncio.to_thread(installed_peers, options.peers_dir)
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name, recording() as recorder:
        ready, silent = await _warm([FULL, LOCAL, FLOOR, *peers], Path(name), recorder)
        if not {FULL.name, LOCAL.name} <= ready.keys():
            raise NoRequestError(silent[0])
        seconds = await interleaved(options.rounds or ROUNDS, ready)
    notes += silent
    notes += [f"{WHAT}, {name}: {spread(found)} s" for name, found in seconds.items()]
    return Report(rows({name: median(found) for name, found in seconds.items()}), notes)


def rows(seconds: Mapping[str, float]) -> list[Row]:
    """Each profile of ours against the floor, and against the peers, the fastest first."""
    peers = {name: s for name, s in seconds.items() if name not in (*OURS, FLOOR.name)}
    found: list[Row] = []
    for name in OURS:
        what = f"{WHAT}, {name}"
        mine = seconds[name]
        found.append(Row(what, "s", mine, seconds.get(FLOOR.name), FLOOR.name, MOST_SECONDS))
        for place, peer in enumerate(sorted(peers, key=lambda one: peers[one])):
            budget = OF_FASTEST_PEER if place == 0 else None
            found.append(Row(what, "s", mine, peers[peer], peer, budget))
    return found


async def _warm(
    clients: Sequence[Client], root: Path, recorder: Recorder
) -> tuple[dict[str, Callable[[], Awaitable[float]]], list[str]]:
    """Run each once; what measures those that ask, and a line on each that does not."""
    ready: dict[str, Callable[[], Awaitable[float]]] = {}
    silent: list[str] = []
    for client in clients:
        stage = prepare(client, root)
        timed = _Timed(client, stage, recorder)
        try:
            first = await timed()
        except NoRequestError as error:
            silent.append(str(error))
        else:
            ready[client.name] = timed
            print(f"{client.name}: {number(first)} s the first time", file=sys.stderr)
    return ready, silent


class _Timed:
    """One launch of a client each time it is called; its seconds."""

    def __init__(self, client: Client, stage: Stage, recorder: Recorder) -> None:
        self._launch = lambda: launch(client, stage, recorder).seconds

    async def __call__(self) -> float:
        return await asyncio.to_thread(self._launch)


if __name__ == "__main__":
    sys.exit(main({"startup": measure}, __doc__ or ""))
