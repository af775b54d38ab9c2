"""The script that is run: the instance's own, with markers that a patch cannot know."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

from qwright.evals.datasets.eval_script import END, START
from qwright.evals.grade.container import HOME
from qwright.evals.grade.swebench_border import EXIT_CODE

PLUGINS = f"{HOME}/plugins"
CHANNEL = f"{HOME}/channel"
EVAL = f"{CHANNEL}/eval.sh"
BEFORE, AFTER = "before", "after"
_EXPORTS = f"""\
export PYTHONPATH={PLUGINS}${{PYTHONPATH:+:$PYTHONPATH}} QWRIGHT_OUTCOMES={CHANNEL}
export PYTEST_ADDOPTS="-p qwright_outcomes${{PYTEST_ADDOPTS:+ $PYTEST_ADDOPTS}}"
"""
MOST_RUNS = 8
"""Where a script does not say."""
_REPEATS = re.compile(r"\b(for|while|until|xargs)\b")
_RUNNER = re.compile(r"(?<![\w.-])(pytest|py\.test)(?![\w.-])")
_CLOSED = re.compile(r"(?<![\w.-])(tox|nox)(?![\w.-])|python[\d.]*\s+-[a-zA-Z]*[EI]")
"""What starts pytest without the variables that our plugin comes by."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What our markers carry. The first is in the log while the tests run; the second is not."""

    start: str
    end: str

    @classmethod
    def make(cls) -> Secrets:
        return cls(token_hex(16), token_hex(16))

    def of(self, marker: str) -> str:
        """A marker as ours."""
        return f"{marker} {self.start if marker == START else self.end}"


@dataclass(frozen=True, slots=True)
class Script:
    """What bash runs, and what tells its markers from those a patch prints."""

    text: str
    secrets: Secrets
    watched: bool = False
    """Whether the tests run under pytest, so that our plugin must have been there."""
    runs: int = 1
    """How often pytest may run."""


def instrument(eval_script: str, secrets: Secrets, mount: str, tests: Sequence[str]) -> Script:
    """SWE-bench's script, with markers of ours and our plugin for its test command.

    `tests`: files and folders below `mount` that must stay as they are while the tests run.
    """
    before, start, rest = eval_script.partition(START)
    command, end, after = rest.partition(END)
    if not (start and end):
        return Script(eval_script, secrets)
    # The markers' own lines begin before them, and end after them.
    above, newline, line = before.rpartition("\n")
    tail, closing, below = after.partition("\n")
    text = (
        f"{above}{newline}{_exports(command)}{_digest(mount, tests, BEFORE)}"
        f"{line}{secrets.of(START)}{_with_plugins(command)}{secrets.of(END)}"
        f"{tail}{closing}{_digest(mount, tests, AFTER)}{below}"
    )
    text = text.replace(f"{EXIT_CODE}:", f"{secrets.of(EXIT_CODE)}:")
    # Bash reads all of a compound command before it begins: then nobody can read it any more.
    text = f"{{\n: > {EVAL}\n{text}\n}}\n"
    return Script(text, secrets, watched(command), runs(command))


def plain(command: str, secrets: Secrets, mount: str, tests: Sequence[str]) -> Script:
    """A command of which only the exit code counts."""
    text = (
        f"{_exports(command)}{_digest(mount, tests, BEFORE)}(\n{_with_plugins(command)}\n)\n"
        f"code=$?\n{_digest(mount, tests, AFTER)}exit $code\n"
    )
    return Script(text, secrets, watched(command), runs(command))


def watched(command: str) -> bool:
    """Whether a command runs pytest itself, rather than some tool that chooses its own settings."""
    return bool(_RUNNER.search(command)) and not _CLOSED.search(command)


def runs(command: str) -> int:
    """How often a command may run pytest: for each there is one key, and none to be stolen."""
    seen = len(_RUNNER.findall(command))
    return MOST_RUNS if _REPEATS.search(command) or not seen else seen


def wrapper(command: str) -> str:
    """Run `command` and end with its code, and end everything it left behind."""
    return f"{command} < /dev/null; code=$?; kill -9 -1; exit $code"


def changed_tests(files: Mapping[str, bytes]) -> list[str]:
    """Of the tests' own files those that were not the same when the tests had run.

    None when the script did not come that far, for then nothing counts.
    """
    if AFTER not in files:
        return []
    after = set(files[AFTER].splitlines())
    gone = [line for line in files.get(BEFORE, b"").splitlines() if line not in after]
    paths = (line.decode(errors="replace").partition("  ")[2] for line in gone)
    return sorted(path.removeprefix("./") for path in paths)


def _exports(command: str) -> str:
    return "" if _CLOSED.search(command) else _EXPORTS


def _with_plugins(command: str) -> str:
    if _CLOSED.search(command):
        return command
    return command.replace("PYTHONPATH=", f"PYTHONPATH={PLUGINS}:")


def _digest(mount: str, tests: Sequence[str], name: str) -> str:
    if not tests:
        return ""
    paths = shlex.join(f"./{path}" for path in tests)
    listing = f"find {paths} -type f ! -name '*.pyc' -exec sha256sum {{}} + 2> /dev/null"
    return f"(cd {shlex.quote(mount)} && {listing}) > {CHANNEL}/{name} || true\n"
