from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.sandbox.base import Sandbox
from tests.tools.rig import Rig

USER = 1000


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    root = tmp_path / "ws"
    root.mkdir()
    return Rig(root)


class Contained(Rig):
    """A rig whose commands run in a real container on the same directory."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        super().__init__(root)
        self.sandbox = sandbox


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    """One container for a module; tests use files of their own names in it."""
    from qwright.sandbox.container import DockerSandbox
    from qwright.sandbox.image import ensure_image

    root = tmp_path_factory.mktemp("contained") / "ws"
    root.mkdir()
    os.chown(root, USER, USER)
    with asyncio.Runner() as runner:
        image = runner.run(ensure_image(None, lambda _: None))
        sandbox = runner.run(DockerSandbox.start(image, root, session="tools-tests"))
        yield Contained(root, sandbox)
        runner.run(sandbox.close())
