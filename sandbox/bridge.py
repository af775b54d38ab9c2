"""Between the user's files and the session's checkout: what is new on either side.

What the agent changed goes to the user by `accept` and never otherwise; what the user changed
meanwhile comes to the agent by `pull`. Everything is decided in the session's store, three-way,
and written only when it can be written whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwright.sandbox.accept import (
    Applied,
    ConflictError,
    apply_result,
    finish_broken,
    undo_apply,
)
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.failpoint import failpoint
from qwright.sandbox.hunks import Hunk, hunks_between, with_hunks
from qwright.sandbox.seen import move_seen, move_yours, seen_of
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from qwright.sandbox.tree import shown
from qwright.sandbox.trees import Entry, build, commit_tree, merge, new_entry, old_entry
from qwright.sandbox.user_files import UserFiles
from qwright.sandbox.user_repo import UserRepo

__all__ = ["Applied", "Bridge", "ConflictError", "Hunk", "Pulled", "Reverted"]

YOUR_EDITS = "your edits"
"""The label of a step that brought the user's own edits in."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the user had changed since the session last looked."""

    paths: list[str] = field(default_factory=list[str])
    """Those that were brought into the checkout, sorted."""
    merged: list[str] = field(default_factory=list[str])
    """Those among them that the agent had changed too, elsewhere in the file."""
    conflicts: list[str] = field(default_factory=list[str])
    """Those that stayed as the agent has them, since both changed the same place; they end by
    `take_theirs`, or when either side changes."""
    notices: list[str] = field(default_factory=list[str])
    """One line for each file that was left out."""


@dataclass(frozen=True, slots=True)
class Reverted:
    """Paths that changed."""

    paths: list[str]
    """In the checkout."""
    yours: list[str]
    """In the user's files."""


