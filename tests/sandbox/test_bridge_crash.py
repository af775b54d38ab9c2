"""kill -9 between the user's files and the checkout: both whole, and the way over still open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwright.sandbox.accept import finish_broken
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.journal import latest
from qwright.sandbox.session_dir import Session
from qwright.sandbox.store import CheckpointStore
from tests.sandbox.repos import contents, fsck, make_repo, put
from tests.sandbox.test_bridge import LINES, edited

Files = dict[str, tuple[int, bytes]]
WORKER = """
import sys
from pathlib import Path
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.session_dir import Session

session = Session.load(Path(sys.argv[1]), own=True)
store = session.store()
bridge = Bridge(Path(session.record.source), session.path, store)
log = store.log()
match sys.argv[2]:
    case "accept one": bridge.accept(bridge.hunks()[:1])
    case "revert": bridge.revert_both(log[0], log[1], "undo")
    case action: getattr(bridge, action)()
"""


@dataclass
class Scene:
    repo: Path
    path: Path

    def kill(self, action: str, failpoint: str) -> None:
        assert self.run(action, failpoint) == -signal.SIGKILL

    def run(self, action: str, failpoint: str = "") -> int:
        environment = {
            **os.environ,
            "QWRIGHT_FAILPOINT": failpoint,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-c", WORKER, str(self.path), action]
        return subprocess.run(command, env=environment, check=False).returncode

    @property
    def user(self) -> Files:
        return contents(self.repo, without=(".git",))

    @property
    def checkout(self) -> Files:
        return contents(self.path / "ws")

    @property
    def store(self) -> CheckpointStore:
        return CheckpointStore(self.path / "store.git", self.path / "ws")

    def bridge(self) -> Bridge:
        """As the next process finds it."""
        Session.load(self.path, own=True).close()
        fsck(self.store)
        return Bridge(self.repo, self.path, self.store)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The agent has changed a.py and made new files; nothing was accepted."""
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    repo = make_repo(tmp_path / "repo", {"a.py": LINES, "b.py": b"b\n", "gone": b"1\n"})
    session = Session.create(repo)
    checkout = create_checkout(repo, session.path)
    put(session.path / "ws", {"a.py": edited(3, 30), "new/x": b"1\n"})
    (session.path / "ws/gone").unlink()
    assert checkout.store.record("turn", 1)
    session.close()
    return Scene(repo, session.path)


ACCEPTING = ["apply-journal", "apply-file:1", "apply-file:3", "apply-followed", "apply-done"]


@pytest.mark.parametrize("failpoint", ACCEPTING)
def test_an_accept_that_is_killed_is_whole_or_taken_back(scene: Scene, failpoint: str) -> None:
    old, new = scene.user, scene.checkout
    scene.kill("accept", failpoint)
    bridge = scene.bridge()
    finish_broken(scene.repo, scene.path, scene.store)
    done = failpoint == "apply-done"
    assert scene.user == (new if done else old)
    assert bridge.pull().paths == []
    assert scene.checkout == new
    assert len(bridge.pending()) == (0 if done else 3)
    bridge.accept()
    assert scene.user == new
    bridge.undo()
    assert scene.user == old
    assert len(bridge.pending()) == 3


@pytest.mark.parametrize("failpoint", ["undo-journal", "apply-file:2", "undo-followed"])
def test_an_undo_that_is_killed_is_finished_before_the_user_s_files_are_read(
    scene: Scene, failpoint: str
) -> None:
    old, new = scene.user, scene.checkout
    assert scene.run("accept") == 0
    scene.kill("undo", failpoint)
    bridge = scene.bridge()
    assert bridge.pull().paths == []
    assert scene.user == old
    assert scene.checkout == new
    assert latest(scene.path / "applied") is None
    assert len(bridge.pending()) == 3


@pytest.mark.parametrize(
    "failpoint",
    ["record-staged:1", "restore-recorded", "restore-files", "pull-adopted", "pull-yours"],
)
def test_a_pull_that_is_killed_is_done_again_and_loses_nothing(
    scene: Scene, failpoint: str
) -> None:
    put(scene.repo, {"a.py": edited(15, word=b"mine"), "b.py": b"mine\n", "mine": b"1\n"})
    put(scene.path / "ws", {"late": b"1\n"})
    before = scene.user
    scene.kill("pull", failpoint)
    bridge = scene.bridge()
    bridge.pull()
    assert scene.user == before
    assert bridge.pull().paths == []
    merged = edited(3, 30).replace(b"line 15\n", b"mine 15\n")
    found = {path: data for path, (_, data) in scene.checkout.items()}
    assert found == {
        **{"a.py": merged, "b.py": b"mine\n", "mine": b"1\n", "new/x": b"1\n", "late": b"1\n"}
    }
    assert [change.path for change in bridge.pending()] == ["a.py", "gone", "late", "new/x"]
    bridge.accept()
    assert scene.user == scene.checkout


@pytest.mark.parametrize("failpoint", ["restore-recorded", "restore-files", "apply-file:2"])
def test_a_revert_of_both_that_is_killed_can_be_repeated(scene: Scene, failpoint: str) -> None:
    old = scene.user
    assert scene.run("accept") == 0
    put(scene.repo, {"b.py": b"mine\n"})
    scene.kill("revert", failpoint)
    assert scene.run("revert") == 0
    assert scene.user == {**old, "b.py": scene.user["b.py"]}
    bridge = scene.bridge()
    assert bridge.pull().paths == ["b.py"]
    assert bridge.pending() == []
    assert scene.checkout == scene.user


def test_what_was_edited_after_a_half_accept_stays_as_the_user_left_it(scene: Scene) -> None:
    scene.kill("accept", "apply-file:2")
    assert (scene.repo / "a.py").read_bytes() == edited(3, 30)
    mine = edited(3, word=b"mine")
    put(scene.repo, {"a.py": mine})
    bridge = scene.bridge()
    assert bridge.pull().conflicts == ["a.py"]
    assert (scene.repo / "a.py").read_bytes() == mine
    assert (scene.repo / "gone").exists()
    assert latest(scene.path / "applied") is None
    assert bridge.accept([hunk for hunk in bridge.hunks() if hunk.path == "gone"]).paths == ["gone"]


def test_hunks_are_accepted_whole_or_not_at_all(scene: Scene) -> None:
    old = scene.user
    scene.kill("accept one", "file-written")
    assert scene.run("accept one") == 0
    assert scene.user == {**old, "a.py": (old["a.py"][0], edited(3))}
    assert len(scene.bridge().hunks()) == 3
