"""Where the user's own pip looks for packages. pip is asked; nothing is installed or built."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

_LINE = re.compile(r"([\w:.-]+?)\.([\w-]+)=(.*)")
_LATER = ("global", "install", "download", ":env:")
"""Sections in the order in which pip lets them override each other."""
_DEFAULT = re.compile(r"--index-url <url>[^()]*\(default\s+(\S+?)\)")
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What decides where a source distribution comes from."""

    indexes: tuple[str, ...] = ()
    """Simple indexes, as addresses: https: or file:."""
    find_links: tuple[str, ...] = ()
    """Folders with archives."""
    certificates: str | None = None
    """A file of authorities in place of the system's."""
    proxy: str | None = None


@cache
def pip_settings() -> PipSettings:
    """pip's configuration of this user and environment; of its variables where there is no pip."""
    return settings_from(_asked("config", "list") or said_by(os.environ), default_index)


def default_index() -> str:
    """The index that pip's own help names as its default; "" where there is no pip."""
    found = _DEFAULT.search(_asked("help", "download"))
    return found[1] if found else ""


def settings_from(lines: str, default: Callable[[], str]) -> PipSettings:
    """From what `pip config list` prints; `default` is asked where that names no index."""
    found: dict[str, dict[str, str]] = {section: {} for section in _LATER}
    for line in lines.splitlines():
        parts = _LINE.fullmatch(line.strip())
        if parts and parts[1] in found:
            found[parts[1]][parts[2].replace("_", "-")] = _value(parts[3])
    merged = {name: text for section in _LATER for name, text in found[section].items()}
    indexes = [merged.get("index-url") or default(), *merged.get("extra-index-url", "").split()]
    if merged.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        indexes = []
    return PipSettings(
        indexes=tuple(dict.fromkeys(filter(None, indexes))),
        find_links=tuple(merged.get("find-links", "").split()),
        certificates=merged.get("cert") or None,
        proxy=merged.get("proxy") or None,
    )


def _asked(*words: str) -> str:
    """What pip prints; "" where there is none."""
    command = _pip_command()
    if command is None:
        return ""
    try:
        done = subprocess.run(
            [*command, *words],
            env={**os.environ, "COLUMNS": "200"},  # no address is cut in two
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _pip_command() -> list[str] | None:
    # A virtual environment made by uv has no pip of its own. -P: not one of the current folder.
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    return [found] if found else None


def said_by(environment: Mapping[str, str]) -> str:
    """The same lines, of pip's variables alone."""
    return "\n".join(
        f":env:.{name.removeprefix('PIP_').lower()}={text!r}"
        for name, text in environment.items()
        if name.startswith("PIP_")
    )


def _value(text: str) -> str:
    try:
        found: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return str(found)
