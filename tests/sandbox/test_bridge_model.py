"""Any order of turns, edits of the user, accepts, rejects and undos: what three dictionaries say.

A file is a row of slots, far enough apart that each is a hunk of its own; a slot is a word. So the
merge of two files is the merge of their slots, and any loss or leak shows as a wrong word.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qwright.sandbox.accept import ConflictError
from qwright.sandbox.bridge import Bridge, Hunk
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.store import Checkpoint
from tests.sandbox.repos import contents, fingerprint, fsck, make_repo

SLOTS = 3
NAMES = st.sampled_from(["a", "b", "d/c", "d/new\nline"])
WORDS = st.sampled_from(["x", "y", "z"])
SLOT = st.integers(0, SLOTS - 1)
File = tuple[str, ...]
Files = dict[str, File]
FRESH: File = ("o",) * SLOTS


class Clash(Exception):
    """The model's own conflict."""


def text(slots: File) -> bytes:
    lines = [
        [word, *(f"between {number} {n}" for n in range(9))] for number, word in enumerate(slots)
    ]
    return "".join(f"{line}\n" for part in lines for line in part).encode()


def words(data: bytes) -> File:
    return tuple(data.decode().splitlines()[::10])


def merge_one(base: File | None, ours: File | None, theirs: File | None) -> File | None:
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    if base is None or ours is None or theirs is None:
        raise Clash
    merged: list[str] = []
    for b, o, t in zip(base, ours, theirs, strict=True):
        if o not in (b, t) and t != b:
            raise Clash
        merged.append(t if o == b else o)
    return tuple(merged)


def merge(base: Files, ours: Files, theirs: Files) -> tuple[Files, list[str]]:
    found, clashes = dict(ours), list[str]()
    for path in sorted({*base, *theirs}):
        if base.get(path) == theirs.get(path):
            continue
        try:
            merged = merge_one(base.get(path), ours.get(path), theirs.get(path))
        except Clash:
            clashes.append(path)
            continue
        found.pop(path, None)
        if merged is not None:
            found[path] = merged
    return found, clashes


def with_hunks(old: Files, new: Files, hunks: list[Hunk]) -> Files:
    found = dict(old)
    for hunk in hunks:
        before, after = old.get(hunk.path), new.get(hunk.path)
        if before is None or after is None:
            found.pop(hunk.path, None)
            if after is not None:
                found[hunk.path] = after
        else:
            place = next(s for s in range(SLOTS) if hunk.place[0] <= 10 * s < sum(hunk.place[:2]))
            slots = list(found[hunk.path])
            slots[place] = after[place]
            found[hunk.path] = tuple(slots)
    return found


