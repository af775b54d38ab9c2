"""Opens the place a run works in: checkout, container image and container, in the background."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from qwright.agent.language import translated
from qwright.sandbox.accept import finish_broken
from qwright.sandbox.base import MOUNT, Sandbox
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.errors import QwrightError, SandboxError, WorkspaceError
from qwright.sandbox.hardening import Limits
from qwright.sandbox.session_dir import Session
from qwright.sandbox.store import RECOVERED, CheckpointStore
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace, to_the_end

Progress = Callable[[str], None]

SANDBOX_UID = 1000
"""The container's user when qwright itself is root: never root."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a run wants of its container."""

    image: str | None = None
    setup: tuple[str, ...] = ()
    network: Literal["none", "full"] = "none"
    mount: str = MOUNT
    """Where the files lie in the container."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables of its commands; `$PATH` in them stands for the PATH there would be."""
    everything: bool = False
    """What is ignored or looks like a secret is there too: for files that are nobody's."""
    limits: Limits | None = None
    run: str = ""
    """The id of an eval run, for the container's label."""


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
    checkout = await to_the_end(
        create_checkout, directory, session.path, owner, everything=place.everything
    )
    session.update(
        source=str(checkout.root),
        base=checkout.base.commit,
        subdirectory=checkout.subdirectory,
        owner=owner,
    )
    for notice in checkout.notices:
        progress(translated(notice))
    start = starter(session, place, progress, on_failure)
    return _workspace(session, checkout.store, start, place.mount, disturbed=False)


async def reopen_workspace(
    session: Session,
    place: Place,
    progress: Progress,
    on_failure: Callable[[QwrightError], None],
) -> Workspace:
    """Go on in the files of a session that this process has taken over, killed or not.

    As `open_workspace`; what was not recorded yet becomes a step. Where the container engine cannot
    be reached, what records or changes the files waits for the container instead: a process of
    before could still be writing. Raises WorkspaceError.
    """
    source = Path(session.record.source)
    if not source.is_dir():
        raise WorkspaceError(f"{source} is gone: the session's files are in {session.path / 'ws'}")
    store = session.store()
    if not store.work_tree.is_dir() or store.cursor() is None:
        raise WorkspaceError(f"session {session.record.id} ended before its first checkpoint")
    await to_the_end(finish_broken, source, session.path, store)
    alone = await sweep()
    if alone:
        await to_the_end(_record_rest, store)
    start = starter(session, place, progress, on_failure)
    return _workspace(session, store, start, place.mount, disturbed=not alone)


async def sweep() -> bool:
    """Remove the containers of killed processes; whether that could be done."""
    from qwright.sandbox.container import sweep_orphans

    try:
        await sweep_orphans()
    except SandboxError:  # starting the container will fail too, and say why
        return False
    return True


def _record_rest(store: CheckpointStore) -> None:
    here = store.cursor()
    store.record(RECOVERED, here.step if here else 0)


def starter(
    session: Session,
    place: Place,
    progress: Progress,
    on_failure: Callable[[QwrightError], None],
) -> Callable[[], Awaitable[Sandbox]]:
    """What starts the session's container; `on_failure` hears of it when that cannot start."""

    async def start() -> Sandbox:
        try:
            return await _start(session, place, session.record.owner, progress)
        except QwrightError as error:
            on_failure(error)
            raise

    return start


def _workspace(
    session: Session,
    store: CheckpointStore,
    start: Callable[[], Awaitable[Sandbox]],
    mount: str,
    *,
    disturbed: bool,
) -> Workspace:
    bridge = Bridge(Path(session.record.source), session.path, store)
    tree = Tree(session.path / "ws", session.record.owner, mount=mount)
    workspace = Workspace(tree, store, start, bridge=bridge, disturbed=disturbed)
    workspace.subdirectory = session.record.subdirectory
    return workspace


async def _start(
    session: Session, place: Place, owner: tuple[int, int] | None, progress: Progress
) -> Sandbox:
    from qwright.sandbox.container import DockerSandbox, sweep_orphans
    from qwright.sandbox.image import ensure_image
    from qwright.sandbox.setup_image import ensure_setup_image

    def told(text: str) -> None:
        progress(translated(text))

    checkout = session.path / "ws"
    image = await ensure_image(place.image, told)
    if place.setup:
        image = await ensure_setup_image(image, place.setup, checkout, told, place.mount)
    uid, gid = owner or (os.getuid(), os.getgid())
    await sweep_orphans()
    return await DockerSandbox.start(
        image,
        checkout,
        session=session.record.id,
        network=place.network,
        uid=uid,
        gid=gid,
        limits=place.limits,
        mount=place.mount,
        env=place.env,
        run=place.run,
    )
