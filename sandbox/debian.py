"""A Debian root file system made with debootstrap, for machines that reach no registry.

The mirror is debootstrap's own, or the one this machine's apt already uses.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from qwright.sandbox.dirs import cache_dir, state_dir
from qwright.sandbox.engine import one_line
from qwright.sandbox.errors import SandboxError

RELEASE = "bookworm"
DPKG_CONFIGURATION = """\
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
"""
TYPICAL_LINES = 905
"""What debootstrap prints for our packages; only the percentage depends on it."""
_RELEASES = {"bullseye", RELEASE, "trixie", "forky", "sid", "stable", "testing", "unstable"}
_STEP = re.compile(r"I: (Retrieving|Validating|Extracting|Unpacking|Configuring) (\S+)")
_NEEDS_ROOT = (
    "No registry answers and only root can build the sandbox image from Debian packages: "
    "run `sudo qwright sandbox build` once, or name an image you have."
)


@asynccontextmanager
async def root_filesystem(
    packages: Sequence[str], finish: str, progress: Callable[[str], None]
) -> AsyncGenerator[Path]:
    """A directory with Debian and `packages`, after the shell script `finish` ran inside it.

    The caller holds the image lock; the directory is removed at the end, and what a killed build
    left is removed first. Raises SandboxError with what to do when this machine cannot.
    """
    if os.geteuid() != 0:
        raise SandboxError(_NEEDS_ROOT)
    await _require_debootstrap(progress)
    folder = cache_dir() / "build"
    root = folder / "root"
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    try:
        settings = root / "etc/dpkg/dpkg.cfg.d/qwright"
        settings.parent.mkdir(parents=True)
        settings.write_text(DPKG_CONFIGURATION)
        await _bootstrap(root, packages, progress)
        progress("Building the sandbox image: 99% (cleaning up)")
        await _checked(_contained("chroot", str(root), "sh", "-c", finish), log_file(), _ignore)
        # Both were copied from this machine.
        root.joinpath("etc/resolv.conf").write_text("")
        root.joinpath("etc/hostname").write_text("qwright\n")
        yield root
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def log_file() -> Path:
    """Where the output of the last build lies."""
    return state_dir() / "image-build.log"


async def _bootstrap(root: Path, packages: Sequence[str], progress: Callable[[str], None]) -> None:
    progress("Building the sandbox image from Debian packages (a minute or two)")
    seen = 0
    shown = -1

    def show(line: str) -> None:
        nonlocal seen, shown
        seen += 1
        percent = min(98, 100 * seen // TYPICAL_LINES)
        step = _STEP.match(line)
        if step and percent > shown:
            shown = percent
            name = step[2].rstrip(".")
            progress(f"Building the sandbox image: {percent}% ({step[1].lower()} {name})")

    arguments = ["--variant=minbase", f"--include={','.join(packages)}", RELEASE, str(root)]
    mirror = await _host_mirror()
    await _checked(_contained("debootstrap", *arguments, *mirror), log_file(), show)


def _contained(*argv: str) -> list[str]:
    """`argv` in namespaces of its own: with us it dies, and with it its children and mounts."""
    spaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces, "--", *argv]


async def _checked(argv: Sequence[str], log: Path, show: Callable[[str], None]) -> None:
    """Run a command, its lines to `log` and `show`. Raises SandboxError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env={**os.environ, "LC_ALL": "C"}
    )
    assert process.stdout is not None
    last = ""
    try:
        with log.open("a") as file:
            async for raw in process.stdout:
                line = raw.decode(errors="replace")
                file.write(line)
                last = line if line.strip() else last
                show(line)
        code = await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    if code:
        name = next(word for word in argv if word in ("debootstrap", "chroot", "apt-get"))
        raise SandboxError(f"{name} failed (exit {code}): {one_line(last)}; full log: {log}")


async def _require_debootstrap(progress: Callable[[str], None]) -> None:
    log_file().unlink(missing_ok=True)
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise SandboxError(
            "No registry answers and debootstrap is missing: install the package debootstrap, "
            "or name an image you have."
        )
    progress("Installing debootstrap")
    wanted = ["debootstrap", "debian-archive-keyring"]
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q"]
    install += ["--no-install-recommends", "install", *wanted]
    try:
        await _checked(install, log_file(), _ignore)
    except SandboxError:
        # A new machine has no package lists yet.
        await _checked(["apt-get", "-q", "update"], log_file(), _ignore)
        await _checked(install, log_file(), _ignore)


async def _host_mirror() -> list[str]:
    """The Debian mirror in the host's apt configuration, when there is one."""
    if not shutil.which("apt-get"):
        return []
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    process = await asyncio.create_subprocess_exec(
        *["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    output, _ = await process.communicate()
    lines = [line.split() for line in output.decode(errors="replace").splitlines()]
    return [fields[0] for fields in lines if _is_debian(fields)][:1]


def _is_debian(fields: list[str]) -> bool:
    if len(fields) < 3 or fields[1] not in _RELEASES or fields[2] != "main":
        return False
    address = urlsplit(fields[0])
    # A password in the address would end up in the image.
    plain = address.scheme in ("http", "https") and "@" not in address.netloc
    return plain and fields[3:] in ([], ["Debian"])


def _ignore(line: str) -> None:
    """For a command whose lines are only logged."""
