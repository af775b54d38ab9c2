"""One hardened container: commands go in, bounded output and true exit codes come out."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, Unpack

from qwright.sandbox import hardening, owners
from qwright.sandbox.base import MOUNT, CommandResult, Sandbox
from qwright.sandbox.engine import Engine, EngineRefused, ImageInfo, connect, in_engine
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.execution import IN_ORDER, KILLED, UNKNOWN, Command, Execution, output_of
from qwright.sandbox.hardening import Limits, Network
from qwright.sandbox.passwd import passwd_file
from qwright.sandbox.stream import OutputWindow

MOST_OUTPUT = 64 * 1024**2
"""Bytes of output after which a command is stopped."""
TIMED_OUT = 124
GRACE = 2.0
"""Seconds in which the stream of a killed command must end."""
MOST_COMMANDS = 8
"""Commands that run at one time in one sandbox."""
_KILL_EVERYTHING = ("sh", "-c", "kill -9 -1")
_OOM_COUNTERS = "cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events"
_KILL_WORDS = re.compile(rb"killed|sigkill|out of memory", re.IGNORECASE)


class ContainerOptions(TypedDict, total=False):
    """What `DockerSandbox.start` takes beside image and checkout."""

    session: Required[str]
    network: Network
    """none, unless given."""
    uid: int
    gid: int
    """1000 both."""
    limits: Limits | None
    mount: str
    """Where the checkout lies inside."""
    env: Mapping[str, str]
    """Variables on top of ours; `$PATH` in them stands for the PATH there would be."""
    run: str
    """The id of an eval run, for its label."""


class DockerSandbox:
    """A running container with the checkout at its mount. Made by `start`."""

    def __init__(
        self, engine: Engine, name: str, owner: tuple[int, int], mount: str = MOUNT
    ) -> None:
        self.name = name
        self.mount = mount
        self._engine = engine
        self._user = f"{owner[0]}:{owner[1]}"
        self._oom_kills = 0
        self._closed = False
        # Not the shared pool: a handful of long commands there would leave no thread for the
        # kill that ends them.
        self._threads = ThreadPoolExecutor(MOST_COMMANDS, "qwright-command")

    @classmethod
    async def start(
        cls, image: str, checkout: Path, **options: Unpack[ContainerOptions]
    ) -> DockerSandbox:
        """Start a container of `image` with `checkout` writable at the mount.

        Commands run as `uid` and `gid`. A rootless engine maps its root to the user, so there
        they run as root inside. Raises SandboxError: no engine, no such image, or a checkout
        that may not be mounted.
        """
        source = hardening.require_mountable(checkout)
        engine = await connect()
        owner = (options.get("uid", 1000), options.get("gid", 1000))
        owner = (0, 0) if engine.rootless else owner
        name = f"qwright-{options['session']}-{secrets.token_hex(4)}"
        plan = _Plan(engine, name, image, source, owner, options)
        sandbox = cls(engine, name, owner, plan.mount)
        starting = asyncio.ensure_future(in_engine("Starting the sandbox", plan.start))
        try:
            await asyncio.shield(starting)
        except (asyncio.CancelledError, SandboxError):
            await asyncio.wait([starting])
            await sandbox.close()
            raise
        return sandbox

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        """Run `command` with `bash -c` in the mount as the sandbox's user, stdin closed.

        `timeout` is in seconds; when it passes everything that user runs is killed. Output is
        kept up to `output_limit` bytes; after 64 MiB the command is killed. Cancelling the task
        kills the command too. Raises SandboxError when the container is gone.
        """
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        flood = asyncio.Event()
        output = _Output(output_limit, lambda: loop.call_soon_threadsafe(flood.set))
        execution = self._execution((*IN_ORDER, "bash", "-c", command), output)
        finished = loop.run_in_executor(self._threads, execution.run)
        timed_out = False
        try:
            await _first(finished, flood, timeout)
            if not finished.done():
                timed_out = not flood.is_set()
                await self._stop(finished, execution)
            code = TIMED_OUT if await finished == KILLED and timed_out else finished.result()
        except asyncio.CancelledError:
            with suppress(SandboxError):
                await asyncio.shield(self._stop(finished, execution))
            raise
        seconds = time.monotonic() - began
        starved = output.tells_of_a_kill(code) and await self._ran_out_of_memory()
        dropped = output.window.dropped
        return CommandResult(output.text(), code, seconds, timed_out, dropped, starved)

    async def reap(self) -> None:
        """Kill every process of the sandbox's user, daemons and orphans too."""
        await asyncio.to_thread(self._kill_everything)

    async def pause(self) -> None:
        """Freeze every process; a container that has ended or is gone has none left."""
        await self._while_running("Pausing the sandbox", self._engine.api.pause)

    async def resume(self) -> None:
        """Undo `pause`."""
        await self._while_running("Resuming the sandbox", self._engine.api.unpause)

    async def _while_running(self, doing: str, change: Callable[[str], None]) -> None:
        """Raises SandboxError when the engine refuses while the container still runs."""
        try:
            await in_engine(doing, lambda: change(self.name))
        except EngineRefused:
            api, named = self._engine.api, {"name": self.name}
            if await in_engine(doing, lambda: api.containers(all=False, filters=named)):
                raise

    async def close(self) -> None:
        """Remove the container. Safe to call twice, and when it is already gone."""
        if self._closed:
            return
        self._closed = True
        self._threads.shutdown(wait=False)
        await asyncio.shield(remove_container(self._engine, self.name))

    def _execution(self, argv: tuple[str, ...], output: _Output) -> Execution:
        return Execution(
            self._engine, self.name, Command(argv, self._user, workdir=self.mount), output.write
        )

    async def _stop(self, finished: asyncio.Future[int], execution: Execution) -> None:
        """Kill the command; twice, because the first kill can come before it has started.

        Its output is read all the while: an engine that cannot deliver it does not notice the end
        of the kill either.
        """
        for _ in range(2):
            # When the kill fails, the command's own end tells why.
            with suppress(SandboxError, TimeoutError):
                await asyncio.wait_for(self.reap(), 5 * GRACE)
            await asyncio.wait([finished], timeout=GRACE)
            if finished.done():
                return
        execution.abort()

    def _kill_everything(self) -> None:
        command = Command(_KILL_EVERYTHING, self._user, workdir="/")
        output_of(self._engine, self.name, command)

    async def _ran_out_of_memory(self) -> bool:
        """Whether the kernel killed for memory since we last looked.

        Raises SandboxError when the container died of it too.
        """
        command = Command(("sh", "-c", f"{_OOM_COUNTERS} 2>/dev/null"), self._user, workdir="/")
        counts: list[bytes] = []
        # A container that is just dying can take one more command, and say nothing.
        for _ in range(2):
            try:
                text = await asyncio.to_thread(output_of, self._engine, self.name, command)
            except SandboxError as error:
                raise SandboxError(UNKNOWN) from error
            counts = re.findall(rb"^oom_kill (\d+)$", text, re.MULTILINE)
            if counts:
                break
            await asyncio.sleep(GRACE / 10)
        before, self._oom_kills = self._oom_kills, sum(map(int, counts))
        return self._oom_kills > before


