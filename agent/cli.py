"""The command `qwright`: parse, dispatch, and turn every error into one line and an exit code."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path

from qwright.agent import arguments, language
from qwright.sandbox.errors import QwrightError

_SURROUNDINGS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR),
    *(errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
)
"""Failures of the machine, not of qwright."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code; see `qwright.agent.exits`."""
    code = _run(argv)
    if argv is None:
        # The work is over; one Ctrl-C too many must not change how it ended.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _run(argv: Sequence[str] | None) -> int:
    from qwright.agent.exits import Exit, of_error

    if not sys.warnoptions:
        # Libraries warn developers; and their own filters get lost when threads import at once.
        warnings.simplefilter("ignore")
    _accept_any_text()
    given = sys.argv[1:] if argv is None else argv
    try:
        language.choose(language.configured())
        args = arguments.parse(given)
        code = asyncio.run(_dispatch(args))
        print(end="", flush=True)  # a reader who has left is noticed here, not while exiting
        return code
    except QwrightError as error:
        _say(str(error))
        return of_error(error)
    except KeyboardInterrupt:
        _say("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left. For a list that is its end; for a run it is a Ctrl-C.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED if arguments.is_run(given) else Exit.DONE
    except Exception as bug:  # the outermost boundary: a bug becomes a report, never a traceback
        if isinstance(bug, OSError) and bug.errno in _SURROUNDINGS:
            _say(_cause(bug))
            return Exit.SANDBOX
        _say(_report(bug))
        return Exit.BUG


_MODULES = {
    "run": "agent.oneshot",
    "repl": "agent.repl.start",
    "config": "agent.commands.config",
    "doctor": "agent.commands.doctor",
    "models": "agent.embedded.commands",
    "sandbox": "agent.commands.sandbox",
    "trust": "agent.commands.trust",
    "eval": "evals.commands",
}
"""Where each subcommand's `run(args)` is; those on past sessions share one."""


def _dispatch(args: Namespace) -> Coroutine[object, object, int]:
    module = import_module(f"qwright.{_MODULES.get(args.subcommand, 'agent.commands.sessions')}")
    run: Callable[[Namespace], Coroutine[object, object, int]] = module.run
    return run(args)


def _accept_any_text() -> None:
    """Neither a pipe in another encoding nor a terminal's locale is a reason to fail."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _say(text: str) -> None:
    from qwright.tools.sanitise import sanitise

    print(f"qwright: {' '.join(sanitise(text).split())}", file=sys.stderr)


def _cause(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; make room there, or set QWRIGHT_HOME to another directory"


def _report(bug: Exception) -> str:
    """Write a bug report file and say where it is."""
    import platform
    import tempfile
    import time
    import traceback

    from qwright.agent import __version__
    from qwright.sandbox.dirs import state_dir

    head = f"qwright {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    text = head + "".join(traceback.format_exception(bug))
    what = f"this is a bug in qwright ({type(bug).__name__})"
    for directory in (state_dir, lambda: Path(tempfile.gettempdir())):
        try:
            file = directory() / f"qwright-bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"{what}; the report is in {file}"
    return f"{what}, and no report could be written: {text.splitlines()[-1]}"


if __name__ == "__main__":
    sys.exit(main())
