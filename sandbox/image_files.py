"""Files out of an image, images out of a folder with a Dockerfile, programs an image has."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from itertools import takewhile
from pathlib import Path
from typing import IO

from qwright.sandbox import owners
from qwright.sandbox.container import DockerSandbox
from qwright.sandbox.engine import BuildEvent, Engine, EngineRefused, connect, in_engine, one_line
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.image import BUILD_SECONDS

SESSION = "testbed"


async def copy_out(image: str, path: str, archive: IO[bytes]) -> None:
    """Write the folder `path` of an image to `archive`, as the engine packs it: a tar file.

    No program of the image runs. Raises SandboxError.
    """
    engine = await connect(BUILD_SECONDS)
    stop = threading.Event()
    copying = asyncio.ensure_future(
        in_engine("Reading the image", lambda: _copy_out(engine, image, path, archive, stop))
    )
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([copying])  # its thread removes the container
        raise
    except EngineRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise SandboxError(f"The image {image} has no folder {path}.") from error
        raise
    archive.seek(0)


def _copy_out(
    engine: Engine, image: str, path: str, archive: IO[bytes], stop: threading.Event
) -> None:
    made = engine.api.create_container(
        image, entrypoint=["true"], labels=owners.labels(SESSION), use_config_proxy=False
    )["Id"]
    try:
        chunks, _ = engine.api.get_archive(made, path)
        for chunk in takewhile(lambda _: not stop.is_set(), chunks):
            archive.write(chunk)
        del chunks  # which closes the connection; until then the engine holds on to the container
    finally:
        engine.api.remove_container(made, force=True, v=True)


async def build_folder(reference: str, folder: Path, output: Callable[[str], None]) -> None:
    """Build the image `reference` from the Dockerfile in `folder`; `output` gets its lines.

    Raises SandboxError.
    """
    engine = await connect(BUILD_SECONDS)
    await in_engine("Building the image", lambda: _build(engine, reference, folder, output))


def _build(engine: Engine, reference: str, folder: Path, output: Callable[[str], None]) -> None:
    events: Iterable[BuildEvent] = engine.api.build(
        path=str(folder), tag=reference, rm=True, forcerm=True, decode=True
    )
    error = ""
    for event in events:  # to the end, which is what closes the connection
        error = error or event.get("error", "")
        said = one_line(event.get("stream", ""), 200)
        if said:
            output(f"  {said}")
    if error:
        raise SandboxError(f"Building {reference} failed: {one_line(error)}")


async def missing_programs(image: str, programs: Sequence[str]) -> tuple[str, ...]:
    """Those of `programs` that the image does not have. Raises SandboxError."""
    if not programs:
        return ()
    asked = " ".join(map(shlex.quote, programs))
    command = f'for p in {asked}; do command -v "$p" >/dev/null || echo "$p"; done'
    with tempfile.TemporaryDirectory() as folder:
        sandbox = await DockerSandbox.start(image, Path(folder), session=SESSION)
        try:
            result = await sandbox.run(command)
        finally:
            await sandbox.close()
    return tuple(result.output.split())
