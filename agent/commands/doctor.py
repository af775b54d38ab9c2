"""`qwright doctor`: what works, what does not, and how to mend it."""

from __future__ import annotations

import os
import platform
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from qwright.agent.exits import Exit
from qwright.agent.language import say
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.probe import Check, probe
from qwright.sandbox.tree import Tree

_SHOWN = 8
"""Models of other servers, on one line."""


async def run(args: Namespace) -> int:
    """Print a line a check. Exits 0 when all is well, else as a sandbox failure."""
    found = await checks(Path.cwd())
    console = Console(highlight=False)
    for check in found:
        mark, style = ("✓", "green") if check.ok else ("✗", "red")
        line = Text(f"{mark} ", style=style)
        line.append(say("doctor.line", name=check.name, detail=check.detail), style="")
        console.print(line, soft_wrap=True)
        if check.remedy:
            console.print(Text(f"  → {check.remedy}", style="yellow"), soft_wrap=True)
    return Exit.DONE if all(check.ok for check in found) else Exit.SANDBOX


async def checks(directory: Path) -> list[Check]:
    """Everything that is checked, for the configuration that holds in `directory`."""
    found = [_python(), _openat2(), *await probe(), *await _model(directory)]
    return [replace(one, name=_shown(one.name)) for one in found]


def _shown(name: str) -> str:
    """The name of a check in the user's language; what it found stays as it was found."""
    return say(f"doctor.{name.lower().replace(' ', '_').replace('-', '_')}")


def _python() -> Check:
    good = sys.version_info >= (3, 11)
    return Check("Python", good, platform.python_version(), "" if good else say("doctor.newer"))


def _openat2() -> Check:
    try:
        Tree(state_dir()).list()
    except WorkspaceError as error:
        return Check("openat2", False, f"kernel {platform.release()}", str(error))
    return Check("openat2", True, f"kernel {platform.release()}")


async def _model(directory: Path) -> list[Check]:
    from qwright.agent.choice import choose
    from qwright.agent.config import load
    from qwright.agent.discover import discover
    from qwright.agent.embedded.catalogue import DEFAULT_MODEL
    from qwright.agent.embedded.server import running
    from qwright.agent.embedded.weights import installed

    settings, _ = load(directory)
    chosen = choose(*settings.asked(None, None), settings.profile)
    if chosen.endpoint:
        return [Check("model", True, f"{chosen.name} at {chosen.endpoint.shown_url}")]
    names = [found.entry.name for found in installed()]
    pull = "" if names else say("doctor.pull", name=DEFAULT_MODEL)
    servers = [server.name for server in await running()]
    others = [one.label for one in await discover(os.environ) if one.kind != "embedded"]
    return [
        Check("weights", bool(names), ", ".join(names) or say("doctor.none_here"), pull),
        Check("embedded server", True, ", ".join(servers) or say("doctor.starts_when_needed")),
        Check("other models", True, ", ".join(others[:_SHOWN]) or say("doctor.none_found")),
    ]
