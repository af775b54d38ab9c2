from __future__ import annotations

import asyncio
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from qwright.agent.embedded.catalogue import Entry, find
from qwright.agent.embedded.server import stop
from qwright.agent.embedded.weights import models_dir, path_of, pull
from tests.agent.embedded.house import Heard


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("QWRIGHT_HOME", str(path))
    return path


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory in which pip looks for wheels, and nowhere else."""
    path = tmp_path / "house"
    path.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Generator[Entry]:
    """The 0.5B from the user's cache, in a home of its own whose servers end with the module."""
    entry = find("0.5b")
    file = pull(entry, Heard())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(tmp_path_factory.mktemp("home")))
        models_dir().mkdir(parents=True)
        path_of(entry).symlink_to(file)
        shutil.copy(f"{file}.verified", f"{path_of(entry)}.verified")
        yield entry
        asyncio.run(stop())
