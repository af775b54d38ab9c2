"""kill -9 in the middle of everything: a file is old or new, and what was finished is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwright.sandbox.accept import apply_result, undo_apply
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.journal import latest
from qwright.sandbox.session_dir import KILLED, Session, list_sessions
from qwright.sandbox.store import Checkpoint
from qwright.sandbox.tree import is_temporary
from tests.sandbox.repos import contents, fingerprint, fsck, git, make_repo, put

Files = dict[str, tuple[int, bytes]]
HERE = Path(__file__).parent
WORKER = [sys.executable, str(HERE / "crash_worker.py")]


@dataclass
class Scene:
    repo: Path
    session: Path
    base: Checkpoint
    result: Checkpoint
    old: Files
    new: Files
    git: dict[str, str]

    def start(self, action: str, failpoint: str = "") -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*WORKER, str(self.session), action],
            env={
                **os.environ,
                "QWRIGHT_FAILPOINT": failpoint,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            start_new_session=True,
        )

    def run(self, action: str, failpoint: str = "") -> int:
        with self.start(action, failpoint) as worker:
            return worker.wait()

    def files(self) -> Files:
        return contents(self.repo, without=(".git",))

    def assert_nothing_torn(self) -> None:
        assert fingerprint(self.repo / ".git") == self.git
        found = self.files()
        for path in {*found, *self.old, *self.new}:
            if not is_temporary(os.path.basename(path)):
                assert found.get(path) in (self.old.get(path), self.new.get(path)), path

    def take_over(self) -> Session:
        session = Session.load(self.session, own=True)
        fsck(session.store())
        assert session.store().log()[:2] == [self.base, self.result]
        return session


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    repo = make_repo(tmp_path / "repo", {f"f{n}": b"old %d\n" % n for n in range(6)})
    put(repo, {"untracked": b"mine", "gone/x": b"to be removed"})
    session = Session.create(repo)
    checkout = create_checkout(repo, session.path)
    ws = checkout.store.work_tree
    put(ws, {**{f"f{n}": b"new %d\n" % n * 5000 for n in range(5)}, "added/y": b"1"})
    (ws / "gone/x").unlink()
    (ws / "link").symlink_to("f0")
    result = checkout.store.record("result", 1)
    assert result is not None
    session.close()
    old = contents(repo, without=(".git",))
    new = {**contents(ws)}
    return Scene(repo, session.path, checkout.base, result, old, new, fingerprint(repo / ".git"))


APPLY = [
    "apply-journal",
    *(f"apply-file:{n}" for n in (1, 2, 4, 8)),
    *(f"file-written:{n}" for n in (1, 3, 7)),
    "apply-done",
]


@pytest.mark.parametrize("failpoint", APPLY)
def test_an_apply_that_is_killed_can_be_undone(scene: Scene, failpoint: str) -> None:
    assert scene.run("apply", failpoint) == -signal.SIGKILL
    scene.assert_nothing_torn()
    session = scene.take_over()
    undo_apply(scene.repo, scene.session, session.store())
    assert scene.files() == scene.old
    session.close()


@pytest.mark.parametrize("failpoint", APPLY)
def test_an_apply_that_is_killed_can_be_repeated(scene: Scene, failpoint: str) -> None:
    assert scene.run("apply", failpoint) == -signal.SIGKILL
    assert scene.run("apply") == 0
    assert scene.files() == scene.new
    assert scene.run("undo") == 0
    assert scene.files() == scene.old


@pytest.mark.parametrize(
    "failpoint", ["undo-journal", "apply-file:1", "apply-file:5", "file-written:2"]
)
def test_an_undo_that_is_killed_can_be_repeated(scene: Scene, failpoint: str) -> None:
    assert scene.run("apply") == 0
    assert scene.run("undo", failpoint) == -signal.SIGKILL
    scene.assert_nothing_torn()
    assert scene.run("undo") == 0
    assert scene.files() == scene.old


@pytest.mark.parametrize(
    ("action", "failpoint"),
    [
        ("checkpoint", "record-staged:3"),
        ("checkpoint", "record-committed:3"),
        ("checkpoint", "record-moved:3"),
        ("restore", "restore-recorded"),
        ("restore", "restore-files:2"),
    ],
)
def test_finished_checkpoints_survive(scene: Scene, action: str, failpoint: str) -> None:
    assert scene.run(action, failpoint) == -signal.SIGKILL
    assert [session.status for session in list_sessions()] == [KILLED]
    session = scene.take_over()
    store = session.store()
    for checkpoint in store.log():
        tree = store.tree_of(checkpoint)
        store.blobs(sha for _, sha in tree.values())
    store.restore(scene.base)
    assert contents(store.work_tree) == scene.old
    store.restore(scene.result)
    assert contents(store.work_tree) == scene.new
    assert scene.files() == scene.old
    session.close()


@pytest.mark.parametrize("action", ["checkpoint", "restore", "apply and undo"])
def test_killed_at_any_moment(scene: Scene, action: str) -> None:
    moments = random.Random(20261122)
    for _ in range(6):
        with scene.start(action) as worker:
            time.sleep(moments.uniform(0.15, 0.9))
            os.killpg(worker.pid, signal.SIGKILL)
        scene.assert_nothing_torn()
        session = scene.take_over()
        store = session.store()
        if latest(scene.session / "applied") is not None:
            undo_apply(scene.repo, scene.session, store)
        assert scene.files() == scene.old
        store.restore(scene.result)
        assert contents(store.work_tree) == scene.new
        session.close()


def test_git_can_still_read_the_user_s_repository(scene: Scene) -> None:
    scene.run("apply", "apply-file:2")
    assert git(scene.repo, "fsck", "--strict", "--no-dangling") == ""
    session = scene.take_over()
    apply_result(scene.repo, scene.session, session.store(), scene.base, scene.result)
    assert scene.files() == scene.new
    session.close()
