"""Which qwright process a container belongs to, written on its labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SESSION = "qwright.session"
RUN = "qwright.run"
"""The eval run that a container belongs to; no such label on any other."""
PID = "qwright.pid"
BOOT = "qwright.boot"
NAMESPACE = "qwright.pid-namespace"
STARTED = "qwright.started"
"""Start time of the process in clock ticks since boot, so that a reused pid is not mistaken."""


def labels(session: str, run: str = "") -> dict[str, str]:
    """The labels of a container of this process; `run` is the id of the eval run, if any."""
    pid = os.getpid()
    return ({RUN: run} if run else {}) | {
        SESSION: session,
        PID: str(pid),
        BOOT: _boot(),
        NAMESPACE: _namespace(),
        STARTED: _start_time(pid),
    }


def is_dead(found: Mapping[str, str]) -> bool:
    """Whether the process named by these labels is surely gone."""
    pid = found.get(PID, "")
    if not pid.isdigit():
        return False
    if found.get(BOOT) != _boot():
        return True
    # A process of another pid namespace cannot be seen from here.
    if found.get(NAMESPACE) != _namespace():
        return False
    return _start_time(int(pid)) != found.get(STARTED)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The command's name stands in parentheses and may contain anything.
    return stat.rpartition(")")[2].split()[19]
