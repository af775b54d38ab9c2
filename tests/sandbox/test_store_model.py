"""Any order of edits, checkpoints and returns: the files are what a plain dictionary says."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from qwright.sandbox.store import Checkpoint, CheckpointStore
from tests.sandbox.repos import fsck, make_store

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/c", "sp ace", "new\nline", "caf\udce9"])
BYTES = st.sampled_from([b"", b"1\n", b"2\n", b"\r\n", b"\0\xff", b"x" * 300])
Files = dict[str, bytes | str]
"""Path to bytes, or to the target of a link."""


class Steps(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="qwright-model-"))
        self.store: CheckpointStore = make_store(self.directory, {})
        self.files: Files = {}
        self.saved: list[tuple[Checkpoint, Files]] = []

    @initialize()
    def begin(self) -> None:
        self.checkpoint()

    @rule(path=NAMES, data=BYTES)
    def write(self, path: str, data: bytes) -> None:
        self.clear(path)
        (self.root / path).write_bytes(data)
        self.files[path] = data

    @rule(path=NAMES, to=st.sampled_from(["a", "../out", "/etc/passwd", "d"]))
    def link(self, path: str, to: str) -> None:
        self.clear(path)
        (self.root / path).symlink_to(to)
        self.files[path] = to

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.files)))
        (self.root / path).unlink()
        del self.files[path]

    @rule()
    def replace_directory(self) -> None:
        self.clear("d")
        (self.root / "d").write_bytes(b"a file now")
        self.files["d"] = b"a file now"

    @rule()
    def checkpoint(self) -> None:
        changed = not self.saved or self.saved_at_cursor() != self.files
        recorded = self.store.record("step", len(self.saved))
        assert (recorded is not None) == changed
        if recorded is not None:
            self.saved.append((recorded, dict(self.files)))

    @rule(data=st.data())
    def go_back_or_forward(self, data: st.DataObject) -> None:
        target, files = data.draw(st.sampled_from(self.saved))
        before = dict(self.files)
        log = self.store.log()
        self.store.restore(target)
        self.files = dict(files)
        kept = self.store.log()[len(log) :]
        self.saved += [(checkpoint, before) for checkpoint in kept]

    @invariant()
    def files_are_as_the_model_says(self) -> None:
        found: Files = {}
        for directory, names, files in os.walk(self.root):
            links = [n for n in names if os.path.islink(os.path.join(directory, n))]
            for name in (*files, *links):
                path = Path(directory, name)
                data = os.readlink(path) if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(self.root))] = data
        assert found == self.files

    def teardown(self) -> None:
        for checkpoint, files in self.saved:
            tree = self.store.tree_of(checkpoint)
            blobs = self.store.blobs(sha for _, sha in tree.values())
            held = {path: (mode == 0o120000, blobs[sha]) for path, (mode, sha) in tree.items()}
            assert held == {
                path: (isinstance(data, str), os.fsencode(data)) for path, data in files.items()
            }
        fsck(self.store)
        shutil.rmtree(self.directory)

    @property
    def root(self) -> Path:
        return self.store.work_tree

    def saved_at_cursor(self) -> Files:
        cursor = self.store.cursor()
        return next(files for checkpoint, files in self.saved if checkpoint == cursor)

    def clear(self, path: str) -> None:
        """Make room for a file at `path`: no directory there, no file or link above it."""
        above = [str(parent) for parent in Path(path).parents][:-1]
        for known in list(self.files):
            if known == path or known in above or known.startswith(f"{path}/"):
                (self.root / known).unlink()
                del self.files[known]
        if (self.root / path).is_dir():
            shutil.rmtree(self.root / path)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)


TestSteps = Steps.TestCase
TestSteps.settings = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
