"""The grader's own container: made for one patch, without network, nothing of the host mounted."""

from __future__ import annotations

import asyncio
import io
import secrets
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from qwright.evals.grade.packing import Folder, Put, direct_files, pack
from qwright.evals.instance import Instance
from qwright.sandbox import hardening, owners
from qwright.sandbox.base import CommandResult
from qwright.sandbox.container import MOST_OUTPUT, DockerSandbox
from qwright.sandbox.engine import Engine, EngineRefused, ImageInfo, connect, in_engine
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.hardening import Limits

HOME = "/opt/qwright/grade"
"""Where our own files lie inside. They are root's, but for what the tests must write."""
TESTER = (1000, 1000)
"""The user the tests run as, and (0, 0) in images made for SWE-bench, whose tests expect that."""
SESSION = "grade"


@dataclass(frozen=True, slots=True)
class GradeContainer:
    """Made by `start`; `close` removes it, whatever became of it."""

    engine: Engine
    name: str
    user: tuple[int, int]
    sandbox: DockerSandbox = field(repr=False)

    @classmethod
    async def start(cls, image: str, instance: Instance, run: str) -> GradeContainer:
        """Start one with an empty folder at the instance's mount. Raises SandboxError."""
        engine = await connect()
        user = (0, 0) if instance.image or engine.rootless else TESTER
        name = f"qwright-{SESSION}-{secrets.token_hex(4)}"
        made = cls(engine, name, user, DockerSandbox(engine, name, user, instance.mount))
        plan = _Plan(engine, name, image, instance, user, run)
        starting = asyncio.ensure_future(in_engine("Starting the grader", plan.start))
        try:
            await asyncio.shield(starting)
        except (asyncio.CancelledError, SandboxError):
            await asyncio.wait([starting])
            await made.close()
            raise
        return made

    async def put(self, *parts: Put | Folder) -> None:
        """Copy files in. Raises SandboxError."""

        def copy() -> None:
            with tempfile.TemporaryFile() as archive:
                pack(parts, archive)
                self.engine.api.put_archive(self.name, "/", archive)

        await in_engine("Copying files to the grader", copy)

    async def get(self, folder: str) -> dict[str, bytes]:
        """What is directly in a folder that is no tmpfs: files, b"" for others; {} without it."""

        def fetch() -> dict[str, bytes]:
            chunks, _ = self.engine.api.get_archive(self.name, folder)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
                return dict(direct_files(tar))

        try:
            return await in_engine("Reading from the grader", fetch)
        except EngineRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise

    async def run(self, command: str, timeout: float) -> CommandResult:
        """Run a command in the mount; all of its output up to 64 MiB. Raises SandboxError."""
        return await self.sandbox.run(command, timeout=timeout, output_limit=MOST_OUTPUT)

    async def close(self) -> None:
        await self.sandbox.close()


@dataclass(frozen=True, slots=True)
class _Plan:
    engine: Engine
    name: str
    image: str
    instance: Instance
    user: tuple[int, int]
    run: str

    def start(self) -> None:
        """Create and start the container. Blocks; raises what the SDK raises."""
        api = self.engine.api
        info = api.inspect_image(self.image)
        api.create_container(
            self.image,
            name=self.name,
            entrypoint=hardening.holder(self.user[0]),
            hostname=hardening.HOSTNAME,
            user="0:0",
            working_dir=self.instance.mount,
            labels=owners.labels(SESSION, self.run),
            environment=self._environment(info),
            host_config=api.create_host_config(**self._options()),
            use_config_proxy=False,
        )
        api.start(self.name)

    def _environment(self, info: ImageInfo) -> Mapping[str, str]:
        own = info["Config"]["Env"] or []
        found = hardening.environment("none", own, False, self.instance.env)
        if not self.instance.image:
            return found
        # An image made for its tests brings what they need; only git must trust the copied files.
        kept = [*self.instance.env, *(name for name in found if name.startswith("GIT_CONFIG_"))]
        return {name: found[name] for name in kept}

    def _options(self) -> dict[str, object]:
        options = hardening.host_options(Limits(), "none", self.user)
        # Gone with its container, like everything the tests write; so the root may be written.
        options |= {"read_only": False, "mounts": [hardening.volume(self.instance.mount)]}
        if self.instance.image:
            capabilities = list(hardening.SETUP_CAPABILITIES)
            options |= {"cap_add": capabilities, "tmpfs": None}
        return options
