"""The command `qwright`: parse, dispatch, and turn every error into one line and an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Coroutine, Sequence

from qwright.agent import arguments
from qwright.sandbox.errors import QwrightError


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code; see `qwright.agent.exits`."""
    from qwright.agent.exits import Exit, of_error

    try:
        args = arguments.parse(sys.argv[1:] if argv is None else argv)
        return asyncio.run(_dispatch(args))
    except QwrightError as error:
        _say(str(error))
        return of_error(error)
    except KeyboardInterrupt:
        _say("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left: nothing more can be said, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as bug:  # the outermost boundary: a bug becomes a report, never a traceback
        _say(_report(bug))
        return Exit.BUG


def _dispatch(args: Namespace) -> Coroutine[object, object, int]:
    match args.subcommand:
        case "run":
            from qwright.agent import oneshot

            return oneshot.run(args)
        case "models":
            from qwright.agent.embedded.commands import run_models

            return run_models(args, sys.stdout)
        case "doctor":
            from qwright.agent.commands import doctor

            return doctor.run()
        case "sandbox":
            from qwright.agent.commands import sandbox

            return sandbox.run(args)
        case "trust":
            from qwright.agent.commands import trust

            return trust.run(args)
        case _:
            from qwright.agent.commands import sessions

            return sessions.run(args)


def _say(text: str) -> None:
    print(f"qwright: {' '.join(text.split())}", file=sys.stderr)


def _report(bug: Exception) -> str:
    """Write a bug report file and say where it is."""
    import platform
    import time
    import traceback

    from qwright.agent import __version__
    from qwright.sandbox.dirs import state_dir

    file = state_dir() / f"bug-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    head = f"qwright {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    file.write_text(head + "".join(traceback.format_exception(bug)), encoding="utf-8")
    return f"this is a bug in qwright ({type(bug).__name__}); the report is in {file}"


if __name__ == "__main__":
    sys.exit(main())
