"""The real command, a real container, and a model server that follows a script."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.agent.signals import SIGNALS
from qwright.sandbox.image import ensure_image
from tests.e2e.house import House, make_house


@pytest.fixture(scope="session", name="image")
def _image() -> str:
    return asyncio.run(ensure_image(None, print))


@pytest.fixture(scope="session", name="cache")
def _cache(tmp_path_factory: pytest.TempPathFactory, image: str) -> Path:
    """What all the homes of these tests share, so that each need not make it again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Whatever started these tests, such as a shell in its background, may ignore signals."""
    ignored = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def house(tmp_path: Path, cache: Path) -> House:
    made = make_house(tmp_path)
    os.symlink(cache, made.home / "cache")
    return made
