"""Copy the user's files into a new checkout and, in the same pass, into its store."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.tree import shown

_SMALL = 1 << 20
"""Bytes; larger files go from file to file inside the kernel."""
_BATCH = 64
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that was copied. `data` is None when it is large: then read the copy."""

    path: str
    mode: int
    """As git writes it: 0o100644, 0o100755 or 0o120000."""
    data: bytes | None


def copy_files(
    source: Path, target: Path, paths: Sequence[str], owner: tuple[int, int] | None
) -> Iterator[Copied]:
    """Copy regular files and links byte for byte, with mode bits and mtime, parents made.

    What vanished meanwhile or is neither is left out. Yields in the order of `paths`. Raises
    WorkspaceError when a file cannot be read or written.
    """
    _make_directories(target, paths, owner)

    def work(batch: Sequence[str]) -> list[Copied]:
        found = (_copy(source, target, path, owner) for path in batch)
        return [item for item in found if item is not None]

    batches = iter([paths[at : at + _BATCH] for at in range(0, len(paths), _BATCH)])
    with ThreadPoolExecutor(_THREADS) as pool:
        pending = [pool.submit(work, batch) for batch in islice(batches, 2 * _THREADS)]
        while pending:
            done = pending.pop(0).result()
            pending += [pool.submit(work, batch) for batch in islice(batches, 1)]
            yield from done


def import_script(
    files: Iterable[Copied], root: Path, refs: Sequence[str], message: bytes
) -> Iterator[bytes]:
    """What `git fast-import` reads to make one first commit of `files` and point `refs` at it."""
    stamp = b"qwright <qwright@localhost> %d +0000" % time.time()
    yield b"feature done\ncommit %b\nmark :1\n" % refs[0].encode()
    yield b"committer %b\ndata %d\n%b\n" % (stamp, len(message), message)
    for file in files:
        yield b"M %o inline %b\n" % (file.mode, _quoted(file.path))
        if file.data is not None:
            yield b"data %d\n%b\n" % (len(file.data), file.data)
        else:
            yield from _large(root / file.path)
    for ref in refs[1:]:
        yield b"reset %b\nfrom :1\n\n" % ref.encode()
    yield b"done\n"


def _make_directories(target: Path, paths: Sequence[str], owner: tuple[int, int] | None) -> None:
    made: set[str] = {""}
    for path in paths:
        missing: list[str] = []
        above = os.path.dirname(path)
        while above not in made:
            missing.append(above)
            made.add(above)
            above = os.path.dirname(above)
        for directory in reversed(missing):
            os.mkdir(target / directory)
            if owner is not None:
                os.chown(target / directory, *owner)


def _copy(source: Path, target: Path, path: str, owner: tuple[int, int] | None) -> Copied | None:
    try:
        return _copy_one(f"{source}/{path}", f"{target}/{path}", path, owner)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WorkspaceError(f"cannot copy {shown(path)}: {error.strerror}") from error


def _copy_one(source: str, target: str, path: str, owner: tuple[int, int] | None) -> Copied | None:
    state = os.lstat(source)
    if stat.S_ISLNK(state.st_mode):
        link = os.readlink(source)
        os.symlink(link, target)
        if owner is not None:
            os.chown(target, *owner, follow_symlinks=False)
        return Copied(path, 0o120000, os.fsencode(link))
    if not stat.S_ISREG(state.st_mode):
        return None
    data = _copy_file(source, target, owner)
    return Copied(path, 0o100755 if state.st_mode & stat.S_IXUSR else 0o100644, data)


def _copy_file(source: str, target: str, owner: tuple[int, int] | None) -> bytes | None:
    old = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(old)
        new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            data = _copy_bytes(old, new, state.st_size)
            if owner is not None:
                os.fchown(new, *owner)
            os.fchmod(new, state.st_mode & 0o777)
            os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
        finally:
            os.close(new)
    finally:
        os.close(old)
    return data


def _copy_bytes(old: int, new: int, size: int) -> bytes | None:
    if size < _SMALL:
        data = b"".join(iter(lambda: os.read(old, _SMALL), b""))
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(new, rest) :]
        return data
    offset = 0
    while sent := os.sendfile(new, old, offset, 1 << 30):
        offset += sent
    return None


def _large(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        left = os.fstat(data.fileno()).st_size
        yield b"data %d\n" % left
        while part := data.read(_SMALL):
            yield part
    yield b"\n"


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    if not raw.startswith(b'"') and b"\n" not in raw:
        return raw
    escaped = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
