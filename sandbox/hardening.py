"""The flags, mounts and environment of a hardened container."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from qwright.sandbox.base import MOUNT
from qwright.sandbox.engine import default_sockets, engine_address
from qwright.sandbox.errors import SandboxError

Network = Literal["none", "full"]

HOME = "/tmp/home"
HOSTNAME = "qwright"
CA_FILE = "/opt/qwright/ca-certificates.crt"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GIB = 1024**3
MIB = 1024**2
LARGEST_FILE = 8 * GIB
"""A bind mount has no quota, so at least one file cannot fill the disk."""
SETUP_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""What package managers need. The engine's default gives raw sockets and device nodes as well."""

_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)
_CA_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_TOOLS = {
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # What a command printed before its timeout must not sit in a buffer that dies with it.
    "PYTHONUNBUFFERED": "1",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "DEBIAN_FRONTEND": "noninteractive",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    "NPM_CONFIG_FUND": "false",
    # The leak checker of gcc and clang traces its own process, which the profile denies.
    "ASAN_OPTIONS": "detect_leaks=0",
}
_GIT = {
    # On a remapped mount the checkout can seem to be somebody else's.
    "safe.directory": "*",
    "user.name": "qwright",
    "user.email": "qwright@localhost",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use. `memory` is in bytes, `cpus` None means all of them."""

    memory: int = field(default_factory=lambda: default_memory())
    pids: int = 512
    cpus: float | None = None


def default_memory() -> int:
    """A quarter of this machine's memory, between 1 and 4 GiB, in bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(total // 4, GIB), 4 * GIB)


def host_options(limits: Limits, network: Network, owner: tuple[int, int]) -> dict[str, object]:
    """The options of `create_host_config` that close the container; `owner` is (uid, gid)."""
    from docker.types import LogConfig, Ulimit

    uid, gid = owner
    room = f"size={limits.memory // 2}"
    return {
        "cap_drop": ["ALL"],
        "security_opt": security_options(),
        "read_only": True,
        "tmpfs": {
            "/tmp": f"rw,exec,nosuid,nodev,mode=1777,{room}",
            HOME: f"rw,exec,nosuid,nodev,mode=0700,uid={uid},gid={gid},{room}",
        },
        "network_mode": "none" if network == "none" else "bridge",
        "extra_hosts": {HOSTNAME: "127.0.0.1"},
        "ipc_mode": "private",
        "shm_size": 64 * MIB,
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "pids_limit": limits.pids,
        "nano_cpus": int(limits.cpus * 1e9) if limits.cpus else None,
        "oom_score_adj": 500,
        # PID 1 outlives a kill of everything; as root the init's only child would not.
        "init": uid != 0,
        "log_config": LogConfig(type="none"),
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            # Not above what the engine itself may open, which it cannot raise.
            Ulimit(name="nofile", soft=4096, hard=4096),
            Ulimit(name="fsize", soft=LARGEST_FILE, hard=LARGEST_FILE),
        ],
    }


def setup_options(limits: Limits) -> dict[str, object]:
    """The options of a set-up container: root may write its file system and use the network."""
    from docker.types import LogConfig

    return {
        "cap_drop": ["ALL"],
        "cap_add": list(SETUP_CAPABILITIES),
        "security_opt": security_options(),
        "network_mode": "bridge",
        "ipc_mode": "private",
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "pids_limit": limits.pids,
        "init": True,
        "log_config": LogConfig(type="none"),
    }


def security_options() -> list[str]:
    return ["no-new-privileges:true", f"seccomp={seccomp_profile()}"]


@functools.cache
def seccomp_profile() -> str:
    """The profile as JSON text: the engine takes the text, not a path."""
    return files("qwright.sandbox").joinpath("seccomp.json").read_text()


def holder(uid: int) -> list[str]:
    """What keeps the container alive while commands run in it.

    As root, `kill -9 -1` reaches everything but PID 1, so PID 1 itself must be the holder and
    must collect what is orphaned.
    """
    if uid != 0:
        return ["sleep", "infinity"]
    return ["bash", "-c", "trap : CHLD; while :; do sleep 3600 & wait; done"]


def environment(
    network: Network,
    image_environment: list[str],
    ca_bundle: bool,
    own: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables commands see: the image's own PATH, ours, and none of the host's.

    `own` comes last; `$PATH` in its values stands for the PATH there would be without it.
    """
    image = [line.removeprefix("PATH=") for line in image_environment if line.startswith("PATH=")]
    path = image[-1] if image else DEFAULT_PATH
    found = {"HOME": HOME, "PATH": f"{path}:{HOME}/.local/bin", **_TOOLS, **_git_variables()}
    if ca_bundle:
        found |= dict.fromkeys(_CA_VARIABLES, CA_FILE)
    if network == "full":
        found |= proxies(os.environ)
    given = (own or {}).items()
    return found | {name: text.replace("$PATH", found["PATH"]) for name, text in given}


def _git_variables() -> dict[str, str]:
    found = {"GIT_CONFIG_COUNT": str(len(_GIT))}
    for number, (key, value) in enumerate(_GIT.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def setup_environment(ca_bundle: bool) -> dict[str, str]:
    """The variables of set-up commands, which run as root with the network on."""
    found = environment("full", [], ca_bundle)
    del found["PATH"]
    # Not byte-compiling would make every later start of what is installed here slow.
    del found["PYTHONDONTWRITEBYTECODE"]
    return found | {"HOME": "/root", "PIP_NO_CACHE_DIR": "1"}


def proxies(host: Mapping[str, str]) -> dict[str, str]:
    """The host's proxy variables in both cases, without any user name or password."""
    found: dict[str, str] = {}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        value = host.get(name) or host.get(name.lower())
        if not value:
            continue
        clean = value if name == "NO_PROXY" else _without_userinfo(value)
        found |= {name: clean, name.lower(): clean}
    return found


def _without_userinfo(address: str) -> str:
    if "://" not in address:
        return address.rpartition("@")[2]
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def host_ca_bundle() -> Path | None:
    """The host's file of certificate authorities, when it has one that everyone may read."""
    for place in (os.environ.get("SSL_CERT_FILE"), *_CA_PLACES):
        if not place:
            continue
        path = Path(place).resolve()
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and mode & stat.S_IROTH:
            return path
    return None


def bind(source: Path, target: str, *, read_only: bool) -> object:
    """A bind mount of the host's `source`, which must exist, at `target`."""
    from docker.types import Mount

    return Mount(target, str(source), type="bind", read_only=read_only)


def volume(target: str) -> object:
    """An anonymous volume at `target`, removed with its container."""
    from docker.types import Mount

    return Mount(target, "", type="volume")


def require_mountable(checkout: Path) -> Path:
    """The checkout's real path. Raises SandboxError when mounting it would expose the host."""
    real = checkout.resolve()
    if not real.is_dir():
        raise SandboxError(f"{checkout} is not a directory; nothing to mount at {MOUNT}.")
    system = [Path(name) for name in ("/proc", "/sys", "/dev")]
    if any(real.is_relative_to(path) for path in system):
        raise SandboxError(f"{checkout} is part of the system and is never mounted in a sandbox.")
    for path in [Path.home().resolve(), *system, *_engine_sockets()]:
        if path.is_relative_to(real):
            raise SandboxError(
                f"{checkout} contains {path} and is never mounted in a sandbox; "
                "work in a directory of its own."
            )
    return real


def _engine_sockets() -> list[Path]:
    address = engine_address()
    named = [Path(address.removeprefix("unix://"))] if address.startswith("unix://") else []
    return [path.resolve() for path in (*default_sockets(), *named)]
