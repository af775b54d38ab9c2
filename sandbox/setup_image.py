"""The image of a project: a base image in which its set-up commands have run, once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from qwright.sandbox.base import MOUNT
from qwright.sandbox.dependencies import dependency_files
from qwright.sandbox.dirs import cache_dir, state_dir
from qwright.sandbox.engine import connect, one_line
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.image import BUILD_SECONDS, image_info
from qwright.sandbox.locks import exclusive
from qwright.sandbox.setup_container import SetupContainer
from qwright.sandbox.tree import Tree

Progress = Callable[[str], None]

REPOSITORY = "qwright-setup"
FORMAT = 1
"""Changes when what a set-up image holds changes, so that old ones are not used."""


async def ensure_setup_image(
    base: str,
    commands: Sequence[str],
    checkout: Path,
    progress: Progress,
    mount: str = MOUNT,
) -> str:
    """The image in which `commands` have run on top of `base`; built when it is not there yet.

    The commands run as root with the network on, in a copy of the checkout at `mount`; what
    they write there is not kept. The image is found again as long as `base`, the commands and
    the project's dependency files stay the same. Raises SandboxError when a command fails.
    """
    engine = await connect(BUILD_SECONDS)
    info = await image_info(engine, base)
    if info is None:
        raise SandboxError(f"The image {base} is not on this machine; run `qwright sandbox build`.")
    key = await asyncio.to_thread(setup_key, info["Id"], commands, checkout, mount)
    name = f"{REPOSITORY}:{key}"
    if await image_info(engine, name):
        return name

    def waiting() -> None:
        progress("Waiting for another qwright process that runs the same set-up")

    async with exclusive(cache_dir() / "locks" / f"setup-{key}.lock", waiting):
        if not await image_info(engine, name):
            container = await SetupContainer.start(engine, base, mount)
            await _build(container, commands, checkout, key, progress)
    return name


def setup_key(base_id: str, commands: Sequence[str], checkout: Path, mount: str = MOUNT) -> str:
    """16 hexadecimal digits that change with anything the set-up depends on. Reads files."""
    files = dependency_files(Tree(checkout), commands)
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    text = json.dumps([FORMAT, base_id, mount, list(commands), digests], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def _build(
    container: SetupContainer,
    commands: Sequence[str],
    checkout: Path,
    key: str,
    progress: Progress,
) -> None:
    folder = state_dir() / "setup"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile() as archive:
            await asyncio.to_thread(_pack, checkout, archive)
            await container.copy_in(archive)
        with (folder / f"{key}.log").open("wb") as log:
            for number, command in enumerate(commands, 1):
                progress(f"Set-up {number}/{len(commands)}: {one_line(command, 80)}")
                await _run(container, command, log, progress)
        progress("Saving the set-up image")
        await container.commit(REPOSITORY, key)
    finally:
        await container.close()


async def _run(container: SetupContainer, command: str, log: IO[bytes], progress: Progress) -> None:
    """Run one command, its output to `log`, its lines to `progress`. Raises SandboxError."""
    log.write(f"$ {command}\n".encode())
    code, last = await container.run(["bash", "-c", command], log, progress)
    if code:
        raise SandboxError(
            f"The set-up command `{one_line(command, 80)}` failed (exit {code}): "
            f"{last}; full log: {log.name}"
        )


def _pack(checkout: Path, archive: IO[bytes]) -> None:
    """Write the checkout's directories, regular files and links as a tar file. Blocks.

    No link is followed and every file is opened from its directory's descriptor, so nothing
    outside the checkout can be read; FIFOs, sockets and devices are left out.
    """
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder, folders, names, descriptor in os.fwalk(checkout, follow_symlinks=False):
            relative = Path(folder).relative_to(checkout)
            for name in sorted([*folders, *names]):
                with suppress(FileNotFoundError, PermissionError):
                    _add(tar, (relative / name).as_posix(), name, descriptor)
    archive.seek(0)


def _add(tar: tarfile.TarFile, path: str, name: str, folder: int) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    member = tarfile.TarInfo(path)
    member.mode = stat.S_IMODE(found.st_mode)
    member.mtime = int(found.st_mtime)
    if stat.S_ISDIR(found.st_mode):
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type = tarfile.SYMTYPE
        member.linkname = os.readlink(name, dir_fd=folder)
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        _add_file(tar, member, name, folder)


def _add_file(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, folder: int) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=folder), "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode):
            member.size = found.st_size
            tar.addfile(member, file)
