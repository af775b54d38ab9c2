"""run.json: what a run was, so that its numbers can be judged and had again."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from qwright.agent import __version__
from qwright.evals.instance import Instance
from qwright.evals.run.settings import Settings, Total, code_version
from qwright.sandbox.durable import read_json, write_json
from qwright.sandbox.errors import SandboxError, WorkspaceError

_PACKAGES = ("swebench", "openai", "ray")
FILE = "run.json"


class Dataset(BaseModel):
    """Where the instances came from, and what they were."""

    model_config = ConfigDict(frozen=True)
    reference: str
    sha256: str
    """Of all instances of the run, in order."""
    instances: int


class Record(BaseModel):
    """What run.json holds."""

    model_config = ConfigDict(frozen=True)
    id: str
    """Stays when the same command goes on; containers carry it as their label qwright.run."""
    agent: str
    model: str
    dataset: Dataset
    settings: Settings
    repeat: int
    workers: int
    engine: str
    total: Total
    code: str
    versions: dict[str, str]
    host: dict[str, JsonValue]
    started: str
    """ISO 8601, UTC: of the first call of the command."""
    finished: str | None = None
    ended: str = ""
    """How the last call ended, in one line."""


def dataset_of(reference: str, instances: Sequence[Instance]) -> Dataset:
    digests = "".join(one.digest() for one in instances)
    sha256 = hashlib.sha256(digests.encode()).hexdigest()
    return Dataset(reference=reference, sha256=sha256, instances=len(instances))


def run_id(out: Path) -> str:
    """That of the run that was begun in `out`, or a new one."""
    before = read_record(out)
    return before.id if before else f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def read_record(out: Path) -> Record | None:
    """None where there is no run, or one of another version."""
    try:
        return Record.model_validate(read_json(out / FILE))
    except (WorkspaceError, ValidationError):
        return None


def write_record(out: Path, record: Record) -> None:
    """Raises WorkspaceError."""
    write_json(out / FILE, record.model_dump(mode="json"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


async def versions() -> dict[str, str]:
    """Of everything that a result may depend on."""
    found = {"qwright": __version__, "code": code_version(), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, **await _engine_version()}


def host() -> dict[str, JsonValue]:
    """The machine of this process."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
    }


async def _engine_version() -> Mapping[str, str]:
    from qwright.sandbox.engine import connect, in_engine

    try:
        engine = await connect()
        info = await in_engine("Asking the engine's version", engine.api.info)
    except SandboxError:
        return {}
    return {"engine": info["ServerVersion"]}
