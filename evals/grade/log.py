"""The graded log: what the tests printed, without what only looks like a result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from qwright.evals.datasets.eval_script import END, START
from qwright.evals.grade.channel import GOOD, Outcomes
from qwright.evals.grade.script import Script
from qwright.evals.grade.swebench_border import EXIT_CODE

Parse = Callable[[list[str]], dict[str, str]]
"""The instance's log parser, for lines."""
Strike = Callable[[str, str], bool]
"""Whether an outcome (test, status) is none."""
OUT = "| "
"""Put before a line that is no result."""
_MARKERS = (START, END, EXIT_CODE)
_BAD = frozenset({"FAILED", "ERROR"})


@dataclass(frozen=True, slots=True)
class Graded:
    """The log that is saved and judged."""

    text: str
    struck: int
    """Lines that looked like results and were not."""


def graded(output: str, script: Script, parse: Parse, outcomes: Outcomes) -> Graded:
    """Make the log that SWE-bench's parser may read.

    What pytest did not confirm is struck out. Where the tests are not pytest's, a test that also
    failed did not pass, and nothing passed when something else is at fault.
    """
    lines = [_marked(line, script) for line in re.split(r"\r\n|\r|\n", output)]
    confirmed = script.watched or outcomes.runs > 0
    if confirmed:
        strike = _unconfirmed(outcomes, parse)
    else:
        strike = _contradicted(lines, parse, bool(outcomes.faults))
    struck = 0
    for number, line in enumerate(lines):
        if _strikes(strike, parse([line])):
            lines[number] = _struck(line, lambda text: _strikes(strike, parse([text])))
            struck += 1
    if (confirmed or outcomes.faults) and _strikes(strike, parse(lines)):
        # A parser that reads over several lines, or through what is put before one.
        lines = [line if any(mark in line for mark in _MARKERS) else "" for line in lines]
        struck += 1
    return Graded("\n".join(lines), struck)


def _strikes(strike: Strike, found: Mapping[str, str]) -> bool:
    return any(strike(name, status) for name, status in found.items())


def _struck(line: str, counts: Callable[[str], bool]) -> str:
    """The line in a form that is no result; parsers look at a line's beginning or its end."""
    forms = (OUT + line, f"{OUT}{line} |")
    return next((form for form in forms if not counts(form)), f"{OUT}[what looked like a result]")


def _marked(line: str, script: Script) -> str:
    """Ours become SWE-bench's markers, all others nothing."""
    for marker in _MARKERS:
        ours = script.secrets.of(marker)
        if ours in line:
            return line.replace(ours, marker)
        if marker in line:
            return OUT + line.replace(">>>>>", ">>>> >")
    return line


def _unconfirmed(outcomes: Outcomes, parse: Parse) -> Strike:
    known: dict[str, set[str]] = {}
    for test, had in outcomes.found.items() if outcomes.trusted else ():
        for status in had:
            # Parsers keep less of some ids: what this one makes of the summary's own line.
            names = parse([f"{status} {test}"]) if status in GOOD | _BAD else {}
            for name in {test, *names}:
                known.setdefault(name, set()).add(status)

    def strike(name: str, status: str) -> bool:
        had = [known.get(short, set[str]()) for short in (name, *_shorter(name))]
        if status in _BAD:
            # A failure that nobody saw would excuse an exit code.
            return not any(had)
        return not any(status in statuses and statuses <= GOOD for statuses in had)

    return strike


def _shorter(name: str) -> Iterable[str]:
    at = name.find(" - ")
    while at >= 0:
        yield name[:at]
        at = name.find(" - ", at + 1)


def _contradicted(lines: list[str], parse: Parse, faulty: bool) -> Strike:
    failed: set[str] = set()
    for line in lines:
        failed |= {name for name, status in parse([line]).items() if status in _BAD}

    def strike(name: str, status: str) -> bool:
        return faulty or (status in GOOD and name in failed)

    return strike
