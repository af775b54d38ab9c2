"""The user's own editor on a text."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.agent.language import say

_USUAL = ("nano", "vim", "vi")


async def edited(text: str, suffix: str) -> str:
    """`text` as $VISUAL or $EDITOR leaves it. The terminal is the editor's meanwhile.

    Raises ConfigError when there is no editor or it fails.
    """
    command = _command()
    descriptor, name = tempfile.mkstemp(prefix="qwright-", suffix=suffix)
    file = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        process = await asyncio.create_subprocess_exec(*command, name)
        code = await process.wait()
        if code:
            raise ConfigError(say("terminal.editor_failed", editor=command[0], code=code))
        return file.read_text("utf-8", "replace")
    finally:
        file.unlink(missing_ok=True)


def _command() -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        words = shlex.split(chosen) if chosen else []
    except ValueError:
        words = []
    words = words or [name for name in _USUAL if shutil.which(name)][:1]
    if not words or not shutil.which(words[0]):
        raise ConfigError(say("terminal.editor_missing"))
    return words
