"""Files on their way into a container, as a tar file."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Put:
    """A file or folder for the container."""

    path: str
    """Absolute."""
    data: bytes | None = None
    """None: a folder."""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the host that is copied to `path`, with its links, times and execute bits."""

    source: Path
    path: str
    owner: tuple[int, int] = (0, 0)


def pack(parts: Sequence[Put | Folder], archive: IO[bytes]) -> None:
    """Write a tar file of all parts. Blocks."""
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for part in parts:
            if isinstance(part, Folder):
                _add_folder(tar, part)
                continue
            member = _member(part.path, part.mode, part.owner)
            if part.data is None:
                member.type = tarfile.DIRTYPE
            member.size = len(part.data or b"")
            tar.addfile(member, io.BytesIO(part.data or b""))
    archive.seek(0)


def _add_folder(tar: tarfile.TarFile, folder: Folder) -> None:
    for above, folders, names in os.walk(folder.source):
        inside = Path(above).relative_to(folder.source)
        for name in ("", *sorted([*folders, *names])):
            if name or inside == Path():
                _add(tar, Path(above, name), f"{folder.path}/{inside / name}", folder.owner)


def _add(tar: tarfile.TarFile, source: Path, path: str, owner: tuple[int, int]) -> None:
    found = source.lstat()
    # The test bed in the cache is read-only; the copy is not.
    member = _member(path, stat.S_IMODE(found.st_mode) | stat.S_IWUSR | stat.S_IRUSR, owner)
    member.mtime = found.st_mtime
    if stat.S_ISDIR(found.st_mode):
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type = tarfile.SYMTYPE
        member.linkname = os.readlink(source)
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        member.size = found.st_size
        with source.open("rb") as file:
            tar.addfile(member, file)


def _member(path: str, mode: int, owner: tuple[int, int]) -> tarfile.TarInfo:
    member = tarfile.TarInfo(os.path.normpath(path).lstrip("/"))
    member.mode = mode
    member.uid, member.gid = owner
    return member


def direct_files(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Name and content of what is directly in the folder that was packed; b"" for no file."""
    for member in tar:
        parts = Path(member.name).parts
        if len(parts) == 2:
            file = tar.extractfile(member) if member.isfile() else None
            yield parts[1], file.read() if file else b""
