"""The names of the project's files, searched while somebody types."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, islice
from pathlib import Path

MOST_FILES = 200_000
"""Without git: a walk of a home directory must end."""
_MOST_RANKED = 1_000
_PIECE = 4_000
"""Paths that are searched in one go."""
_PLACES = (
    *(("\n", "\n"), ("\n", "/\n"), ("/", "\n"), ("/", "/\n")),  # The whole name.
    *(("\n", ""), ("/", ""), ("_", ""), ("-", ""), ("", "")),
)
"""What stands before and after what was typed, from the best place to any."""
_GIT_SECONDS = 20
_SKIPPED = {"node_modules", "__pycache__", ".venv", "venv", "target", "dist", "build"}


class PathIndex:
    """Files below `root` as git sees them (tracked, or untracked and not ignored), and folders.

    Read in a thread at the first use; until then, and while it is read anew, searches give what
    is known. Folders end with a slash. Paths are relative to `root`, with slashes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = Names([])
        self._reading: threading.Thread | None = None
        self._stale = True
        self.ready = threading.Event()
        """Set once the files have been read."""

    def refresh(self) -> None:
        """Read the files anew at the next search: a turn may have made some."""
        self._stale = True

    def start(self) -> None:
        """Begin to read, where it is due and not under way."""
        if self._stale and not (self._reading and self._reading.is_alive()):
            self._stale = False
            self._reading = threading.Thread(target=self._read, daemon=True)
            self._reading.start()

    def find(self, part: str, most: int) -> list[str]:
        """The best `most` paths for what was typed. Waits a little for the first reading."""
        self.start()
        self.ready.wait(timeout=1.0)
        return self._names.find(part, most)

    def _read(self) -> None:
        files = _listed_by_git(self._root)
        if files is None:
            files = list(islice(_walked(self._root), MOST_FILES))
        self._names = Names(files)
        self.ready.set()


class Names:
    """A fixed set of paths, shortest first, prepared for searching."""

    def __init__(self, files: Sequence[str]) -> None:
        known = {*files, *_folders(files)}
        self._paths = sorted(known, key=lambda path: (len(path), path))
        lower = [path.lower() for path in self._paths]
        # One text for all, so that a search is few calls; line breaks begin and end each path.
        self._text = "\n" + "\n".join(lower) + "\n"
        self._starts = list(accumulate((len(path) + 1 for path in lower[:-1]), initial=1))
        self._characters = set(self._text)

    def find(self, part: str, most: int) -> list[str]:
        """Best first: whole names, names that begin with it, words that do, parts of names, and
        then paths that hold its characters in this order."""
        wanted = part.lower().removeprefix("./")
        if not wanted:
            return self._top(most)
        if not self._characters.issuperset(wanted):
            return []
        found: dict[int, None] = {}
        for number in chain.from_iterable(self._tiers(wanted)):
            found[number] = None
            if len(found) >= most:
                break
        return [self._paths[number] for number in found]

    def _top(self, most: int) -> list[str]:
        top = (path for path in self._paths if "/" not in path.rstrip("/"))
        return sorted(top, key=lambda path: (path[0] == ".", path[-1] != "/", path))[:most]

    def _tiers(self, wanted: str) -> Iterator[Iterator[int]]:
        if wanted in self._text:
            for before, after in _PLACES:
                yield self._holding(before + wanted + after)
        yield self._ranked(wanted)

    def _holding(self, text: str) -> Iterator[int]:
        """Numbers of the paths that hold `text`, ascending."""
        at = self._text.find(text)
        while at >= 0:
            yield bisect_right(self._starts, at + (text[0] == "\n")) - 1
            at = self._text.find(text, at + 1)

    def _ranked(self, wanted: str) -> Iterator[int]:
        """The paths that hold the characters of `wanted` in order, the best of them first."""
        ranked = islice(self._scattered(wanted), _MOST_RANKED)
        return iter(sorted(ranked, key=lambda number: _worse(wanted, self._paths[number].lower())))

    def _scattered(self, wanted: str) -> Iterator[int]:
        gaps = "".join(f"[^{re.escape(one)}\\n]*{re.escape(one)}" for one in wanted)
        pattern = re.compile("\n" + gaps)
        # In pieces: a search holds the interpreter, and keys wait for it.
        for first in range(0, len(self._starts), _PIECE):
            begin = self._starts[first] - 1
            last = first + _PIECE
            end = self._starts[last] if last < len(self._starts) else len(self._text)
            for match in pattern.finditer(self._text, begin, end):
                yield bisect_right(self._starts, match.start() + 1) - 1


def _worse(wanted: str, path: str) -> tuple[int, int]:
    """Orders paths that hold `wanted` in pieces: fewer pieces that begin no word, then shorter."""
    name = path.rstrip("/").rfind("/") + 1
    begin = name if _holds(wanted, path, name) else 0
    jumps, at = 0, begin - 1
    for one in wanted:
        found = path.index(one, at + 1)
        if found != at + 1 and found and path[found - 1] not in "/_-. ":
            jumps += 1
        at = found
    return jumps + (2 if begin == 0 and name else 0), len(path)


def _holds(wanted: str, path: str, begin: int) -> bool:
    at = begin - 1
    for one in wanted:
        at = path.find(one, at + 1)
        if at < 0:
            return False
    return True


def _folders(files: Sequence[str]) -> set[str]:
    folders: set[str] = set()
    for file in files:
        end = file.rfind("/")
        while end > 0 and (folder := file[: end + 1]) not in folders:
            folders.add(folder)
            end = file.rfind("/", 0, end)
    return folders


def _listed_by_git(root: Path) -> list[str] | None:
    """What git lists below `root`; None where it is no repository or there is no git."""
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-co", "--exclude-standard"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        listed = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if listed.returncode:
        return None
    names = listed.stdout.decode("utf-8", "replace").split("\0")
    return [name for name in dict.fromkeys(names) if name and "\n" not in name]


def _walked(root: Path) -> Iterator[str]:
    """Files below `root`, breadth first, without hidden folders and what builds leave behind."""
    waiting = [""]
    for folder in waiting:
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in _SKIPPED:
                    waiting.append(f"{folder}{entry.name}/")
            elif "\n" not in entry.name:
                yield f"{folder}{entry.name}"
