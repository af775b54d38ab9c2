"""How many tests passed and failed, read from what a test command printed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COUNTED = (
    # cargo: "test result: FAILED. 3 passed; 1 failed; 0 ignored"
    (r"^test result: .*?(\d+) passed;", r"^test result: .*?(\d+) failed;"),
    # pytest: "1 failed, 2 passed in 0.12s", framed by "=" or not
    (
        r"^(?=.* in [\d.]+s\b).*?\b(\d+) passed\b",
        r"^(?=.* in [\d.]+s\b).*?\b(\d+) failed\b",
        r"^(?=.* in [\d.]+s\b).*?\b(\d+) errors?\b",
    ),
    # jest: "Tests:       1 failed, 2 passed, 3 total"; vitest: "Tests  1 failed | 2 passed (3)"
    (r"^\s*Tests:? .*?\b(\d+) passed\b", r"^\s*Tests:? .*?\b(\d+) failed\b"),
    # mocha: "  3 passing (5ms)"
    (r"^\s*(\d+) passing\b", r"^\s*(\d+) failing\b"),
    # node --test: "# pass 3", where "#" may be a sign of its own
    (r"^\S pass (\d+)$", r"^\S fail (\d+)$"),
)
"""Numbers that follow one another: what passed, then all that did not."""
_LINES = (
    # go test -v
    (r"^\s*--- PASS: ", r"^\s*--- FAIL: |^FAIL\t.*\[.* failed\]$"),
    # TAP
    (r"^\s*ok \d+\b", r"^\s*not ok \d+\b"),
    # automake, and many a script
    (r"^(?:PASS|PASSED|ok)\b[: ]", r"^(?:FAIL|FAILED|ERROR|not ok)\b[: ]"),
)
"""A line a test."""
_UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\s*\n?(?:OK.*|FAILED \((.*)\))$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run of tests came to; an error counts as a failure."""

    passed: int
    failed: int

    @property
    def total(self) -> int:
        return self.passed + self.failed

    def plus(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed)


def tally(output: str) -> Tally | None:
    """None where the output names no tests in a form that is known."""
    text = _COLOUR.sub("", output).replace("\r\n", "\n")
    if found := _unittest(text):
        return found
    for good, *bad in _COUNTED:
        if re.search("|".join((good, *bad)), text, re.MULTILINE):
            return Tally(_sum(good, text), sum(_sum(one, text) for one in bad))
    for good, bad in _LINES:
        passed, failed = (len(re.findall(one, text, re.MULTILINE)) for one in (good, bad))
        if passed or failed:
            return Tally(passed, failed)
    return None


def _sum(pattern: str, text: str) -> int:
    return sum(map(int, re.findall(pattern, text, re.MULTILINE)))


def _unittest(text: str) -> Tally | None:
    ran = _UNITTEST.findall(text)
    if not ran:
        return None
    failed = sum(int(n) for _, why in ran for n in re.findall(r"(?:failures|errors)=(\d+)", why))
    return Tally(sum(int(n) for n, _ in ran) - failed, failed)
