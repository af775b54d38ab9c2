"""A container whose file system becomes an image: root may write it and use the network.

It is closed as a sandbox is otherwise: few capabilities, no new privileges, the same system call
profile, and nothing of the host mounted but its certificate authorities.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from qwright.sandbox import hardening, owners
from qwright.sandbox.base import MOUNT
from qwright.sandbox.container import remove_container
from qwright.sandbox.engine import Engine, in_engine, one_line
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.execution import IN_ORDER, Command, Execution
from qwright.sandbox.hardening import Limits

SESSION = "setup"
SETUP_MEMORY = 2 * hardening.default_memory()


class SetupContainer:
    """Made by `start`; `close` removes it, whatever became of it."""

    def __init__(
        self, engine: Engine, name: str, variables: dict[str, str], mount: str = MOUNT
    ) -> None:
        self._engine = engine
        self._name = name
        self._mount = mount
        self._variables = variables

    @classmethod
    async def start(cls, engine: Engine, image: str, mount: str = MOUNT) -> SetupContainer:
        """Start one from `image`, with a volume of its own at `mount`. Raises SandboxError."""
        name = f"qwright-{SESSION}-{secrets.token_hex(4)}"
        bundle = hardening.host_ca_bundle()
        made = cls(engine, name, hardening.setup_environment(bundle is not None), mount)
        # A volume of its own: what lies in it does not become part of the image.
        mounts = [hardening.volume(mount)]
        if bundle:
            mounts.append(hardening.bind(bundle, hardening.CA_FILE, read_only=True))
        starting = asyncio.ensure_future(
            in_engine("Starting the set-up", lambda: made._start(image, mounts))
        )
        try:
            await asyncio.shield(starting)
        except (asyncio.CancelledError, SandboxError):
            await asyncio.wait([starting])
            await made.close()
            raise
        return made

    async def copy_in(self, archive: IO[bytes]) -> None:
        """Unpack a tar file at the mount."""
        await in_engine(
            "Copying the project into the set-up",
            lambda: self._engine.api.put_archive(self._name, self._mount, archive),
        )

    async def run(
        self, argv: Sequence[str], log: IO[bytes], progress: Callable[[str], None]
    ) -> tuple[int, str]:
        """Run a command as root in the mount, its output to `log`, its lines to `progress`.

        Returns the exit code and the last line that was not empty. Raises SandboxError.
        """
        lines = _Lines(progress)

        def sink(payload: bytes) -> None:
            log.write(payload)
            lines.write(payload)

        command = Command((*IN_ORDER, *argv), "0:0", self._variables, self._mount)
        execution = Execution(self._engine, self._name, command, sink)
        try:
            return await asyncio.to_thread(execution.run), lines.last()
        except asyncio.CancelledError:
            execution.abort()
            raise

    async def commit(self, repository: str, tag: str) -> str:
        """Make an image of what is there now; its id."""
        # The labels are inherited by the image and must not mark its containers as ours.
        changes = [f'LABEL {owners.PID}="" {owners.SESSION}=""']
        made = await in_engine(
            "Saving the image",
            lambda: self._engine.api.commit(self._name, repository, tag, changes=changes),
        )
        return made["Id"]

    async def close(self) -> None:
        """Remove the container. Safe to call twice."""
        with suppress(SandboxError):
            await asyncio.shield(remove_container(self._engine, self._name))

    def _start(self, image: str, mounts: list[object]) -> None:
        api = self._engine.api
        options = hardening.setup_options(Limits(SETUP_MEMORY, pids=4096))
        api.create_container(
            image,
            name=self._name,
            entrypoint=["sleep", "infinity"],
            hostname=hardening.HOSTNAME,
            user="0:0",
            working_dir=self._mount,
            labels=owners.labels(SESSION),
            host_config=api.create_host_config(**options, mounts=mounts),
            use_config_proxy=False,
        )
        api.start(self._name)


class _Lines:
    """Cuts a stream into lines for `progress`, and remembers the last one that said something."""

    LONGEST = 4096

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._rest = b""
        self._last = ""

    def write(self, payload: bytes) -> None:
        *whole, self._rest = (self._rest + payload).replace(b"\r", b"\n").split(b"\n")
        self._rest = self._rest[-self.LONGEST :]
        for line in whole:
            self._show(line)

    def last(self) -> str:
        self._show(self._rest)
        return self._last or "no output"

    def _show(self, line: bytes) -> None:
        text = one_line(line.decode(errors="replace"), 200)
        if text:
            self._last = text
            self._progress(f"  {text}")
