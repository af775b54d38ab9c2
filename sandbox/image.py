"""The image sandboxes run: the default one, built once, or one the user names."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from qwright.sandbox.debian import DPKG_CONFIGURATION, RELEASE, log_file, root_filesystem
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.engine import (
    Engine,
    EngineRefused,
    ImageInfo,
    PullEvent,
    connect,
    in_engine,
    one_line,
)
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.locks import exclusive
from qwright.sandbox.setup_container import SetupContainer

Progress = Callable[[str], None]

REPOSITORY = "qwright-sandbox"
BASE = f"debian:{RELEASE}-slim"
REGISTRY_SECONDS = 6
"""How long a registry may take to answer before we build without it."""
BUILD_SECONDS = 1800
PACKAGES = (
    "ca-certificates",
    "diffutils",
    "g++",
    "gcc",
    "git",
    "less",
    "libc6-dev",
    "make",
    "patch",
    "procps",
    "python-is-python3",
    "python3",
    "python3-dev",
    "python3-pip",
    "python3-pytest",
    "python3-venv",
    "ripgrep",
)
FINISH = """\
set -e
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*
rm -rf /usr/share/doc /usr/share/info /usr/share/locale /usr/share/man /usr/share/lintian
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
mkdir -p /usr/share/man/man1 /opt/qwright /workspace
echo 'qwright:x:1000:1000:qwright:/tmp/home:/bin/bash' >> /etc/passwd
echo 'qwright:x:1000:' >> /etc/group
"""


def default_image() -> str:
    """The reference of the default image; it changes with the recipe."""
    recipe = json.dumps([RELEASE, PACKAGES, FINISH, DPKG_CONFIGURATION])
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


async def ensure_image(reference: str | None, progress: Progress) -> str:
    """Make sure `reference`, or the default image for None, is there; what to start it by.

    The default image is built when it is missing, another one is pulled. `progress` gets lines
    for people. Raises SandboxError with what to do when neither can be had.
    """
    engine = await connect()
    if await image_info(engine, reference or default_image()):
        return reference or default_image()
    if reference is None:
        return await build_image(progress)
    await _pull(reference, progress)
    return reference


async def build_image(progress: Progress, force: bool = False) -> str:
    """Build the default image, also when it is there with `force`; its reference.

    A lock makes two processes build it once. The image gets its name last, so that an
    interrupted build leaves none. Raises SandboxError.
    """
    engine = await connect(BUILD_SECONDS)
    name = default_image()

    def waiting() -> None:
        progress("Waiting for another qwright process that builds the sandbox image")

    async with exclusive(cache_dir() / "locks" / "image.lock", waiting):
        if not force and await image_info(engine, name):
            return name
        tag = f"building-{secrets.token_hex(4)}"
        try:
            if await _has_base(engine, progress):
                await _build_from_base(engine, tag, progress)
                await _name(engine, tag, name)
            else:
                async with root_filesystem(PACKAGES, FINISH, progress) as root:
                    await _load(engine, root, tag, progress)
                    await _name(engine, tag, name)
        finally:
            await _forget(engine, f"{REPOSITORY}:{tag}")
    progress(f"The sandbox image is ready: {name}")
    return name


async def image_info(engine: Engine, reference: str) -> ImageInfo | None:
    """What the engine knows of an image, None when it has none by that name."""
    try:
        return await in_engine("Looking for the image", lambda: engine.api.inspect_image(reference))
    except EngineRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


async def _has_base(engine: Engine, progress: Progress) -> bool:
    """Whether the engine has Debian's own image, after pulling it if a registry answers."""
    if await image_info(engine, BASE):
        return True
    quick = await connect(REGISTRY_SECONDS)
    try:
        await in_engine("Asking the registry", lambda: quick.api.inspect_distribution(BASE))
        await _pull(BASE, progress)
    except SandboxError:
        return False
    return True


