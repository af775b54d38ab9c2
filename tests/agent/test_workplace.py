"""A session's place is opened, left to die, and opened again, with a real container."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.workplace import Place, open_workspace, reopen_workspace, starter
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.errors import QwrightError, WorkspaceError
from qwright.sandbox.session_dir import Session
from qwright.sandbox.workspace import Workspace
from tests.sandbox.repos import contents, make_repo, put

DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from qwright.agent.workplace import Place, open_workspace
from qwright.sandbox.session_dir import Session

async def main():
    session = Session.create(Path(sys.argv[1]))
    place = await open_workspace(session, Path(sys.argv[1]), Place(), print, print)
    place.tree.write("a", b"2\\n")
    await place.checkpoint("edit", step=1)
    await place.run("echo made > made; (while :; do date > busy; sleep 0.1; done) & sleep 0.3")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    return make_repo(tmp_path / "repo", {"a": b"1\n", "b": b"1\n", "sub/c": b"1\n"})


def play(work: Callable[[list[str]], Coroutine[Any, Any, None]]) -> None:
    told = list[str]()
    asyncio.run(work(told))


def fails(error: QwrightError) -> None:
    raise AssertionError(error)


def containers(session: str) -> list[str]:
    filters = {"name": session}
    return [one["Id"] for one in connect_blocking().api.containers(all=True, filters=filters)]


def test_a_session_that_was_killed_goes_on_in_a_container_of_its_own(repo: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    died = subprocess.run([sys.executable, "-c", DYING, str(repo)], env=environment, check=False)
    assert died.returncode == -signal.SIGKILL
    home = Path(os.environ["QWRIGHT_HOME"])
    (path,) = (home / "state/sessions").iterdir()
    assert len(containers(path.name)) == 1
    put(repo, {"b": b"mine\n"})

    async def work(told: list[str]) -> None:
        session = Session.load(path, own=True)
        workspace = await reopen_workspace(session, Place(), told.append, fails)
        assert [one.label for one in workspace.store.log()] == ["base", "edit", "recovered"]
        assert [one.path for one in workspace.bridge.pending()] == ["a", "busy", "made"]
        assert (await workspace.pull()).paths == ["b"]
        before = workspace.tree.read("busy")
        await asyncio.sleep(0.5)
        assert workspace.tree.read("busy") == before
        done = await workspace.run("cat a b made; touch after")
        assert done.output == "2\nmine\nmade\n"
        assert len(containers(path.name)) == 1
        await workspace.checkpoint("after", step=2)
        assert (await workspace.accept()).paths == ["a", "after", "busy", "made"]
        await workspace.close()
        session.close()

    play(work)
    assert (repo / "made").read_bytes() == b"made\n"
    assert containers(path.name) == []


def test_the_network_changes_with_another_container_and_the_files_stay(repo: Path) -> None:
    async def work(told: list[str]) -> None:
        session = Session.create(repo)
        workspace = await open_workspace(session, repo / "sub", Place(), told.append, fails)
        assert workspace.subdirectory == "sub"
        names = "ls /sys/class/net; touch here"
        assert (await workspace.run(names)).output.split() == ["lo"]
        place = Place(network="full")
        await workspace.restart(starter(session, place, told.append, fails))
        assert "eth0" in (await workspace.run("ls /sys/class/net /workspace")).output.split()
        assert workspace.tree.exists("here")
        assert len(containers(session.record.id)) == 1
        await workspace.close()
        session.close()

    play(work)


def test_what_cannot_be_gone_on_with_is_one_line(repo: Path, tmp_path: Path) -> None:
    async def opened(session: Session) -> Workspace:
        return await reopen_workspace(session, Place(), print, fails)

    async def work(told: list[str]) -> None:
        session = Session.create(repo)
        with pytest.raises(WorkspaceError, match="ended before its first checkpoint"):
            await opened(session)
        repo.rename(tmp_path / "elsewhere")
        with pytest.raises(WorkspaceError, match="is gone: the session's files are in"):
            await opened(session)
        session.close()

    before = contents(repo)
    play(work)
    assert contents(tmp_path / "elsewhere") == before
