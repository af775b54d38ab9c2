"""What `qwright doctor` says about the sandbox: looked at from inside, not read from settings."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from qwright.sandbox.container import DockerSandbox
from qwright.sandbox.engine import Engine, connect, one_line
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.hardening import MIB, Limits
from qwright.sandbox.image import default_image, image_info

REFUSALS = ("EPERM", "EACCES", "ENOSYS")
_LIMITS_REMEDY = (
    "The engine does not enforce it: a rootless engine needs cgroup v2 and systemd delegation; "
    "or use the system's Docker."
)
_CLOSED_REMEDY = "Do not run untrusted code with this engine; update it, or use another."


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor. `remedy` says what to do, and is empty when all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class Findings(BaseModel):
    """What `probe_inside` printed."""

    status: dict[str, str]
    limits: dict[str, str]
    interfaces: list[str]
    root_write: str = Field(alias="write to /")
    errors: dict[str, str]
    """Name of the error by operation that must be refused; empty when it succeeded."""


async def probe(image: str | None = None) -> list[Check]:
    """Check the engine, the image (the default one for None) and what is in force inside."""
    try:
        engine = await connect()
    except SandboxError as error:
        return [Check("container engine", False, "not usable", str(error))]
    found = [_engine_check(engine)]
    reference = image or default_image()
    info = await image_info(engine, reference)
    if info is None:
        return [*found, _missing_image(reference)]
    found.append(Check("sandbox image", True, f"{reference}, {info['Size'] // 10**6} MB"))
    limits = Limits(cpus=1.0)
    try:
        inside = await look_inside(reference, limits)
    except SandboxError as error:
        return [*found, Check("sandbox", False, "does not start", str(error))]
    return [*found, *_closed_checks(inside), *_limit_checks(inside, limits)]


async def look_inside(image: str, limits: Limits) -> Findings:
    """Start a sandbox and let `probe_inside` look around. Raises SandboxError."""
    script = files("qwright.sandbox").joinpath("probe_inside.py").read_text()
    with tempfile.TemporaryDirectory(prefix="qwright-probe-") as folder:
        sandbox = await DockerSandbox.start(image, Path(folder), session="probe", limits=limits)
        try:
            result = await sandbox.run(f"python3 -c {shlex.quote(script)}", timeout=30)
        finally:
            await sandbox.close()
    try:
        return Findings.model_validate_json(result.output)
    except ValidationError as error:
        words = one_line(result.output or f"exit {result.exit_code}")
        raise SandboxError(f"The probe cannot run in {image} (python3 needed): {words}") from error


def _engine_check(engine: Engine) -> Check:
    info = engine.info
    kind = "rootless" if engine.rootless else "as root"
    version = f"{info['ServerVersion']} (API {engine.api.api_version}, {kind}"
    detail = f"{version}, cgroup v{info.get('CgroupVersion', '1')}) at {engine.address}"
    return Check("container engine", True, detail)


def _missing_image(reference: str) -> Check:
    remedy = "Run `qwright sandbox build`; a first task does it too."
    return Check("sandbox image", False, f"{reference} is not there", remedy)


def _closed_checks(inside: Findings) -> list[Check]:
    allowed = [name for name, error in inside.errors.items() if error not in REFUSALS]
    capabilities = inside.status.get("CapEff", "?")
    network = ", ".join(inside.interfaces)
    refused = f"refused: {', '.join(inside.errors)}"
    return [
        _closed("capabilities", capabilities.strip("0") == "", f"effective set {capabilities}"),
        _closed("no new privileges", inside.status.get("NoNewPrivs") == "1", "set"),
        _closed("system call filter", inside.status.get("Seccomp") == "2", "in force"),
        _closed(
            "denied operations", not allowed, f"let through: {allowed}" if allowed else refused
        ),
        _closed("read-only root", inside.root_write == "EROFS", "writing to / fails"),
        _closed("no network", inside.interfaces == ["lo"], f"interfaces: {network}"),
    ]


def _closed(name: str, ok: bool, detail: str) -> Check:
    return Check(
        name, ok, detail if ok else f"NOT in force ({detail})", "" if ok else _CLOSED_REMEDY
    )


def _limit_checks(inside: Findings, limits: Limits) -> list[Check]:
    memory = inside.limits["memory"]
    return [
        _limit("memory limit", memory == str(limits.memory), f"{limits.memory // MIB} MiB", memory),
        _limit(
            "process limit",
            inside.limits["pids"] == str(limits.pids),
            str(limits.pids),
            inside.limits["pids"],
        ),
        _limit(
            "cpu limit",
            inside.limits["cpu"].split(" ")[0] == "100000",
            "1 cpu in the probe",
            inside.limits["cpu"],
        ),
    ]


def _limit(name: str, ok: bool, wanted: str, found: str) -> Check:
    if ok:
        return Check(name, True, wanted)
    return Check(name, False, f"wanted {wanted}, found {found or 'none'}", _LIMITS_REMEDY)
