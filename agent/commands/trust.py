"""`qwright trust`: allow a project's configuration as it is now."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from qwright.agent import config
from qwright.agent.language import say
from qwright.tools.sanitise import sanitise


async def run(args: Namespace) -> int:
    """Show what is allowed from now on, and remember it."""
    directory = Path(args.directory)
    text = config.trust(directory)
    file = config.project_root(directory) / config.PROJECT_FILE
    print(say("cli.trusted", file=file) + "\n")
    print(sanitise(text).rstrip())
    return 0
