"""Unpack a tar file that nobody vouches for into a new folder."""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.tree import shown


def unpack(archive: IO[bytes], target: Path, *, root: str = "", any_link: bool = False) -> None:
    """Unpack what lies beneath `root` in a tar file (compressed or not) to the empty `target`.

    Directories, regular files and links only. Links are made last, so that nothing is ever written
    through one; those that lead outside `target` are refused unless `any_link`. Raises
    WorkspaceError.
    """
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=archive, mode="r:*") as tar:
            for path, member in _beneath(tar, root):
                other = _inside(member.linkname, root) if member.islnk() else None
                if member.issym():
                    links[path] = member.linkname
                elif other in links:
                    links[path] = links[other]
                else:
                    _place(tar, member, path, target, other)
        for path, pointed in links.items():
            _link(target, path, pointed, any_link)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise WorkspaceError(f"cannot unpack an archive: {error}") from error


def _beneath(tar: tarfile.TarFile, root: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
    for member in tar:
        path = _inside(member.name, root)
        if path is not None:
            yield path, member


def _inside(name: str, root: str) -> str | None:
    """The path relative to `root`; None outside of it. Raises WorkspaceError for `..`."""
    path = posixpath.normpath(name)
    if path.startswith("/") or path.split("/")[0] == ".." or "\0" in path:
        raise WorkspaceError(f"{shown(name)}: a path in an archive leads outside")
    if not root or path == root:
        return "." if path == root else path
    return path.removeprefix(root + "/") if path.startswith(root + "/") else None


def _place(
    tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, target: Path, other: str | None
) -> None:
    """Make a directory or a file, or a copy of `other`, the file that a hard link names."""
    place = target / path
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    if not (member.isreg() or member.islnk()):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        if other is None:
            raise WorkspaceError(f"{shown(path)}: a link in an archive leads outside")
        shutil.copy2(target / other, place, follow_symlinks=False)
        return
    place.unlink(missing_ok=True)  # the last one of a name counts
    source = tar.extractfile(member)
    assert source is not None
    mode = 0o755 if member.mode & 0o100 else 0o644
    opened = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(opened, "wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    os.chmod(place, mode)
    os.utime(place, (member.mtime, member.mtime))


def _link(target: Path, path: str, pointed: str, any_link: bool) -> None:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), pointed))
    if not any_link and (end.startswith("/") or end.split("/")[0] == ".."):
        raise WorkspaceError(f"{shown(path)}: a link in an archive leads outside")
    if any((target / above).is_symlink() for above in PurePosixPath(path).parents):
        raise WorkspaceError(f"{shown(path)}: a link in an archive lies behind another")
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    os.symlink(pointed, target / path)
