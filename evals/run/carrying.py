"""What goes to another machine and comes back: a job with its folders, a sample's files."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from qwright.evals.instance import DirectorySource, GitSource, Instance, RewardGrading
from qwright.evals.run.scratch import scratch
from qwright.evals.run.settings import Job
from qwright.sandbox.errors import WorkspaceError

_SOURCE, _TESTS, _BUILD = "source", "tests", "build"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job on its way to a machine that may not have this one's folders."""

    job: str
    """JSON."""
    files: bytes
    """Tar of what the instance names by path; empty where it names nothing."""


def pack_job(job: Job) -> Parcel:
    """Reads the folders and repositories of this machine that the instance names."""
    paths = _paths(job.instance)
    return Parcel(job.model_dump_json(), pack(paths) if paths else b"")


def unpack_job(parcel: Parcel, cache: Path) -> Job:
    """The job, its paths those of copies under `cache`, which are made once for equal content."""
    job = Job.model_validate_json(parcel.job)
    if not parcel.files:
        return job
    folder = cache / "carried" / hashlib.sha256(parcel.files).hexdigest()
    if not folder.exists():
        with scratch(folder.parent, "making-") as making:
            unpack(parcel.files, making / "files")
            _rename_if_first(making / "files", folder)
    return job.model_copy(update={"instance": _moved(job.instance, folder)})


def pack(paths: dict[str, Path]) -> bytes:
    """A tar of files and folders under these names; equal for equal content."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, path in sorted(paths.items()):
            archive.add(path, name, filter=_plain)
    return gzip.compress(held.getvalue(), compresslevel=1, mtime=0)


def unpack(files: bytes, folder: Path) -> None:
    """Into a folder. Nothing is written outside of it: raises WorkspaceError where it would be."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        line = " ".join(str(error).split())
        raise WorkspaceError(f"cannot unpack into {folder}: {line}") from error


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _paths(instance: Instance) -> dict[str, Path]:
    source, grading = instance.source, instance.grading
    paths: dict[str, Path] = {}
    if isinstance(source, DirectorySource):
        paths[_SOURCE] = source.path
    if isinstance(source, GitSource) and Path(source.url).exists():
        paths[_SOURCE] = Path(source.url)
    if isinstance(grading, RewardGrading):
        paths[_TESTS] = grading.tests
    if instance.build is not None:
        paths[_BUILD] = instance.build
    return paths


def _moved(instance: Instance, folder: Path) -> Instance:
    source, grading = instance.source, instance.grading
    if (folder / _SOURCE).exists():
        if isinstance(source, DirectorySource):
            source = source.model_copy(update={"path": folder / _SOURCE})
        if isinstance(source, GitSource):
            source = source.model_copy(update={"url": str(folder / _SOURCE)})
    if isinstance(grading, RewardGrading):
        grading = grading.model_copy(update={"tests": folder / _TESTS})
    build = folder / _BUILD if instance.build is not None else None
    return instance.model_copy(update={"source": source, "grading": grading, "build": build})


def _rename_if_first(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        shutil.rmtree(made)