async def _build_from_base(engine: Engine, tag: str, progress: Progress) -> None:
    progress(f"Building the sandbox image from {BASE}")
    script = (
        f"set -e\nprintf %s '{DPKG_CONFIGURATION}' > /etc/dpkg/dpkg.cfg.d/qwright\n"
        "apt-get -q update\n"
        f"apt-get -q -y --no-install-recommends install {' '.join(PACKAGES)}\n{FINISH}"
    )
    container = await SetupContainer.start(engine, BASE)
    try:
        with log_file().open("wb") as log:
            code, last = await container.run(["sh", "-c", script], log, progress)
        if code:
            raise SandboxError(f"apt-get failed (exit {code}): {last}; full log: {log_file()}")
        await container.commit(REPOSITORY, tag)
    finally:
        await container.close()


async def _load(engine: Engine, root: Path, tag: str, progress: Progress) -> None:
    progress("Building the sandbox image: 99% (loading it into the engine)")
    load = _Load(engine, root, tag)
    loading = asyncio.ensure_future(in_engine("Loading the image", load.run))
    try:
        await asyncio.shield(loading)
    except asyncio.CancelledError:
        load.stop()
        await asyncio.wait([loading])
        raise


class _Load:
    """Sends a root file system to the engine."""

    def __init__(self, engine: Engine, root: Path, tag: str) -> None:
        self._engine = engine
        self._command = ["tar", "-C", str(root), "--numeric-owner", "-c", "."]
        self._tag = tag
        self._tar: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Blocks. Raises SandboxError when the file system could not be packed."""
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(self._command, stdin=nothing, stdout=pipe) as tar:
            self._tar = tar
            assert tar.stdout is not None
            self._engine.api.import_image(
                tar.stdout,
                repository=REPOSITORY,
                tag=self._tag,
                changes=['CMD ["bash"]'],
                stream_src=True,
            )
        if tar.returncode:
            raise SandboxError(f"Packing the image failed (tar: exit {tar.returncode}).")

    def stop(self) -> None:
        """End it from another thread: without its source the engine ends at once."""
        if self._tar:
            self._tar.kill()


async def _name(engine: Engine, tag: str, name: str) -> None:
    repository, _, final = name.partition(":")
    source = f"{REPOSITORY}:{tag}"
    await in_engine("Naming the image", lambda: engine.api.tag(source, repository, final))


async def _forget(engine: Engine, reference: str) -> None:
    with suppress(SandboxError):
        await in_engine("Removing a name", lambda: engine.api.remove_image(reference, force=False))


async def _pull(reference: str, progress: Progress) -> None:
    progress(f"Pulling {reference}")
    engine = await connect(BUILD_SECONDS)
    repository, tag = _split(reference)
    try:
        await in_engine(
            "Pulling",
            lambda: _follow(
                engine.api.pull(repository, tag, stream=True, decode=True), reference, progress
            ),
        )
    except SandboxError as error:
        raise SandboxError(
            f"The image {reference} is not on this machine and cannot be pulled: {error}. "
            "Check its name, or run `docker pull` yourself."
        ) from error


def _split(reference: str) -> tuple[str, str | None]:
    """Name and tag. The SDK would take a tag of None as `latest`, and knows digests itself."""
    name, colon, tag = reference.rpartition(":")
    if "@" in reference or not colon or "/" in tag:
        return reference, None
    return name, tag


def _follow(events: Iterable[PullEvent], reference: str, progress: Progress) -> None:
    """Show a pull as one percentage over all layers. Raises SandboxError."""
    layers: dict[str, tuple[int, int]] = {}
    shown = -1
    for event in events:
        if "error" in event:
            raise SandboxError(one_line(event["error"]))
        detail = event.get("progressDetail") or {}
        if event.get("status") != "Downloading" or not detail.get("total"):
            continue
        layers[event.get("id", "")] = (detail.get("current", 0), detail.get("total", 0))
        done, total = (sum(values) for values in zip(*layers.values(), strict=True))
        percent = 100 * done // total
        if percent > shown:
            shown = percent
            progress(f"Pulling {reference}: {percent}%")
