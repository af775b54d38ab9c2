"""Checkpoints: every step a commit in a git store that lies beside the checkout, never in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.failpoint import failpoint
from qwright.sandbox.mending import drop_broken_refs
from qwright.sandbox.plumbing import GitFailedError, Plumbing
from qwright.sandbox.scan import (
    LITTER,
    SIZE_LIMIT,
    Scan,
    refuse_special_rules,
    scan,
    sort_paths,
)
from qwright.sandbox.seed import Copied, import_script
from qwright.sandbox.tree import Tree

_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding !diff !merge\n"
_STEPS = "refs/qwright/step/"
CURSOR = "refs/qwright/cursor"
SEEN = "refs/qwright/seen"
YOURS = "refs/qwright/yours"
"""Two states of the user's files; see seen.py."""
RECOVERED = "recovered"
"""Label of a step that holds what a killed process had not recorded."""
SOURCE_HEAD = "Source-Head"
"""Trailer of the first checkpoint: the commit the user's repository was at."""
_NOTHING = "0" * 40
_STAGE_SECONDS = 600.0

Status = Literal["added", "deleted", "modified", "type"]
_STATUSES: dict[str, Status] = {"A": "added", "D": "deleted", "M": "modified", "T": "type"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One recorded state of the checkout."""

    commit: str
    tree: str
    step: int
    label: str


@dataclass(frozen=True, slots=True)
class Change:
    """How one path differs between two checkpoints; mode 0 and blob "" mean: not there."""

    path: str
    status: Status
    old_mode: int
    new_mode: int
    old_blob: str
    new_blob: str


class CheckpointStore:
    """The git store `git_dir` of the checkout `work_tree`.

    `owner` is the (uid, gid) that restored files get. `notices` collects one line for each file
    that could not be recorded.
    """

    def __init__(
        self, git_dir: Path, work_tree: Path, owner: tuple[int, int] | None = None
    ) -> None:
        self.git_dir = git_dir
        self.work_tree = work_tree
        self.owner = owner
        self.notices: list[str] = []
        self._git = Plumbing(git_dir, work_tree)

    def init(self, excludes: Iterable[str] = ()) -> None:
        """Create the store. `excludes` are the user's own ignore patterns, one a line."""
        self.git_dir.mkdir(mode=0o700)
        Plumbing(self.git_dir).run("init", "-q", "--bare", "--template=", str(self.git_dir))
        self._git.run("config", "--file", str(self.git_dir / "config"), "core.bare", "false")
        info = self.git_dir / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_ATTRIBUTES)
        lines = "\n".join((*excludes, *LITTER))
        (info / "exclude").write_text(lines + "\n", errors="surrogateescape")

    def seed(self, files: Iterable[Copied], trailers: Sequence[str] = ()) -> Checkpoint:
        """Make the first checkpoint (step 0) of files that were just copied to the work tree."""
        message = "\n".join(("base", "", "Step: 0", *trailers, ""))
        refs = (f"{_STEPS}000000", CURSOR)
        script = import_script(files, self.work_tree, refs, message.encode())
        # The user still has these very bytes, so the disk need not be waited for.
        command = ("fast-import", "--quiet", "--done", "--depth=0")
        self._git.feed(*command, chunks=script, durable=False)
        self._git.run("read-tree", refs[0])
        self._git.run("update-index", "-q", "--refresh", codes=(0, 1))
        base = self.cursor()
        if base is None:
            raise WorkspaceError("the first checkpoint could not be made")
        return base

    def record(self, label: str, step: int, *, trailers: Sequence[str] = ()) -> Checkpoint | None:
        """Record the present files as a commit; None when they are as in the last checkpoint.

        `trailers` are further "Key: value" lines of the commit. Raises WorkspaceError.
        """
        parent = self.cursor()
        found = scan(self._git, self.work_tree, SIZE_LIMIT if parent else None)
        self._note(found.notices)
        if parent is not None and not (found.present or found.gone):
            return None
        self._stage(found)
        failpoint("record-staged")
        return self._commit(parent, label, step, trailers)

    def cursor(self) -> Checkpoint | None:
        """The checkpoint the checkout was last known to be at."""
        return self.at(CURSOR)

    def base(self) -> Checkpoint | None:
        """The first checkpoint; cheaper than the log."""
        return self.at(f"{_STEPS}000000")

    def at(self, ref: str) -> Checkpoint | None:
        """What a ref of the store points at; None when there is no such ref."""
        found = self._refs(ref)
        return found[0] if found else None

    def find(self, commit: str) -> Checkpoint:
        """The checkpoint with this commit, a step or not. Raises GitFailedError."""
        tree = self._git.run("rev-parse", "--verify", "-q", f"{commit}^{{tree}}").decode().strip()
        step = self.trailer(Checkpoint(commit, tree, 0, ""), "Step")
        return Checkpoint(commit, tree, int(step or 0), "")

    def log(self) -> list[Checkpoint]:
        """All checkpoints in the order in which they were recorded."""
        return self._refs(_STEPS)

    def changed(self, old: Checkpoint, new: Checkpoint) -> list[Change]:
        """The paths that differ, sorted. Renames are a deletion and an addition."""
        raw = self._git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old.tree, new.tree)
        fields = os.fsdecode(raw).split("\0")[:-1]
        return [_change(head, path) for head, path in zip(fields[::2], fields[1::2], strict=True)]

    def diff(self, old: Checkpoint, new: Checkpoint, paths: Sequence[str] = ()) -> str:
        """What changed (there), for a person or a model to read; binary files are only named."""
        text = self._git.run("diff-tree", "-p", *INERT, "-M", old.tree, new.tree, "--", *paths)
        return text.decode(errors="replace")

    def patch(self, old: Checkpoint, new: Checkpoint) -> bytes:
        """What changed, complete, as `git apply` takes it."""
        exact = ("--binary", "--full-index", "--no-renames")
        return self._git.run("diff-tree", "-p", *INERT, *exact, old.tree, new.tree)

    def blob(self, sha: str) -> bytes:
        """The bytes of a recorded file, or the target of a recorded link."""
        return self._git.run("cat-file", "blob", sha)

    def blobs(self, shas: Iterable[str]) -> dict[str, bytes]:
        """The bytes of many recorded files, read by one git process."""
        wanted = sorted(set(shas))
        if not wanted:
            return {}
        raw = self._git.run("cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n")
        return _parse_batch(raw, wanted)

    def keep(self, contents: Sequence[bytes]) -> list[str]:
        """Keep bytes in the store, durably, and return their names in the same order."""
        names = [_blob_name(data) for data in contents]
        if not names:
            return []
        asked = "\n".join(names).encode() + b"\n"
        answers = self._git.run("cat-file", "--batch-check", stdin=asked).splitlines()
        new = {
            name: data
            for name, data, answer in zip(names, contents, answers, strict=True)
            if answer.endswith(b" missing")
        }
        if new:
            script = (b"blob\ndata %d\n%b\n" % (len(data), data) for data in new.values())
            chunks = (b"feature done\n", *script, b"done\n")
            self._git.feed("fast-import", "--quiet", "--done", chunks=chunks)
        return names

    def tree_of(self, checkpoint: Checkpoint) -> dict[str, tuple[int, str]]:
        """Path to (mode, blob) of everything in a checkpoint."""
        raw = os.fsdecode(self._git.run("ls-tree", "-r", "-z", "--full-tree", checkpoint.tree))
        found: dict[str, tuple[int, str]] = {}
        for line in raw.split("\0")[:-1]:
            head, path = line.split("\t", 1)
            mode, _, sha = head.split(" ")
            found[path] = (int(mode, 8), sha)
        return found

    def trailer(self, checkpoint: Checkpoint, key: str) -> str:
        """The value of a trailer given to `record`; "" when the commit has none."""
        text = self._git.run("cat-file", "commit", checkpoint.commit).decode(errors="replace")
        found = re.search(rf"^{re.escape(key)}: (.*)$", text.split("\n\n", 1)[1], re.MULTILINE)
        return found[1] if found else ""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Make the checkout as it was at `checkpoint`, after recording its present state.

        Files made since then were recorded, so they are removed; what was never recorded
        (ignored files, for one) stays. Raises WorkspaceError and then says what stands.
        """
        self._go(checkpoint, new=False)

    def adopt(self, target: Checkpoint) -> None:
        """As `restore`, to a commit that is no step yet (`trees.build`); it becomes one."""
        self._go(target, new=True)

    def reset(self, checkpoint: Checkpoint) -> None:
        """As `restore`, but what was not recorded since the last checkpoint is lost."""
        here = self.cursor() or checkpoint
        dirty = scan(self._git, self.work_tree, None)
        changed = {change.path for change in self.changed(here, checkpoint)}
        self._git.run("read-tree", "--reset", "-u", checkpoint.tree)
        written = changed.union(dirty.present, dirty.gone)
        self._give_to_owner(written.intersection(self.tree_of(checkpoint)))
        self._git.run("update-ref", CURSOR, checkpoint.commit)

    def _go(self, checkpoint: Checkpoint, *, new: bool) -> None:
        present = self._record_whole(checkpoint)
        failpoint("restore-recorded")
        changed = self.changed(present, checkpoint)
        self._git.run("read-tree", "--reset", "-u", checkpoint.tree)
        failpoint("restore-files")
        self._give_to_owner([change.path for change in changed if change.new_mode])
        if self._git.run("write-tree").decode().strip() != checkpoint.tree:
            raise WorkspaceError(
                f"step {checkpoint.step} was not restored completely; the state before is kept "
                f"as {present.commit[:12]}"
            )
        step = [f"create {_STEPS}{self._next_number():06d} {checkpoint.commit}"] if new else []
        self._move([*step, f"update {CURSOR} {checkpoint.commit} {present.commit}"])

    def _record_whole(self, target: Checkpoint) -> Checkpoint:
        # Ignored files which the target would overwrite are recorded too, or they would be lost.
        here = self.cursor()
        if here is None:
            raise WorkspaceError("this session has no checkpoint yet")
        found = scan(self._git, self.work_tree, SIZE_LIMIT)
        self._stage(found)
        indexed = self._git.run("write-tree").decode().strip()
        now = Checkpoint("", indexed, here.step, "")
        hidden = [c.path for c in self.changed(now, target) if c.status == "added"]
        covered = sort_paths(Tree(self.work_tree, follow_links=False), hidden, SIZE_LIMIT)
        self._stage(covered)
        targeted = self.tree_of(target)
        blocked = [p for p in (*found.too_large, *covered.too_large) if p in targeted]
        if blocked:
            raise WorkspaceError(
                f"{blocked[0]!r} is too large for a checkpoint and would be overwritten: "
                "move it away first"
            )
        return self._commit(here, "before going back", here.step, ()) or here

    def recover(self) -> None:
        """Mend what a killed process left behind; only for the one that owns the session."""
        self._mend()
        here = self.cursor()
        if here is not None:  # what was staged, or half gone back to, becomes a step of its own
            self._commit(here, RECOVERED, here.step, ())

    def _mend(self) -> None:
        for lock in self.git_dir.rglob("*.lock"):
            lock.unlink(missing_ok=True)
        drop_broken_refs(self._git, _STEPS, CURSOR, (SEEN, YOURS))
        try:
            self._git.run("ls-files", "-s", "--error-unmatch")
        except GitFailedError:
            (self.git_dir / "index").unlink(missing_ok=True)
            if self.cursor() is not None:
                self._git.run("read-tree", CURSOR)

    def _stage(self, found: Scan) -> None:
        try:
            self._update_index(found)
        except GitFailedError as error:
            self._mend()
            refuse_special_rules(self.work_tree, error)
            raise

    def _update_index(self, found: Scan) -> None:
        if found.gone:
            names = b"".join(os.fsencode(path) + b"\0" for path in found.gone)
            self._git.run("update-index", "-z", "--force-remove", "--stdin", stdin=names)
        if found.present:
            names = b"".join(os.fsencode(path) + b"\0" for path in found.present)
            command = ("update-index", "-z", "--add", "--replace", "--stdin")
            _, said = self._git.run_both(*command, stdin=names, timeout=_STAGE_SECONDS)
            self._note(said.decode(errors="backslashreplace").splitlines())

    def _commit(
        self, parent: Checkpoint | None, label: str, step: int, trailers: Sequence[str]
    ) -> Checkpoint | None:
        tree = self._git.run("write-tree").decode().strip()
        if parent is not None and tree == parent.tree:
            return None
        subject = " ".join(label.split()) or "step"
        message = "\n".join((subject, "", f"Step: {step}", *trailers, ""))
        above = ("-p", parent.commit) if parent else ()
        text = message.encode(errors="surrogateescape")
        commit = self._git.run("commit-tree", tree, *above, stdin=text).decode().strip()
        failpoint("record-committed")
        before = parent.commit if parent else _NOTHING
        self._move(
            [
                f"create {_STEPS}{self._next_number():06d} {commit}",
                f"update {CURSOR} {commit} {before}",
            ]
        )
        failpoint("record-moved")
        return Checkpoint(commit, tree, step, subject)

    def _next_number(self) -> int:
        # Nothing ever packs this store's refs, and a listing is much cheaper than a process.
        steps = self.git_dir / _STEPS
        known = os.listdir(steps) if steps.is_dir() else []
        return max((int(name) for name in known if name.isdigit()), default=-1) + 1

    def _move(self, commands: Sequence[str]) -> None:
        script = "\n".join(("start", *commands, "commit", ""))
        self._git.run("update-ref", "--stdin", stdin=script.encode())

    def _refs(self, pattern: str) -> list[Checkpoint]:
        shape = (
            "%(objectname)%00%(tree)%00%(contents:trailers:key=Step,valueonly)%00"
            "%(contents:subject)%00%00"
        )
        raw = self._git.run("for-each-ref", f"--format={shape}", pattern)
        rows = raw.decode(errors="replace").split("\0\0\n")[:-1]
        return [_checkpoint(row) for row in rows]

    def _give_to_owner(self, paths: Iterable[str]) -> None:
        if self.owner is None:
            return
        tree = Tree(self.work_tree, self.owner, follow_links=False)
        for path in paths:
            tree.own(path)

    def _note(self, lines: Iterable[str]) -> None:
        self.notices.extend(line for line in lines if line not in self.notices)


INERT = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-color", "-r")


def _change(head: str, path: str) -> Change:
    old_mode, new_mode, old, new, status = head.removeprefix(":").split(" ")
    return Change(
        path,
        _STATUSES[status],
        int(old_mode, 8),
        int(new_mode, 8),
        old.replace(_NOTHING, ""),
        new.replace(_NOTHING, ""),
    )


def _checkpoint(row: str) -> Checkpoint:
    commit, tree, step, label = row.split("\0")
    return Checkpoint(commit, tree, int(step.strip() or 0), label)


def _blob_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _parse_batch(raw: bytes, wanted: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    at = 0
    for sha in wanted:
        end = raw.index(b"\n", at)
        head = raw[at:end].split(b" ")
        if len(head) != 3:
            raise WorkspaceError(f"the session's store lacks object {sha}")
        size = int(head[2])
        found[sha] = raw[end + 1 : end + 1 + size]
        at = end + size + 2
    return found
