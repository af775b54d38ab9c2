"""Finding, starting and stopping the embedded servers: one per model for all the user's processes.

The way to a server that runs is a file and one request on loopback, without any library.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from qwright.agent import __version__
from qwright.agent.embedded.catalogue import Entry
from qwright.agent.embedded.errors import ServerError
from qwright.agent.embedded.fetch import Progress, import_root, last_line
from qwright.agent.embedded.loopback import ask
from qwright.agent.embedded.record import (
    forget,
    log_path,
    prefixes_dir,
    read_key,
    read_record,
    record_path,
    servers_dir,
)
from qwright.agent.embedded.settings import Settings, settings_for
from qwright.agent.embedded.weights import path_of, pull_cancellable
from qwright.agent.errors import ConfigError
from qwright.agent.language import say
from qwright.sandbox.locks import FileLock

CHECK_SECONDS = 3.0
"""A server that does not answer a check within this is taken for dead."""
START_SECONDS = 600.0
STOP_SECONDS = 5.0
_MODULE = "qwright.agent.embedded.serve"
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that answers. `base_url` ends in /v1; `context` is in tokens."""

    base_url: str
    key: str = field(repr=False)
    model: str
    pid: int
    log: Path
    context: int
    settings: str = ""
    """What makes two servers of one model differ, and the version of the engine."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server as `models ps` shows it."""

    name: str
    pid: int
    base_url: str
    context: int
    started: float
    """Seconds since the epoch."""
    memory: int
    """Resident bytes."""
    log: Path


@dataclass(frozen=True, slots=True)
class _Spec:
    """What is to be served."""

    name: str
    model: Path
    context: int
    template: Path | None
    idle: float | None
    engine: Settings

    @property
    def record(self) -> Path:
        return record_path(self.name)

    def settings(self) -> str:
        """Servers of another qwright, file or template are not used again."""
        template = self.template.read_text("utf-8") if self.template else ""
        text = "\0".join([__version__, str(self.model), fingerprint(self.model), template])
        text += self.engine.model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(model: Path) -> str:
    """What tells a file from another one under its name."""
    try:
        stat = model.stat()
    except OSError:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns}"


async def ensure_server(
    model: Entry | Path,
    *,
    progress: Progress,
    context: int | None = None,
    idle: float | None = None,
) -> Endpoint:
    """The server of this model, started (and its weights pulled) when there is none.

    `context` is in tokens, `idle` in seconds; both count only for a server started here.
    `progress` hears (bytes done, bytes in all, label), (0, 0, label) while the model loads.
    Raises WeightsError, and ServerError with the log file when the server does not start.
    """
    spec = _spec(model, context, idle)
    if endpoint := await _find(spec):
        return endpoint
    if isinstance(model, Entry):
        await pull_cancellable(model, progress)
    else:
        _check_file(model)
    with FileLock(spec.record.with_suffix(".lock")) as lock:
        while not lock.try_acquire():
            progress(0, 0, say("engine.other_starts", name=spec.name))
            await asyncio.sleep(_PAUSE)
        if endpoint := await _find(spec):
            return endpoint
        await _supersede(spec.record)
        return await _start(spec, progress)


@asynccontextmanager
async def private_server(
    model: Entry | Path, engine: Settings, *, context: int = 4_096
) -> AsyncGenerator[Endpoint]:
    """A server with these settings that nobody else uses and that ends with the block.

    The weights must be here. Raises ServerError.
    """
    usual = _spec(model, context, None)
    spec = replace(usual, name=f"{usual.name}-{secrets.token_hex(4)}", engine=engine)
    try:
        yield await _start(spec, lambda done, total, label: None)
    finally:
        await _clear(spec.record)
        log_path(spec.record).unlink(missing_ok=True)
        shutil.rmtree(prefixes_dir(spec.name), ignore_errors=True)


async def answers(server: Endpoint) -> bool:
    """Whether this very server is still there."""
    return await _accepts(server.base_url.removesuffix("/v1"), server.key)


async def running() -> list[Running]:
    """The servers that answer; records of dead ones are removed on the way."""
    found: list[Running] = []
    for path in sorted(servers_dir().glob("*.json")):
        record = read_record(path)
        if record is None:
            continue
        if await _accepts(record.base_url, read_key(path)):
            memory = _resident_bytes(record.pid)
            found.append(
                Running(
                    record.name,
                    record.pid,
                    record.base_url,
                    record.context,
                    record.started,
                    memory,
                    log_path(path),
                )
            )
        elif not _is_server(record.pid, path):
            forget(path, record.pid)
    return found


async def stop(name: str | None = None) -> list[str]:
    """End the server with this name, or all of them; the names of those that ran.

    Raises ConfigError when `name` does not run.
    """
    paths = sorted(servers_dir().glob("*.json")) if name is None else [record_path(name)]
    stopped: list[str] = []
    for path in paths:
        record = read_record(path)
        if record is not None and await _clear(path):
            stopped.append(record.name)
    if name is not None and not stopped:
        raise ConfigError(f"no server of {name} is running (see `qwright models ps`)")
    return stopped


