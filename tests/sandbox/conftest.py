"""Real containers for the tests of the sandbox: the image once, one container per module."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.sandbox.container import DockerSandbox
from qwright.sandbox.hardening import GIB, Limits
from qwright.sandbox.image import ensure_image

OWNER = 1234
"""A user the image does not know, so that its name has to be mounted."""


@pytest.fixture(scope="session", name="image")
def _image() -> str:
    return asyncio.run(ensure_image(None, print))


@pytest.fixture(scope="module", name="checkout")
def _checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkout")
    path.chmod(0o777)
    return path


@pytest.fixture(scope="module", name="sandbox")
def _sandbox(image: str, checkout: Path) -> Iterator[DockerSandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_TEST_API_KEY", "canary-sk-123")
        patch.setenv("HTTPS_PROXY", "http://user:canary-password@proxy.invalid:3128")
        sandbox = asyncio.run(
            DockerSandbox.start(
                image,
                checkout,
                session="tests",
                uid=OWNER,
                gid=OWNER,
                limits=Limits(memory=GIB // 2, pids=128),
            )
        )
    yield sandbox
    asyncio.run(sandbox.close())
