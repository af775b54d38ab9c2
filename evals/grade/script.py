"""The script that is run: the instance's own, with markers that a patch cannot know."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from qwright.evals.grade.container import HOME
from qwright.evals.grade.swebench_border import END, EXIT_CODE, START

PLUGINS = f"{HOME}/plugins"
CHANNEL = f"{HOME}/channel"
EVAL = f"{HOME}/eval.sh"
RUN = f"{HOME}/run.sh"
_EXPORTS = f"""\
export PYTHONPATH={PLUGINS}${{PYTHONPATH:+:$PYTHONPATH}} QWRIGHT_OUTCOMES={CHANNEL}
export PYTEST_ADDOPTS="-p qwright_outcomes${{PYTEST_ADDOPTS:+ $PYTEST_ADDOPTS}}"
"""


@dataclass(frozen=True, slots=True)
class Script:
    """What bash runs, and what tells its markers from those a patch prints."""

    text: str
    nonce: str
    watched: bool
    """Whether the tests run under pytest, so that our plugin must have been there."""


def instrument(eval_script: str, nonce: str) -> Script:
    """SWE-bench's script, whose markers carry `nonce`, with our plugin for its test command."""
    before, start, rest = eval_script.partition(START)
    tests, end, after = rest.partition(END)
    if not (start and end):
        return Script(eval_script, nonce, False)
    # The marker's own line begins before it.
    above, newline, line = before.rpartition("\n")
    tests = _with_plugins(tests)
    text = f"{above}{newline}{_EXPORTS}{line}{START} {nonce}{tests}{END} {nonce}{after}"
    return Script(text.replace(f"{EXIT_CODE}:", f"{EXIT_CODE} {nonce}:"), nonce, watched(tests))


def plain(command: str, nonce: str) -> Script:
    """A command of which only the exit code counts."""
    return Script(f"{_EXPORTS}{_with_plugins(command)}\n", nonce, watched(command))


def watched(command: str) -> bool:
    """Whether a command runs pytest itself, rather than some tool that chooses its own settings."""
    words = set(command.replace("/", " ").split())
    return bool({"pytest", "py.test"} & words) and not {"tox", "nox"} & words


def wrapper(command: str) -> str:
    """Run `command` and end with its code, and end everything it left behind."""
    return f"{command} < /dev/null; code=$?; kill -9 -1; exit $code"


def shell(*words: str) -> str:
    return shlex.join(words)


def _with_plugins(command: str) -> str:
    return command.replace("PYTHONPATH=", f"PYTHONPATH={PLUGINS}:")
