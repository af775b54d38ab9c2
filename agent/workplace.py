"""Opens the place a run works in: checkout, container image and container, in the background."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwright.sandbox.base import Sandbox
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.session_dir import Session
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace

Progress = Callable[[str], None]

SANDBOX_UID = 1000
"""The container's user when qwright itself is root: never root."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a run wants of its container."""

    image: str | None = None
    setup: tuple[str, ...] = ()
    network: Literal["none", "full"] = "none"


async def open_workspace(
    session: Session,
    directory: Path,
    place: Place,
    progress: Progress,
    on_failure: Callable[[QwrightError], None],
) -> Workspace:
    """Copy the user's files and begin to start the container.

    Returns as soon as the files are there; the first command waits for the container. When that
    cannot start, `on_failure` hears of it at once. Raises WorkspaceError.
    """
    from qwright.sandbox.checkout import create_checkout

    owner = (SANDBOX_UID, SANDBOX_UID) if os.geteuid() == 0 else None
    checkout = await asyncio.to_thread(create_checkout, directory, session.path, owner)
    session.update(
        source=str(checkout.root),
        base=checkout.base.commit,
        subdirectory=checkout.subdirectory,
        owner=owner,
    )
    for notice in checkout.notices:
        progress(notice)

    async def start() -> Sandbox:
        try:
            return await _start(session, place, owner, progress)
        except QwrightError as error:
            on_failure(error)
            raise

    tree = Tree(session.path / "ws", owner)
    workspace = Workspace(tree, checkout.store, start)
    workspace.subdirectory = checkout.subdirectory
    return workspace


async def _start(
    session: Session, place: Place, owner: tuple[int, int] | None, progress: Progress
) -> Sandbox:
    from qwright.sandbox.container import DockerSandbox, sweep_orphans
    from qwright.sandbox.image import ensure_image
    from qwright.sandbox.setup_image import ensure_setup_image

    checkout = session.path / "ws"
    image = await ensure_image(place.image, progress)
    if place.setup:
        image = await ensure_setup_image(image, place.setup, checkout, progress)
    uid, gid = owner or (os.getuid(), os.getgid())
    await sweep_orphans()
    return await DockerSandbox.start(
        image, checkout, session=session.record.id, network=place.network, uid=uid, gid=gid
    )
