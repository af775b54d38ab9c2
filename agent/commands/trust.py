"""`qwright trust`: allow a project's configuration and commands as they are now."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from qwright.agent import config
from qwright.agent.language import say
from qwright.agent.repl import custom
from qwright.tools.sanitise import sanitise


async def run(args: Namespace) -> int:
    """Show what is allowed from now on, and remember it."""
    directory = Path(args.directory)
    file = config.project_root(directory) / config.PROJECT_FILE
    if file.exists() or not custom.of_project(directory):
        text = config.trust(directory)
        print(say("cli.trusted", file=file) + "\n")
        print(sanitise(text).rstrip())
    for command in custom.trust(directory):
        print(say("cli.trusted_command", name=command.name) + "\n")
        print(sanitise(command.body))
    return 0