class Two(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="qwright-bridge-"))
        self.user: Files = {"a": FRESH, "b": FRESH, "d/c": FRESH}
        self.agent, self.seen = dict(self.user), dict(self.user)
        self.applied: list[tuple[Files, Files, Files, Files]] = []
        """User's files and "seen", each before and after, of each application that stands."""
        self.turns: list[tuple[Checkpoint, Checkpoint, Files, Files]] = []

    @initialize()
    def begin(self) -> None:
        files = {path: text(slots) for path, slots in self.user.items()}
        repo = make_repo(self.directory / "repo", files)
        session = self.directory / "session"
        session.mkdir()
        self.checkout = create_checkout(repo, session)
        self.repo, self.store = repo, self.checkout.store
        self.bridge = Bridge(repo, session, self.store)
        self.git = fingerprint(repo / ".git")
        self.at = self.checkout.base
        self.recorded = dict(self.agent)

    # What each side does to its files.

    @rule(path=NAMES, slot=SLOT, word=WORDS)
    def agent_edits(self, path: str, slot: int, word: str) -> None:
        edit(self.store.work_tree, self.agent, path, slot, word)

    @rule(path=NAMES, slot=SLOT, word=WORDS)
    def user_edits(self, path: str, slot: int, word: str) -> None:
        edit(self.repo, self.user, path, slot, word)

    @rule(path=NAMES, agent=st.booleans())
    def delete(self, path: str, agent: bool) -> None:
        files, root = (self.agent, self.store.work_tree) if agent else (self.user, self.repo)
        if files.pop(path, None) is not None:
            (root / path).unlink()

    @rule()
    def turn_ends(self) -> None:
        made = self.store.record("turn", 1)
        assert (made is not None) == (self.agent != self.recorded)
        if made is not None:
            self.turns.append((self.at, made, self.recorded, dict(self.agent)))
            self.stepped()

    # What goes over.

    @rule()
    def pull(self) -> None:
        self.turn_ends()
        self.agent, conflicts = merge(self.seen, self.agent, self.user)
        pulled = self.bridge.pull()
        assert pulled.conflicts == sorted(conflicts)
        known = {p: self.user.get(p) for p in {*self.user, *self.seen} if p not in conflicts}
        for path, slots in known.items():
            self.seen.pop(path, None)
            if slots is not None:
                self.seen[path] = slots
        self.stepped()

    @rule()
    def accept(self) -> None:
        self.turn_ends()
        self.take(self.agent, None)

    @rule(data=st.data())
    def accept_some(self, data: st.DataObject) -> None:
        self.turn_ends()
        hunks = self.bridge.hunks()
        chosen = data.draw(st.lists(st.sampled_from(hunks), unique=True)) if hunks else []
        self.take(with_hunks(self.seen, self.agent, chosen), chosen)

    def take(self, target: Files, chosen: list[Hunk] | None) -> None:
        merged, conflicts = merge(self.seen, self.user, target)
        if conflicts:
            with pytest.raises(ConflictError) as error:
                self.bridge.accept(chosen)
            assert sorted(error.value.paths) == conflicts
            return
        self.bridge.accept(chosen)
        self.apply(merged, target)

    def apply(self, user: Files, seen: Files) -> None:
        """What was applied has gone well."""
        if user != self.user:
            self.applied.append((dict(self.user), dict(user), dict(self.seen), dict(seen)))
        self.user, self.seen = dict(user), dict(seen)

    @precondition(lambda self: self.applied)
    @rule()
    def undo(self) -> None:
        before, after, old_seen, target = self.applied[-1]
        user, conflicts = merge(after, self.user, before)
        if conflicts:
            with pytest.raises(ConflictError):
                self.bridge.undo()
            return
        self.bridge.undo()
        self.applied.pop()
        self.user = user
        self.seen, _ = merge(target, self.seen, old_seen)

    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        self.turn_ends()
        hunks = self.bridge.hunks()
        chosen = (
            data.draw(st.none() | st.lists(st.sampled_from(hunks), unique=True)) if hunks else []
        )
        left = [] if chosen is None else [hunk for hunk in hunks if hunk not in chosen]
        self.bridge.reject(chosen)
        self.agent = with_hunks(self.seen, self.agent, left)
        self.stepped()

    @precondition(lambda self: self.turns)
    @rule(data=st.data(), both=st.booleans(), again=st.booleans())
    def revert(self, data: st.DataObject, both: bool, again: bool) -> None:
        self.turn_ends()
        before, after, old, new = data.draw(st.sampled_from(self.turns))
        if again:
            before, after, old, new = after, before, new, old
        agent, conflicts = merge(new, self.agent, old)
        user, seen = self.user, self.seen
        if both:
            seen, more = merge(new, self.seen, old)
            user, most = merge(self.seen, self.user, seen)
            conflicts += more or most
        act = self.bridge.revert_both if both else self.bridge.revert
        if conflicts:
            with pytest.raises(ConflictError):
                act(before, after, "revert")
            return
        act(before, after, "revert")
        self.agent = agent
        self.apply(user, seen)
        self.stepped()

    @invariant()
    def both_sides_are_as_the_model_says(self) -> None:
        assert real(self.repo) == self.user
        assert real(self.store.work_tree) == self.agent
        assert {path: words(data) for path, data in self.known().items()} == self.seen

    def known(self) -> Mapping[str, bytes]:
        tree = self.store.tree_of(self.bridge.seen)
        blobs = self.store.blobs(sha for _, sha in tree.values())
        return {path: blobs[sha] for path, (_, sha) in tree.items()}

    def stepped(self) -> None:
        cursor = self.store.cursor()
        assert cursor is not None
        self.at, self.recorded = cursor, dict(self.agent)

    def teardown(self) -> None:
        assert fingerprint(self.repo / ".git") == self.git
        for before, after, old, new in self.turns:
            for checkpoint, files in ((before, old), (after, new)):
                assert set(self.store.tree_of(checkpoint)) == set(files)
        fsck(self.store)
        shutil.rmtree(self.directory)


def real(root: Path) -> Files:
    return {path: words(data) for path, (_, data) in contents(root, without=(".git",)).items()}


def edit(root: Path, files: Files, path: str, slot: int, word: str) -> None:
    slots = list(files.get(path, FRESH))
    slots[slot] = word
    files[path] = tuple(slots)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_bytes(text(files[path]))


TestTwo: Any = Two.TestCase
TestTwo.settings = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
