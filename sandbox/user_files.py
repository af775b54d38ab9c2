"""What the user's files are right now, found quickly through an index of our own.

The index lies in the session's store. Git looks at the user's files with the store's
configuration and the environment of `plumbing.py`: no filter, no hook and no configuration of
the user's repository is read, and nothing is written there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from qwright.sandbox.checkout import is_wanted, nested_files
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import GitFailedError, Plumbing
from qwright.sandbox.scan import SIZE_LIMIT, Scan, sort_paths
from qwright.sandbox.seen import seen_of
from qwright.sandbox.store import Change, Checkpoint, CheckpointStore
from qwright.sandbox.tree import Tree, shown
from qwright.sandbox.trees import index_info, old_entry

_SECONDS = 600.0


class UserFiles:
    """The files beneath `source` that belong to the session.

    These are the ones it knows, and new ones that are neither ignored, nor litter, nor look like
    secrets. Safe to use from several threads.
    """

    def __init__(self, source: Path, store: CheckpointStore) -> None:
        self.source = source
        self.notices: list[str] = []
        """One line for each file that is left out, as of the last look."""
        self._store = store
        self._index = store.git_dir / "user.index"
        self._git = Plumbing(store.git_dir, source)
        self._looking = threading.Lock()

    def warm(self) -> None:
        """Read every file once, in the background, so that the first look is quick."""
        threading.Thread(target=self._warm, name="qwright-user-files", daemon=True).start()

    def tree(self) -> str:
        """Keep what changed in the store and return the git tree of all. Raises WorkspaceError."""
        with self._looking:
            try:
                return self._look()
            except GitFailedError:  # the index is only a cache: without it all is read again
                self._forget()
                return self._look()

    def _warm(self) -> None:
        with self._looking:
            try:
                self._begin()
            except GitFailedError:  # the first look will do it, or say what is wrong
                self._forget()
            except (OSError, WorkspaceError):  # the session was closed, or is gone
                return

    def _begin(self) -> None:
        if not self._index.exists():
            self._run("read-tree", seen_of(self._store).tree)
            self._refresh()

    def _forget(self) -> None:
        for file in (self._index, self._index.with_name("user.index.lock")):
            file.unlink(missing_ok=True)

    def _refresh(self) -> None:
        self._git.run(
            *("update-index", "-q", "--refresh"), index=self._index, timeout=_SECONDS, codes=(0, 1)
        )

    def _look(self) -> str:
        self._begin()
        found = self._sorted(self._listed())
        self.notices = found.notices
        self._stage(found)
        tree = self._run("write-tree").decode().strip()
        seen = seen_of(self._store)
        if tree == seen.tree:
            return tree
        self._complete(self._store.changed(seen, Checkpoint("", tree, 0, "")), found)
        return self._run("write-tree").decode().strip()

    def _complete(self, changes: Sequence[Change], found: Scan) -> None:
        # What the session itself brought here belongs to it, whatever it is called; and what
        # cannot be read counts as unchanged.
        lost = [one.path for one in changes if one.status == "deleted"]
        more = self._sorted(set(lost).difference(found.gone))
        self._stage(Scan(more.present))
        left = {*found.too_large, *more.too_large}
        stay = {one.path: old_entry(one) for one in changes if one.path in left}
        self._run("update-index", "-z", "--index-info", stdin=index_info(stay))

    def _stage(self, found: Scan) -> None:
        if found.gone:
            command = ("update-index", "-z", "--force-remove", "--stdin")
            self._run(*command, stdin=_names(found.gone))
        if found.present:
            command = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
            self._run(*command, stdin=_names(found.present))

    def _sorted(self, paths: Iterable[str]) -> Scan:
        """As `sort_paths`; a file that cannot be read is among those that are too large."""
        tree = Tree(self.source, follow_links=False)
        found = sort_paths(tree, dict.fromkeys(paths), SIZE_LIMIT)
        for path in [path for path in found.present if not self._readable(path)]:
            found.present.remove(path)
            found.too_large.append(path)
            found.notices.append(f"{shown(path)}: cannot be read, left out")
        return found

    def _listed(self) -> Iterator[str]:
        rules = [f"--exclude-from={self._store.git_dir}/info/exclude"]
        repository = (self.source / ".git").exists()
        if repository:
            rules.append("--exclude-per-directory=.gitignore")
        raw = self._run("ls-files", "-z", "-t", "-m", "-d", "-o", *rules)
        for line in os.fsdecode(raw).split("\0")[:-1]:
            tag, path = line[0], line[2:]
            if tag != "?":
                yield path
            elif path.endswith("/"):
                yield from nested_files(self.source, path.rstrip("/"))
            elif is_wanted(path):
                yield path

    def _readable(self, path: str) -> bool:
        place = self.source / path
        return place.is_symlink() or os.access(place, os.R_OK)

    def _run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        return self._git.run(*arguments, stdin=stdin, index=self._index, timeout=_SECONDS)


def _names(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
