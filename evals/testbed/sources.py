"""The files of an instance, from wherever its source says, as a repository of one commit."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from qwright.evals.instance import (
    DirectorySource,
    FilesSource,
    GitSource,
    ImageSource,
    SdistSource,
    Source,
    files_of,
    folder_digest,
)
from qwright.evals.testbed import history
from qwright.evals.testbed.address import public
from qwright.evals.testbed.sdist import fetch_sdist
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.image_files import copy_out
from qwright.sandbox.seed import copy_files
from qwright.sandbox.tree import Tree
from qwright.sandbox.unpack import unpack
from qwright.sandbox.workspace import to_the_end

Progress = Callable[[str], None]


async def make_bed(
    source: Source, image: str, directory: Path, cache: Path, progress: Progress
) -> None:
    """Fill the empty `directory`. Raises WorkspaceError or SandboxError."""
    if isinstance(source, ImageSource):
        await _from_image(source, image, directory)
        return
    await to_the_end(_make, source, directory, cache, progress)


def source_digest(source: Source, image_id: str) -> str:
    """32 hexadecimal digits of all that decides what the bed holds; reads a folder's files."""
    content = hashlib.sha256(source.model_dump_json(exclude={"path"}).encode())
    if isinstance(source, DirectorySource):
        _require_folder(source.path)
        content.update(folder_digest(source.path))
    if isinstance(source, ImageSource):
        content.update(f"{image_id} {source.path}".encode())
    return content.hexdigest()[:32]


def _make(source: Source, directory: Path, cache: Path, progress: Progress) -> None:
    match source:
        case FilesSource():
            _write_files(source, directory)
            history.commit_everything(directory)
        case DirectorySource():
            for _ in copy_files(source.path, directory, files_of(source.path), None):
                pass
            history.commit_everything(directory)
        case SdistSource():
            _unpack_sdist(source, directory, cache, progress)
        case GitSource():
            progress(f"Fetching {source.commit[:12]} of {public(source.url)}")
            history.fetch_commit(source.url, source.commit, directory)
        case ImageSource():
            raise AssertionError("an image's files are copied by make_bed")


def _write_files(source: FilesSource, directory: Path) -> None:
    tree = Tree(directory, follow_links=False)
    for path, text in source.files.items():
        data = text.encode(errors="surrogateescape")
        tree.write(path, data, executable=path in source.executable)


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise WorkspaceError(f"{folder}: no such directory")


def _unpack_sdist(source: SdistSource, directory: Path, cache: Path, progress: Progress) -> None:
    archive = fetch_sdist(source, cache / "sdists", progress)
    with archive.open("rb") as file:
        unpack(file, directory, root=source.root)
    if not any(directory.iterdir()):
        raise WorkspaceError(f"{archive.name} has no folder {source.root}: check the row's root")
    commit = history.commit_everything(directory)
    tree = history.tree_of(directory, commit)
    if source.tree is not None and tree != source.tree:
        raise WorkspaceError(
            f"the files of {source.name} {source.version} are not those the row was made for: "
            f"their git tree is {tree}, not {source.tree}"
        )


async def _from_image(source: ImageSource, image: str, directory: Path) -> None:
    with tempfile.TemporaryFile(dir=directory.parent) as archive:
        await copy_out(image, source.path, archive)
        root = Path(source.path).name
        await to_the_end(unpack, archive, directory, root=root, any_link=True)
    await to_the_end(_adopt, directory)


def _adopt(directory: Path) -> None:
    old = directory.with_name(directory.name + ".git")
    found = directory / ".git"
    if found.is_symlink() or not (found / "objects").is_dir():
        history.commit_everything(directory)
        return
    try:
        found.rename(old)
        history.adopt_commit(old, directory)
    finally:
        shutil.rmtree(old, ignore_errors=True)