class Bridge:
    """Between the files beneath `source` and the checkout of `store`.

    Every method blocks, and none may run beside another one or beside a recording of `store`. All
    raise WorkspaceError; ConflictError where both sides changed the same place, and then nothing
    was written.
    """

    def __init__(self, source: Path, session_dir: Path, store: CheckpointStore) -> None:
        self.source = source
        self._session = session_dir
        self._store = store
        self._files = UserFiles(source, store)

    def warm(self) -> None:
        """Read the user's files once, in the background, so that `pull` is quick."""
        self._files.warm()

    @property
    def notices(self) -> list[str]:
        """One line for each of the user's files that was left out, as of the last look."""
        return self._files.notices

    @property
    def seen(self) -> Checkpoint:
        """The user's files as the session last knew them."""
        return seen_of(self._store)

    def pending(self) -> list[Change]:
        """What the last checkpoint holds that was not accepted yet."""
        return self._store.changed(self.seen, self._cursor())

    def diff(self, paths: Sequence[str] = ()) -> str:
        """The same (in these paths), for a person or a model to read."""
        return self._store.diff(self.seen, self._cursor(), paths)

    def hunks(self) -> list[Hunk]:
        """The same in pieces."""
        return hunks_between(self._store, self.seen, self._cursor())

    def accept(self, chosen: Collection[Hunk] | None = None) -> Applied:
        """Bring what is pending, or these hunks, to the user's files; `undo` takes it back."""
        finish_broken(self.source, self._session, self._store)
        seen, target = self.seen, self._cursor()
        if chosen is not None:
            target = build(self._store, seen, self._entries(chosen), "accepted")
        return apply_result(self.source, self._session, self._store, seen, target)

    def undo(self) -> Applied:
        """Take the last `accept` that stands out of the user's files; it is pending again."""
        return undo_apply(self.source, self._session, self._store)

    def reject(self, chosen: Collection[Hunk] | None = None) -> list[str]:
        """Take what is pending, or these hunks of it, out of the checkout; returns the paths."""
        self._record("before rejecting")
        seen, here = self.seen, self._cursor()
        changes = self._store.changed(seen, here)
        entries = {change.path: old_entry(change) for change in changes}
        if chosen is not None:
            everything = hunks_between(self._store, seen, here)
            rejected = set(chosen)
            left = [hunk for hunk in everything if hunk not in rejected]
            with_hunks(self._store, changes, everything, chosen)
            kept = with_hunks(self._store, changes, everything, left)
            touched = {hunk.path for hunk in chosen}
            entries = {
                path: kept.get(path, entry) for path, entry in entries.items() if path in touched
            }
        return self._change(here, entries, "rejected")

    def edited(self) -> Checkpoint | None:
        """The user's files as they are now; None when they are as in `seen`."""
        finish_broken(self.source, self._session, self._store)
        tree, seen = self._files.tree(), self.seen
        if tree == seen.tree:
            return None
        return commit_tree(self._store, tree, seen, "your files")

    def edits(self, paths: Collection[str]) -> str:
        """What the user changed in these paths since `seen`, as a diff; "" for nothing."""
        theirs = self.edited()
        return self._store.diff(self.seen, theirs, sorted(paths)) if theirs else ""

    def pull(self, edited: Checkpoint | None = None) -> Pulled:
        """Bring the user's own edits since the last look into the checkout, as a step of it.

        A file in which both changed the same place stays as the agent has it, and is named again
        by every pull until that has changed. `edited` is what `edited` has just returned.
        """
        theirs = edited or self.edited()
        notices = self._files.notices
        if theirs is None:
            return Pulled(notices=notices)
        self._record("before your edits")
        seen, here = self.seen, self._cursor()
        merged = merge(self._store, seen, here, theirs)
        if here.tree == seen.tree:  # then all of it, and the tree is there already
            self._store.adopt(commit_tree(self._store, theirs.tree, here, YOUR_EDITS))
        else:
            self._change(here, merged.entries, YOUR_EDITS)
        failpoint("pull-adopted")
        known = theirs
        if merged.conflicts:
            changes = self._store.changed(seen, theirs)
            known = self._with(seen, [c for c in changes if c.path not in merged.conflicts])
        self._learn(seen, known)
        paths, both, conflicts = map(sorted, (merged.entries, merged.both, merged.conflicts))
        return Pulled(paths, both, conflicts, notices)

    def take_theirs(self, paths: Collection[str]) -> None:
        """End the conflict in these paths: the checkout is as the user's files are there."""
        theirs = self.edited()
        if theirs is None:
            return
        self._record("before settling")
        seen, here = self.seen, self._cursor()
        changes = [one for one in self._store.changed(seen, theirs) if one.path in paths]
        self._change(here, {one.path: new_entry(one) for one in changes}, YOUR_EDITS)
        self._learn(seen, self._with(seen, changes))

    def revert(self, before: Checkpoint, after: Checkpoint, label: str) -> list[str]:
        """Take what changed from `before` to `after` out of the checkout, keeping what came later.

        With the two exchanged it brings the change back. Returns the paths that changed.
        """
        here, entries = self._reverting(before, after, label)
        return self._change(here, entries, label)

    def revert_both(self, before: Checkpoint, after: Checkpoint, label: str) -> Reverted:
        """As `revert`, and out of the user's files as well, as far as they have it."""
        here, entries = self._reverting(before, after, label)
        applied = self.apply_revert(before, after)
        return Reverted(self._change(here, entries, label), applied.paths)

    def apply_revert(self, before: Checkpoint, after: Checkpoint) -> Applied:
        """As `revert` for the user's files alone, as far as they have it.

        Where they have only the half of it, or what lay before it is not theirs either, they stay:
        what differs from the checkout is pending then.
        """
        finish_broken(self.source, self._session, self._store)
        seen = self.seen
        merged = merge(self._store, after, seen, before)
        if not merged.entries:
            return Applied([], [])
        target = build(self._store, seen, merged.entries, "taken back")
        between = (self.source, self._session, self._store)
        return apply_result(*between, seen, target, undoable=False)

    def _reverting(
        self, before: Checkpoint, after: Checkpoint, label: str
    ) -> tuple[Checkpoint, dict[str, Entry | None]]:
        self._record(f"before: {label}")
        here = self._cursor()
        merged = merge(self._store, after, here, before)
        _require_none(merged.conflicts)
        return here, merged.entries

    def _learn(self, seen: Checkpoint, known: Checkpoint) -> None:
        """Take the user's own changes from `seen` to `known` into what is known of their files."""
        if known.tree == seen.tree:
            return
        repo = UserRepo.find(self.source)
        move_yours(self._store, seen, known, repo.head() if repo else None)
        failpoint("pull-yours")
        move_seen(self._store, known)

    def _with(self, seen: Checkpoint, changes: Sequence[Change]) -> Checkpoint:
        entries = {change.path: new_entry(change) for change in changes}
        return build(self._store, seen, entries, "your files") if entries else seen

    def _entries(self, chosen: Collection[Hunk]) -> dict[str, Entry | None]:
        return with_hunks(self._store, self.pending(), self.hunks(), chosen)

    def _change(self, here: Checkpoint, entries: dict[str, Entry | None], label: str) -> list[str]:
        if entries:
            target = build(self._store, here, entries, label)
            if target.tree != here.tree:
                self._store.adopt(target)
        return sorted(entries)

    def _record(self, label: str) -> None:
        self._store.record(label, self._cursor().step)

    def _cursor(self) -> Checkpoint:
        found = self._store.cursor()
        if found is None:
            raise WorkspaceError("this session has no checkpoint yet")
        return found


def _require_none(conflicts: Sequence[str]) -> None:
    if conflicts:
        names = ", ".join(map(shown, conflicts[:5]))
        more = f" and {len(conflicts) - 5} more" if conflicts[5:] else ""
        raise ConflictError(
            f"changed again since then, so nothing was taken back: {names}{more}", list(conflicts)
        )
