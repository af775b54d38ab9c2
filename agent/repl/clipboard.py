"""Bring text to the clipboard of whoever looks at this terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from contextlib import suppress

LONGEST = 200_000
"""Characters. Terminals drop longer OSC 52 sequences, some of them with all that follows."""
_PATIENCE = 2.0


async def to_clipboard(text: str, through_terminal: Callable[[str], None]) -> None:
    """By this machine's own program where its screen is in front of the person, else by OSC 52."""
    text = text[:LONGEST]
    program = _program()
    if not (program and await _fed(program, text)):
        through_terminal(text)


def _program() -> Sequence[str]:
    environ = os.environ
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return ()
    choices = (
        (sys.platform == "darwin", ("pbcopy",)),
        (bool(environ.get("WAYLAND_DISPLAY")), ("wl-copy",)),
        (bool(environ.get("DISPLAY")), ("xclip", "-selection", "clipboard")),
        (bool(environ.get("DISPLAY")), ("xsel", "--clipboard", "--input")),
    )
    fitting = (command for usable, command in choices if usable)
    return next((command for command in fitting if shutil.which(command[0])), ())


async def _fed(command: Sequence[str], text: str) -> bool:
    """Whether the program took the text. One that stays, to serve it, is left running."""
    try:
        # Its output goes nowhere: xclip stays behind and would hold a pipe open.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate(text.encode())
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return process.returncode == 0
