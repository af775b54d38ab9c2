"""Files beneath one directory, reached so that no path can lead out of it.

Every path is resolved by the kernel from a descriptor of the root (openat2, RESOLVE_BENEATH), so
a symbolic link, a `..` or a directory swapped while we look cannot escape.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import secrets
import stat
import unicodedata
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwright.sandbox.base import MOUNT
from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.failpoint import failpoint
from qwright.sandbox.openat2 import open_beneath

Kind = Literal["file", "directory", "link", "other"]
_TEMPORARY = re.compile(r"\.qwright-[0-9a-f]{16}\.tmp")

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "a part of this path is not a directory",
    errno.EXDEV: "this path leads outside the workspace",
    errno.ELOOP: "this path goes through a symbolic link that cannot be followed",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENAMETOOLONG: "this path is too long",
    errno.ENXIO: "not a regular file",
    errno.EISDIR: "is a directory",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory. `size` is in bytes, as lstat says it."""

    path: str
    """Relative to the root, with forward slashes."""
    kind: Kind
    size: int


class Tree:
    """The files beneath `root`.

    `owner` is the (uid, gid) that what is written shall have; without it a file keeps its own, a
    new one takes its directory's when we are root. Without `follow_links` no symbolic link on the
    way to a file is followed. `mount` is where the files lie in the container.
    """

    def __init__(
        self,
        root: Path,
        owner: tuple[int, int] | None = None,
        *,
        follow_links: bool = True,
        mount: str = MOUNT,
    ) -> None:
        self.root = root
        self.mount = mount
        self._owner = owner
        self._links = follow_links
        try:
            self._directory = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise WorkspaceError(f"cannot open {root}: {error.strerror}") from error
        weakref.finalize(self, os.close, self._directory)

    def normalise(self, path: str) -> str:
        """Make `path` relative to the root: strips `./` and the mount.

        Raises PathError for any other absolute path, for NUL, for text that cannot be a name
        and for a path that leads above the root.
        """
        if "\0" in path:
            raise PathError(f"{shown(path)}: a path cannot contain NUL")
        with _as_path_error(path):
            os.fsencode(path)
        clean = posixpath.normpath(path)
        clean = "." if clean == self.mount else clean.removeprefix(self.mount + "/")
        if clean.startswith("/") or clean == ".." or clean.startswith("../"):
            raise PathError(f"{shown(path)}: {_REASONS[errno.EXDEV]}; use a relative path")
        return clean

    def read(self, path: str, limit: int = 2_000_000) -> bytes:
        """The bytes of a regular file, at most `limit` of them.

        Raises PathError when it is missing, no regular file, outside, or larger than `limit`.
        """
        with self._opened(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) as file:
            found = os.fstat(file)
            _require_regular(path, found.st_mode)
            data = b"" if found.st_size > limit else _read_up_to(file, limit + 1)
            size = max(found.st_size, len(data))
        if size > limit:
            raise PathError(f"{shown(path)}: is {size:,} bytes, more than {limit:,} is not read")
        return data

    def read_link(self, path: str) -> str:
        """Where the symbolic link `path` points. Raises PathError when it is none."""
        with self._opened(path, os.O_PATH | os.O_NOFOLLOW) as link, _as_path_error(path):
            return os.readlink("", dir_fd=link)

    def write(
        self, path: str, data: bytes, *, executable: bool | None = None, over_link: bool = False
    ) -> None:
        """Write a regular file atomically (temporary file, fsync, rename); parents are made.

        The mode of a file that exists is kept; `executable` sets or clears its x bits. Refuses
        to replace anything but a regular file (or a symbolic link, with `over_link`) and to
        touch `.git` in any spelling. Raises PathError.
        """
        with self._parent(path) as (parent, name), _as_path_error(path):
            old = _lstat(parent, name)
            if old is not None and not (over_link and stat.S_ISLNK(old.st_mode)):
                _require_regular(path, old.st_mode)

            def create(temporary: str) -> None:
                self._create(parent, temporary, data, old, executable)

            _install(parent, name, create)

    def link(self, path: str, target: str) -> None:
        """Make `path` a symbolic link to `target`, replacing a regular file or a link.

        Parents are made. Raises PathError.
        """
        with self._parent(path) as (parent, name), _as_path_error(path):
            old = _lstat(parent, name)
            if old is not None and not stat.S_ISLNK(old.st_mode):
                _require_regular(path, old.st_mode)

            def create(temporary: str) -> None:
                os.symlink(target, temporary, dir_fd=parent)
                self._own(parent, temporary, old)

            _install(parent, name, create)

    def remove(self, path: str) -> None:
        """Remove a file or a symbolic link (not what it points to). Raises PathError."""
        with self._parent(path, make=False) as (parent, name), _as_path_error(path):
            os.unlink(name, dir_fd=parent)

    def remove_empty(self, path: str) -> None:
        """Remove the directory `path` and the ones above it, as long as they are empty."""
        while path not in ("", "."):
            try:
                with self._parent(path, make=False) as (parent, name):
                    os.rmdir(name, dir_fd=parent)
            except (OSError, PathError):
                return
            path = posixpath.dirname(path)

    def sync(self, path: str) -> None:
        """Make the names in the directory `path` durable. Raises PathError."""
        with self._opened(path, os.O_RDONLY | os.O_DIRECTORY) as directory:
            os.fsync(directory)

    def own(self, path: str) -> None:
        """Give `path` and the directories above it to the owner of this tree, if it has one."""
        while path not in ("", "."):
            with self._parent(path, make=False) as (parent, name), _as_path_error(path):
                self._own(parent, name, None)
            path = posixpath.dirname(path)

    def stat(self, path: str) -> os.stat_result | None:
        """lstat of `path`; None when there is nothing. Raises PathError when it is outside."""
        path = self.normalise(path)
        try:
            file = open_beneath(self._directory, path, os.O_PATH | os.O_NOFOLLOW, links=self._links)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise PathError(_line(path, error)) from error
        try:
            return os.fstat(file)
        finally:
            os.close(file)

    def exists(self, path: str) -> bool:
        """Whether there is anything at `path`, a dangling link included."""
        return self.stat(path) is not None

    def kind(self, path: str) -> Kind | None:
        """What lies at `path` itself (a link is a link); None when nothing does."""
        found = self.stat(path)
        return None if found is None else _kind(found.st_mode)

    def list(self, path: str = ".") -> list[Entry]:
        """The names in a directory, directories first, then by name. Raises PathError."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK
        with self._opened(path, flags) as directory:
            entries = list(_entries(directory, self.normalise(path)))
        return sorted(entries, key=lambda entry: (entry.kind != "directory", entry.path))

    def walk(self, path: str = ".", limit: int = 100_000) -> Iterator[Entry]:
        """Everything beneath a directory, at most `limit` entries, in the order of `list`.

        A directory comes before what it holds. Links are not followed; `.git` is left out, and
        so is what vanishes meanwhile.
        """
        pending = [iter(self.list(path))]
        while pending and limit > 0:
            entry = next(pending[-1], None)
            if entry is None:
                pending.pop()
                continue
            if posixpath.basename(entry.path) == ".git":
                continue
            limit -= 1
            yield entry
            if entry.kind == "directory":
                with suppress(PathError):
                    pending.append(iter(self.list(entry.path)))

    @contextmanager
    def _opened(self, path: str, flags: int) -> Generator[int, None, None]:
        clean = self.normalise(path)
        with _as_path_error(path):
            file = open_beneath(self._directory, clean, flags, links=self._links)
        try:
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _parent(self, path: str, *, make: bool = True) -> Generator[tuple[int, str], None, None]:
        clean = self.normalise(path)
        if clean == ".":
            raise PathError(f"{shown(path)}: is a directory")
        above, name = posixpath.split(clean)
        with _as_path_error(path):
            directory = self._make(above or ".") if make else self._open_directory(above or ".")
        try:
            _refuse_git(path, directory, name, self._directory)
            yield directory, name
        finally:
            os.close(directory)

    def _open_directory(self, path: str) -> int:
        return open_beneath(self._directory, path, os.O_RDONLY | os.O_DIRECTORY, links=self._links)

    def _make(self, path: str) -> int:
        try:
            return self._open_directory(path)
        except FileNotFoundError:
            if path == ".":
                raise
        above, name = posixpath.split(path)
        parent = self._make(above or ".")
        try:
            _refuse_git(path, parent, name, self._directory)
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
                self._own(parent, name, None)
        finally:
            os.close(parent)
        return self._open_directory(path)

    def _create(
        self,
        parent: int,
        name: str,
        data: bytes,
        old: os.stat_result | None,
        executable: bool | None,
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(name, flags, 0o666, dir_fd=parent)
        try:
            self._own(parent, name, old)
            mode = os.fstat(file).st_mode & 0o777
            if old is not None and stat.S_ISREG(old.st_mode):
                mode = old.st_mode & 0o777
            if executable is not None:
                mode = mode | ((mode & 0o444) >> 2) if executable else mode & ~0o111
            os.fchmod(file, mode)
            _write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)

    def _own(self, parent: int, name: str, old: os.stat_result | None) -> None:
        owner = self._owner
        if owner is None and os.geteuid() == 0:
            like = old or os.fstat(parent)
            owner = (like.st_uid, like.st_gid)
        if owner is not None:
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)


def is_git_name(name: str) -> bool:
    """Whether a file system could take `name` for `.git` (case, HFS+ and NTFS spellings)."""
    folded = "".join(c for c in name if unicodedata.category(c) != "Cf").casefold()
    folded = folded.split(":")[0].rstrip(". ")
    return folded in (".git", "git~1")


def is_temporary(name: str) -> bool:
    """Whether `name` is of a file that was being written and not yet renamed into place."""
    return _TEMPORARY.fullmatch(name) is not None


def shown(path: str) -> str:
    """`path` fit for one line of a message."""
    return path if path.isprintable() and path else repr(path)


def _refuse_git(path: str, parent: int, name: str, root: int) -> None:
    # A link may lead into .git, so the place that was really opened is looked at, not the text.
    place, top = (os.readlink(f"/proc/self/fd/{fd}") for fd in (parent, root))
    if any(map(is_git_name, (name, *posixpath.relpath(place, top).split("/")))):
        raise PathError(f"{shown(path)}: git's own files cannot be changed")


def _install(parent: int, name: str, create: Callable[[str], None]) -> None:
    temporary = f".qwright-{secrets.token_hex(8)}.tmp"
    try:
        create(temporary)
        failpoint("file-written")
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=parent)
        raise


def _entries(directory: int, path: str) -> Iterator[Entry]:
    with os.scandir(directory) as found:
        for item in found:
            with suppress(FileNotFoundError):
                state = item.stat(follow_symlinks=False)
                yield Entry(
                    posixpath.normpath(f"{path}/{item.name}"), _kind(state.st_mode), state.st_size
                )


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def _lstat(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return None


def _require_regular(path: str, mode: int) -> None:
    kind = _kind(mode)
    if kind == "directory":
        raise PathError(f"{shown(path)}: is a directory")
    if kind == "link":
        raise PathError(f"{shown(path)}: is a symbolic link; write to the file it points to")
    if kind == "other":
        raise PathError(f"{shown(path)}: not a regular file")


def _read_up_to(file: int, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0 and (part := os.read(file, min(limit, 1 << 20))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _line(path: str, error: OSError) -> str:
    reason = _REASONS.get(error.errno or 0) or os.strerror(error.errno or 0)
    return f"{shown(path)}: {reason}"


@contextmanager
def _as_path_error(path: str) -> Generator[None, None, None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise PathError(f"{shown(path)}: not a usable file name") from error
    except OSError as error:
        raise PathError(_line(path, error)) from error
