"""Runs another agent's program: a clean environment, its own process group, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from qwright.agent.errors import ConfigError

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
"""Of the user's variables; keys and configuration are not the other agent's business."""
_TIED = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("its parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Dies with us (PR_SET_PDEATHSIG), even when we are killed."""


def command_of(agent: str, program: str, given: str | None) -> list[str]:
    """The words of the program: those of --agent-command, or what PATH has.

    Raises ConfigError when it is not there.
    """
    try:
        words = shlex.split(given or "") or [program]
    except ValueError:
        raise ConfigError(f"--agent-command has a quote without its end: {given}") from None
    found = shutil.which(words[0])
    if found is None:
        raise ConfigError(
            f"{agent}: there is no program {words[0]}; install it, or name it with --agent-command"
        )
    return [str(Path(found).absolute()), *words[1:]]


def environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The variables of the program, whose home is empty and its own."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    common = {"HOME": str(home), "TERM": "dumb", "NO_COLOR": "1", "NO_PROXY": "127.0.0.1"}
    # `python -m` would run what the test bed has under that name.
    common["PYTHONSAFEPATH"] = "1"
    return {**kept, **common, **more}


async def run_program(
    argv: Sequence[str], directory: Path, variables: Mapping[str, str], log: Path
) -> int:
    """Run until it ends; its output goes to `log`. Cancelling kills it with all its children.

    Returns the exit code. Raises ConfigError when it cannot be started.
    """
    launcher = [sys.executable, "-ISc", _TIED, str(os.getpid()), *argv]
    try:
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *launcher,
                cwd=directory,
                env=dict(variables),
                stdin=DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
    except OSError as error:
        raise ConfigError(f"{argv[0]} cannot be started: {error.strerror}") from error
    try:
        return await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def last_line(log: Path) -> str:
    """The last line it printed, for an error message."""
    lines = log.read_bytes()[-10_000:].decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else "it printed nothing"
