"""Test beds: made once from an instance's source, kept by content, shared by every sample."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qwright.evals.instance import ImageSource, Instance, TestGrading
from qwright.evals.testbed import history
from qwright.evals.testbed.sources import make_bed, source_digest
from qwright.sandbox.engine import connect
from qwright.sandbox.errors import SandboxError, WorkspaceError
from qwright.sandbox.image import ensure_image, image_info
from qwright.sandbox.image_files import build_folder
from qwright.sandbox.locks import exclusive
from qwright.sandbox.setup_image import ensure_setup_image

Progress = Callable[[str], None]
FORMAT = 1
"""Changes when what a bed holds changes, so that old ones are not used."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Testbed:
    """The files of an instance and the image they run in. Nobody writes to `directory`."""

    __test__ = False
    instance: Instance
    directory: Path
    """A git repository of exactly one commit, without remotes, tags, reflogs, other objects."""
    image: str
    """There, with the instance's set-up done."""
    commit: str
    eval_script: str = ""
    """The instance's, with a commit that cannot be here replaced by ours; "" without one."""


async def prepare(instance: Instance, cache: Path, progress: Progress) -> Testbed:
    """Make the test bed of an instance, or find it below `cache`.

    Several processes may do that at once. No code of the instance runs on the host. Raises
    SandboxError for images and engine, WorkspaceError for files.
    """
    if isinstance(instance.source, ImageSource) and instance.source.path != instance.mount:
        # Beside the mount the image's own folder, history and all, would stay in sight.
        raise WorkspaceError(f"{instance.id}: the files of an image must be mounted where they are")
    base = await _image(instance, cache, progress)
    directory = await _directory(instance, base, cache, progress)
    image = base
    if instance.setup:
        image = await ensure_setup_image(base, instance.setup, directory, progress, instance.mount)
    commit = await asyncio.to_thread(history.head_commit, directory)
    script = await asyncio.to_thread(_eval_script, instance, directory, commit)
    return Testbed(instance, directory, image, commit, script)


async def _image(instance: Instance, cache: Path, progress: Progress) -> str:
    if instance.image is None:
        return await ensure_image(None, progress)
    engine = await connect()
    if await image_info(engine, instance.image):
        return instance.image
    name = hashlib.sha256(instance.image.encode()).hexdigest()[:24]

    def waiting() -> None:
        progress(f"Waiting for another qwright process that fetches {instance.image}")

    async with exclusive(cache / "locks" / f"image-{name}.lock", waiting):
        if instance.build is None:
            await ensure_image(instance.image, progress)
        elif not await image_info(engine, instance.image):
            progress(f"Building {instance.image} from {instance.build}")
            await build_folder(instance.image, instance.build, progress)
    return instance.image


async def _directory(instance: Instance, image: str, cache: Path, progress: Progress) -> Path:
    identity = await _image_id(image) if isinstance(instance.source, ImageSource) else ""
    digest = await asyncio.to_thread(source_digest, instance.source, identity)
    beds = cache / "testbeds"
    directory = beds / f"{FORMAT}-{digest}"
    if directory.is_dir():
        return directory

    def waiting() -> None:
        progress(f"Waiting for another qwright process that prepares {instance.id}")

    async with exclusive(cache / "locks" / f"testbed-{digest}.lock", waiting):
        if not directory.is_dir():
            await _build(instance, image, directory, cache, progress)
    return directory


async def _image_id(image: str) -> str:
    info = await image_info(await connect(), image)
    if info is None:
        raise SandboxError(f"The image {image} is gone; run the command again.")
    return info["Id"]


async def _build(
    instance: Instance, image: str, directory: Path, cache: Path, progress: Progress
) -> None:
    """Make it under another name, so that what has the right name is whole."""
    work = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        for left in directory.parent.glob(f".{directory.name}.*"):  # of a killed process
            shutil.rmtree(left, ignore_errors=True)
        bed = work / "bed"
        bed.mkdir(parents=True)
        await make_bed(instance.source, image, bed, cache, progress)
        bed.rename(directory)
    except OSError as error:
        raise WorkspaceError(f"cannot prepare {instance.id}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _eval_script(instance: Instance, directory: Path, commit: str) -> str:
    if not isinstance(instance.grading, TestGrading):
        return ""
    script = instance.grading.eval_script
    base = str(instance.metadata.get("base_commit") or "")
    if _COMMIT.fullmatch(base) and not history.has_object(directory, base):
        script = script.replace(base, commit)
    return script
