"""A command in the sandbox, and the sandbox's start, over the same asked of the engine's SDK."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row, interleaved, median, p90, spread
from qwright.sandbox.base import MOUNT
from qwright.sandbox.container import DockerSandbox
from qwright.sandbox.engine import Api, Created, Engine, connect
from qwright.sandbox.image import ensure_image

EXEC_ROUNDS = 40
START_ROUNDS = 10
OF_EXEC = Budget(1.15)
OF_START = Budget(1.2)
USER = "1000:1000"
ARGV = ["bash", "-c", "true"]


class PlainExec(Protocol):
    """The SDK's own way to run a command and to take all of its output."""

    def exec_create(
        self, container: str, cmd: list[str], *, user: str, workdir: str
    ) -> Created: ...
    def exec_start(self, exec_id: str) -> bytes: ...
    def exec_inspect(self, exec_id: str) -> object: ...


async def measure(options: Options) -> Report:
    """Raises SandboxError without an engine or an image."""
    image = await ensure_image(options.image, lambda line: None)
    engine = await connect()
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name:
        # The container's user is not ours and must be able to come in.
        Path(name).chmod(0o755)
        run = await _exec_times(engine, image, Path(name), options.rounds or EXEC_ROUNDS)
        start = await _start_times(engine, image, Path(name), options.rounds or START_ROUNDS)
    notes = [f"{what}, min / median / max: {spread(found)} ms" for what, found in start.items()]
    return Report(_exec_rows(run) + _start_rows(start), notes)


def _exec_rows(times: dict[str, list[float]]) -> list[Row]:
    ours, sdk = times["ours"], times["sdk"]
    return [
        Row("true in the sandbox, p50", "ms", median(ours), median(sdk), "SDK exec", OF_EXEC),
        Row("true in the sandbox, p90", "ms", p90(ours), p90(sdk), "SDK exec"),
    ]


def _start_rows(times: dict[str, list[float]]) -> list[Row]:
    what = "sandbox ready"
    ours = median(times[what])
    references = [name for name in times if name != what]
    return [
        Row(what, "ms", ours, median(times[name]), name, OF_START if place == 0 else None)
        for place, name in enumerate(references)
    ]


async def _exec_times(
    engine: Engine, image: str, checkout: Path, rounds: int
) -> dict[str, list[float]]:
    sandbox = await DockerSandbox.start(image, checkout, session="bench")
    plain = cast(PlainExec, engine.api)

    async def ours() -> float:
        began = time.monotonic()
        await sandbox.run("true")
        return _ms_since(began)

    async def sdk() -> float:
        return await asyncio.to_thread(_plain_exec, plain, sandbox.name)

    try:
        await interleaved(2, {"ours": ours, "sdk": sdk})
        return await interleaved(rounds, {"ours": ours, "sdk": sdk})
    finally:
        await sandbox.close()


def _plain_exec(api: PlainExec, container: str) -> float:
    began = time.monotonic()
    created = api.exec_create(container, ARGV, user=USER, workdir=MOUNT)
    api.exec_start(created["Id"])
    api.exec_inspect(created["Id"])
    return _ms_since(began)


async def _start_times(
    engine: Engine, image: str, checkout: Path, rounds: int
) -> dict[str, list[float]]:
    async def ours() -> float:
        began = time.monotonic()
        sandbox = await DockerSandbox.start(image, checkout, session="bench")
        taken = _ms_since(began)
        await sandbox.close()
        return taken

    measures = {
        "sandbox ready": ours,
        "create + start": _Plain(engine.api, image, "bridge"),
        "create + start, no network": _Plain(engine.api, image, "none"),
    }
    await interleaved(1, measures)
    return await interleaved(rounds, measures)


@dataclass(frozen=True, slots=True)
class _Plain:
    """Starts a container of the image with the engine's defaults; its milliseconds."""

    api: Api
    image: str
    network: str

    async def __call__(self) -> float:
        return await asyncio.to_thread(self._start)

    def _start(self) -> float:
        name = f"qwright-bench-{secrets.token_hex(4)}"
        began = time.monotonic()
        options = self.api.create_host_config(network_mode=self.network)
        command = ["sleep", "infinity"]
        self.api.create_container(self.image, name=name, command=command, host_config=options)
        try:
            self.api.start(name)
            return _ms_since(began)
        finally:
            self.api.remove_container(name, force=True, v=True)


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    sys.exit(main({"tool_exec": measure}, __doc__ or ""))
