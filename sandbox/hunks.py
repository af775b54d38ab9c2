"""A difference in pieces that a person can take one by one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import Plumbing
from qwright.sandbox.store import INERT, Change, Checkpoint, CheckpointStore, Status
from qwright.sandbox.tree import shown
from qwright.sandbox.trees import Entry, new_entry

Kind = Literal["lines", "mode", "binary", "new", "deleted", "type"]
_KINDS: dict[Status, tuple[Kind, str]] = {
    "added": ("new", "new file"),
    "deleted": ("deleted", "deleted file"),
    "type": ("type", "file and link change places"),
}
_RANGES = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One piece of a difference. Of a file that is new, deleted or binary there is one."""

    path: str
    number: int
    """From 1, in the order in which they lie in the file."""
    header: str
    """The line that introduces it: "@@ -1,4 +1,5 @@ def f():", "new file", "mode 644 -> 755"."""
    lines: tuple[str, ...]
    """As in a unified diff, without line ends; bytes that are no UTF-8 are replaced."""
    added: int
    removed: int
    kind: Kind
    between: tuple[str, str]
    """The blobs before and after: a hunk can be taken only while these are the two sides."""
    place: tuple[int, int, int, int]
    """First line (from 0) and number of lines, before and after; zeros where `kind` is not lines"""


def hunks_between(store: CheckpointStore, old: Checkpoint, new: Checkpoint) -> list[Hunk]:
    """All pieces of what changed from `old` to `new`, by path."""
    changes = store.changed(old, new)
    text = Plumbing(store.git_dir).run(
        "diff-tree", "-p", *INERT, "--no-renames", "--full-index", old.tree, new.tree
    )
    sections = iter(_sections(text))
    found: list[Hunk] = []
    for change in changes:
        # Git shows a file that became a link, or the other way round, as two.
        found += _hunks(change, [next(sections) for _ in range(1 + (change.status == "type"))])
    return found


def with_hunks(
    store: CheckpointStore,
    changes: Sequence[Change],
    all_hunks: Sequence[Hunk],
    chosen: Collection[Hunk],
) -> dict[str, Entry | None]:
    """What paths become when of `all_hunks` just `chosen` are done to the old side.

    Raises WorkspaceError when one of `chosen` is none of them.
    """
    wanted = set(chosen)
    if strange := wanted.difference(all_hunks):
        path = min(hunk.path for hunk in strange)
        raise WorkspaceError(f"{shown(path)} changed meanwhile: look at the diff again")
    by_path = {path: list(these) for path, these in groupby(all_hunks, lambda hunk: hunk.path)}
    entries: dict[str, Entry | None] = {}
    for change in changes:
        these = by_path[change.path]
        taken = [hunk for hunk in these if hunk in wanted]
        if len(taken) == len(these):
            entries[change.path] = new_entry(change)
        elif taken:
            entries[change.path] = _partly(store, change, taken)
    return entries


def _partly(store: CheckpointStore, change: Change, taken: Sequence[Hunk]) -> Entry:
    mode = change.new_mode if any(hunk.kind == "mode" for hunk in taken) else change.old_mode
    pieces = [hunk.place for hunk in taken if hunk.kind == "lines"]
    if not pieces:
        whole = next((hunk for hunk in taken if hunk.kind == "binary"), None)
        return mode, change.new_blob if whole else change.old_blob
    old, new = (_split(store.blob(sha)) for sha in (change.old_blob, change.new_blob))
    lines: list[bytes] = []
    at = 0
    for old_start, old_count, new_start, new_count in pieces:
        lines += old[at:old_start] + new[new_start : new_start + new_count]
        at = old_start + old_count
    return mode, store.keep([b"".join([*lines, *old[at:]])])[0]


def _split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]


def _sections(text: bytes) -> Iterator[list[bytes]]:
    lines = text.split(b"\n")[:-1]
    section: list[bytes] = []
    for line in lines:
        # Lines of files are indented by their sign, so only git's own begin like this.
        if line.startswith(b"diff --git ") and section:
            yield section
            section = []
        section.append(line)
    if section:
        yield section


def _hunks(change: Change, sections: Sequence[Sequence[bytes]]) -> list[Hunk]:
    starts = [at for at, line in enumerate(sections[0]) if line.startswith(b"@@ ")]
    binary = any(line.startswith(b"Binary files ") for line in sections[0])
    if change.status != "modified":
        lines = [line for section in sections for line in _body(section)]
        return [_make(change, 1, _KINDS[change.status], lines)]
    found: list[Hunk] = []
    if change.old_mode != change.new_mode:
        header = f"mode {change.old_mode & 0o777:o} -> {change.new_mode & 0o777:o}"
        found.append(_make(change, 1, ("mode", header), ()))
    if binary:
        found.append(_make(change, len(found) + 1, ("binary", "binary file"), ()))
    for at, end in zip(starts, [*starts[1:], len(sections[0])], strict=False):
        header = sections[0][at]
        lines = sections[0][at + 1 : end]
        kind: tuple[Kind, str] = ("lines", header.decode(errors="replace"))
        found.append(_make(change, len(found) + 1, kind, lines, _place(header)))
    return found


def _body(section: Sequence[bytes]) -> Sequence[bytes]:
    first = next((at for at, line in enumerate(section) if line.startswith(b"@@ ")), len(section))
    return section[first + 1 :]


def _make(
    change: Change,
    number: int,
    kind: tuple[Kind, str],
    lines: Sequence[bytes],
    place: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Hunk:
    return Hunk(
        path=change.path,
        number=number,
        header=kind[1],
        lines=tuple(line.decode(errors="replace") for line in lines),
        added=sum(line.startswith(b"+") for line in lines),
        removed=sum(line.startswith(b"-") for line in lines),
        kind=kind[0],
        between=(change.old_blob, change.new_blob),
        place=place,
    )


def _place(header: bytes) -> tuple[int, int, int, int]:
    found = _RANGES.match(header)
    assert found is not None, "git writes where a hunk lies"
    old, old_count, new, new_count = (1 if part is None else int(part) for part in found.groups())
    # Of no lines, git names the line before them.
    return (old - bool(old_count), old_count, new - bool(new_count), new_count)