def _spec(model: Entry | Path, context: int | None, idle: float | None) -> _Spec:
    if isinstance(model, Entry):
        name, path = model.name, path_of(model)
        context, template = context or model.served_context, _template(model.template)
    else:
        path = model.absolute()
        stem = re.sub(r"[^\w.-]", "-", path.stem).lower()
        name = f"{stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:6]}"
        template = _template("qwen2.5" if stem.startswith("qwen2.5") else None)
    engine = settings_for(name, fingerprint(path))
    return _Spec(name, path, context or 16_384, template, idle, engine)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(f"{path} does not exist; give a GGUF file or a name of `models list`")


def _template(name: str | None) -> Path | None:
    # The templates inside the official Qwen2.5-Coder files show tool calls with doubled braces.
    if name is None:
        return None
    return Path(str(resources.files("qwright.agent.embedded").joinpath(f"{name}.jinja")))


async def _find(spec: _Spec) -> Endpoint | None:
    record = read_record(spec.record)
    if record is None or record.settings != spec.settings():
        return None
    key = read_key(spec.record)
    if key is None or not await _accepts(record.base_url, key):
        return None
    with suppress(OSError):
        os.utime(spec.record)  # Tells the server that somebody is about to use it.
    base_url = f"{record.base_url}/v1"
    log, settings = log_path(spec.record), f"{record.settings} {record.engine}"
    return Endpoint(base_url, key, spec.name, record.pid, log, record.context, settings)


async def _accepts(root: str, key: str | None) -> bool:
    """Whether the server that was given this key is the one that listens there.

    A process id or a port may have gone to somebody else since; the key cannot.
    """
    if key is None:
        return False
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return (await ask(root, "/props", key))[0] == 200
    except (OSError, ValueError, TimeoutError):
        return False


async def _start(spec: _Spec, progress: Progress) -> Endpoint:
    log = log_path(spec.record)
    pid = _spawn(spec, log)
    label = say("engine.loading", name=spec.name)
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline:
            progress(0, 0, label)
            if _reap(pid):
                raise ServerError(_why_not(spec, log))
            record = read_record(spec.record)
            if record and record.pid == pid and (endpoint := await _find(spec)):
                return endpoint
            await asyncio.sleep(_PAUSE)
        raise ServerError(f"{spec.name} did not load in {START_SECONDS:.0f} s; see {log}")
    except BaseException:
        # Nobody waits for it any more, be it Ctrl-C or the deadline.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await _gone(pid, STOP_SECONDS)
        forget(spec.record, pid)
        raise


def _spawn(spec: _Spec, log: Path) -> int:
    argv = [sys.executable, "-P", "-m", _MODULE]
    argv += ["--record", str(spec.record), "--model", str(spec.model), "--name", spec.name]
    argv += ["--context", str(spec.context), "--settings", spec.settings()]
    argv += ["--slots", str(prefixes_dir(spec.name)), "--engine", spec.engine.model_dump_json()]
    if spec.template:
        argv += ["--template", str(spec.template)]
    if spec.idle is not None:
        argv += ["--idle", str(spec.idle)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    # posix_spawn rather than Popen: the child outlives this process and is nobody's to wait for.
    return os.posix_spawn(
        sys.executable,
        argv,
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _environment() -> dict[str, str]:
    # The engine's threads wait for each other after every operation, by default spinning until the
    # core is taken from them: beside two busy processes that is 20 times slower on two cores. A
    # short spin, then sleep, costs an idle machine nothing that can be measured.
    return {"GOMP_SPINCOUNT": "2000", **os.environ, "PYTHONPATH": import_root()}


def _why_not(spec: _Spec, log: Path) -> str:
    try:
        reason = last_line(log.read_text("utf-8", "replace"))
    except OSError:
        reason = ""
    return f"the server of {spec.name} did not start: {reason or 'it was killed'} (log: {log})"


async def _supersede(path: Path) -> None:
    """Make room for a new server of this name."""
    record = read_record(path)
    if record is None:
        return
    alive = await _accepts(record.base_url, read_key(path))
    if not alive and _is_server(record.pid, path):
        with suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGKILL)
        await _gone(record.pid, STOP_SECONDS)
    # One that answers may be in the middle of another process's request. Without its record it
    # finishes that, and leaves.
    forget(path, record.pid)


async def _clear(path: Path) -> bool:
    """End whatever server the record names, and forget it; whether one ran."""
    record = read_record(path)
    if record is None:
        return False
    ran = await _accepts(record.base_url, read_key(path)) or _is_server(record.pid, path)
    if ran:
        await _end(record.pid)
    forget(path, record.pid)
    return ran


async def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if await _gone(pid, STOP_SECONDS):
            return


async def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _ended(pid):
            return True
        await asyncio.sleep(_PAUSE / 2)
    return False


def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return _reap(pid)


def _reap(pid: int) -> bool:
    """Whether our own child has ended; False also for processes that are not our children."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _is_server(pid: int, record: Path) -> bool:
    """Whether this process is a server started for this record, even one that does not answer."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return _MODULE.encode() in argv and os.fsencode(record) in argv


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