async def sweep_orphans() -> list[str]:
    """Remove the containers whose qwright process is dead; returns their ids.

    Raises SandboxError when the engine cannot be reached.
    """
    engine = await connect()
    found = await in_engine(
        "Listing sandboxes",
        lambda: engine.api.containers(all=True, filters={"label": owners.PID}),
    )
    dead = [one["Id"] for one in found if owners.is_dead(one["Labels"] or {})]
    for container in dead:
        await remove_container(engine, container)
    return dead


async def remove_container(engine: Engine, container: str) -> None:
    """Remove a container and its anonymous volumes; nothing happens when it is gone."""
    try:
        await in_engine(
            "Removing a sandbox",
            lambda: engine.api.remove_container(container, force=True, v=True),
        )
    except EngineRefused as error:
        # 404: gone already; 409: being removed by someone else.
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise


async def _first(finished: asyncio.Future[int], flood: asyncio.Event, timeout: float) -> None:
    """Wait until the command has ended, floods, or `timeout` seconds have passed."""
    flooding = asyncio.ensure_future(flood.wait())
    try:
        await asyncio.wait([finished, flooding], timeout=timeout, return_when="FIRST_COMPLETED")
    finally:
        flooding.cancel()


class _Output:
    """Collects what a command prints, and tells once when it prints without end."""

    def __init__(self, limit: int, flood: Callable[[], object]) -> None:
        self.window = OutputWindow(limit)
        self._flood = flood
        self._flooded = False

    def write(self, payload: bytes) -> None:
        if self._flooded:
            return
        self.window.write(payload)
        if self.window.total > MOST_OUTPUT:
            self._flooded = True
            self._flood()

    def text(self) -> str:
        if not self._flooded:
            return self.window.text()
        return (
            f"{self.window.text()}\n[stopped: more than {MOST_OUTPUT // 1024**2} MiB of output]\n"
        )

    def tells_of_a_kill(self, code: int) -> bool:
        """Whether a kill by the kernel is likely enough to ask for its counters."""
        if self._flooded or code == TIMED_OUT:
            return False
        # `python x.py | tail` ends with 0 all the same.
        return code == KILLED or bool(_KILL_WORDS.search(self.window.end()))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything a container is made of."""

    engine: Engine
    name: str
    image: str
    source: Path
    owner: tuple[int, int]
    options: ContainerOptions

    @property
    def mount(self) -> str:
        return self.options.get("mount", MOUNT)

    def start(self) -> None:
        """Create and start the container. Blocks; raises what the SDK raises."""
        api = self.engine.api
        given = self.options
        network = given.get("network", "none")
        info = api.inspect_image(self.image)
        bundle = hardening.host_ca_bundle()
        options = hardening.host_options(given.get("limits") or Limits(), network, self.owner)
        own = info["Config"]["Env"] or []
        api.create_container(
            self.image,
            name=self.name,
            entrypoint=hardening.holder(self.owner[0]),
            hostname=hardening.HOSTNAME,
            user="0:0",
            working_dir=self.mount,
            labels=owners.labels(given["session"], given.get("run", "")),
            environment=hardening.environment(network, own, bundle is not None, given.get("env")),
            host_config=api.create_host_config(**options, mounts=self._mounts(info, bundle)),
            # The SDK would add the proxies of the user's docker configuration, passwords too.
            use_config_proxy=False,
        )
        api.start(self.name)

    def _mounts(self, info: ImageInfo, bundle: Path | None) -> list[object]:
        mounts = [hardening.bind(self.source, self.mount, read_only=False)]
        if bundle:
            mounts.append(hardening.bind(bundle, hardening.CA_FILE, read_only=True))
        passwd = passwd_file(self.engine.api, info["Id"], self.owner)
        if passwd:
            mounts.append(hardening.bind(passwd, "/etc/passwd", read_only=True))
        return mounts


if TYPE_CHECKING:

    def proof(sandbox: DockerSandbox) -> Sandbox:
        return sandbox
