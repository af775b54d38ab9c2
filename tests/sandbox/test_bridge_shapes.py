"""Files, folders, links and modes on both sides in any order: no accept or pull ever loses one.

Where test_bridge_model.py knows what every merge gives, this one only knows what must never be.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qwright.sandbox.accept import ConflictError
from qwright.sandbox.bridge import Bridge, Hunk
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.errors import WorkspaceError
from tests.sandbox.repos import contents, fingerprint, fsck, make_repo

NAMES = st.sampled_from(["a", "a/b", "a/b/c", "d", "d/e", "e"])
BYTES = st.sampled_from([b"", b"1\n", b"1\n2\n", b"2\n", b"\0", b"\r\n"])
Files = dict[str, tuple[int, bytes]]


class Shapes(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="qwright-shapes-"))
        self.repo = make_repo(self.directory / "repo", {"a": b"1\n", "d/e": b"1\n2\n"})
        session = self.directory / "session"
        session.mkdir()
        self.store = create_checkout(self.repo, session).store
        self.bridge = Bridge(self.repo, session, self.store)
        self.git = fingerprint(self.repo / ".git")
        self.known = self.user

    @property
    def user(self) -> Files:
        return contents(self.repo, without=(".git",))

    @property
    def agent(self) -> Files:
        return contents(self.store.work_tree)

    @rule(path=NAMES, data=BYTES | st.sampled_from(["a", "d"]), mine=st.booleans(), x=st.booleans())
    def write(self, path: str, data: bytes | str, mine: bool, x: bool) -> None:
        root = self.repo if mine else self.store.work_tree
        clear(root, path)
        if isinstance(data, str):
            (root / path).symlink_to(data)
        else:
            (root / path).write_bytes(data)
            (root / path).chmod(0o755 if x else 0o644)
        self.known = self.user

    @rule(path=NAMES, mine=st.booleans())
    def remove(self, path: str, mine: bool) -> None:
        root = self.repo if mine else self.store.work_tree
        if (root / path).is_symlink() or (root / path).is_file():
            (root / path).unlink()
        self.known = self.user

    @rule()
    def turn_ends(self) -> None:
        self.store.record("turn", 1)

    @rule(settled=st.none() | st.sampled_from(["yours", "agent's"]))
    def pull(self, settled: str | None) -> None:
        before = self.agent
        pulled = self.bridge.pull()
        changed = {p for p in {*before, *self.agent} if before.get(p) != self.agent.get(p)}
        assert changed <= set(pulled.paths)
        if pulled.conflicts:
            return
        assert self.bridge.pull().paths == []
        if settled == "yours":
            self.bridge.reject()
            assert plain(self.agent) == plain(self.user)
        elif settled:
            self.turn_ends()
            self.take(None)
            assert plain(self.agent) == plain(self.user)

    @rule(data=st.data(), whole=st.booleans())
    def accept(self, data: st.DataObject, whole: bool) -> None:
        hunks = self.bridge.hunks()
        some = st.lists(st.sampled_from(hunks), unique=True) if hunks else st.just([])
        self.take(None if whole else data.draw(some))

    def take(self, chosen: list[Hunk] | None) -> None:
        before, pending = self.user, self.bridge.pending()
        try:
            applied = self.bridge.accept(chosen)
        except WorkspaceError:
            assert self.user == before
            assert self.bridge.pending() == pending
            return
        after = self.user
        changed = {p for p in {*before, *after} if before.get(p) != after.get(p)}
        assert changed <= set(applied.paths)
        assert changed <= {hunk.path for hunk in chosen} if chosen is not None else True
        if applied.paths:
            self.bridge.undo()
            assert self.user == before
            assert self.bridge.pending() == pending
            self.bridge.accept(chosen)
        assert self.user == after
        self.known = after

    @rule()
    def undo(self) -> None:
        try:
            self.bridge.undo()
        except (ConflictError, WorkspaceError):
            return
        self.known = self.user

    @invariant()
    def nothing_else_touches_the_user_s_files(self) -> None:
        assert self.user == self.known

    def teardown(self) -> None:
        if hasattr(self, "repo"):
            assert fingerprint(self.repo / ".git") == self.git
            fsck(self.store)
            shutil.rmtree(self.directory)


def plain(files: Files) -> Files:
    """Without permission bits that git does not know."""
    return {path: (mode & 0o170100, data) for path, (mode, data) in files.items()}


def clear(root: Path, path: str) -> None:
    for above in reversed(Path(path).parents):
        if (root / above).is_symlink() or (root / above).is_file():
            (root / above).unlink()
    if (root / path).is_dir() and not (root / path).is_symlink():
        shutil.rmtree(root / path)
    elif (root / path).is_symlink() or (root / path).exists():
        (root / path).unlink()
    (root / path).parent.mkdir(parents=True, exist_ok=True)


TestShapes = Shapes.TestCase
TestShapes.settings = settings(
    max_examples=8,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
