"""What our pytest plugin said beside the log: which tests ran, and how each ended."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEYS = 8
"""Runs of pytest that one script may have."""
GOOD = frozenset({"PASSED", "XFAIL", "SKIPPED"})
"""Outcomes that can make an instance resolved. XPASS is none to SWE-bench."""


ASKED = "ASKED"
"""In place of a good outcome: the patch itself asked for it."""


@dataclass(slots=True)
class Outcomes:
    """All runs of one grading together."""

    runs: int = 0
    finished: int = 0
    """Of the runs, those that came to their end."""
    found: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Ids, in both ways they are shown, to the outcomes they had; see ASKED."""
    exits: list[int] = field(default_factory=list[int])
    faults: list[str] = field(default_factory=list[str])
    """What shows that the outcomes are not pytest's own, in words."""

    @property
    def asked(self) -> list[str]:
        """Tests whose outcome the patch asked for."""
        return sorted(name for name, had in self.found.items() if ASKED in had)

    @property
    def trusted(self) -> bool:
        return self.runs > 0 and self.runs == self.finished and not self.faults

    def add(self, name: str, status: str) -> None:
        self.found.setdefault(name, set()).add(status)


def read(files: Mapping[str, bytes], keys: Mapping[str, bytes], changed: Iterable[str]) -> Outcomes:
    """Read what the plugin wrote. `changed`: absolute paths of files that the patch changed."""
    outcomes = Outcomes()
    suspects = frozenset(changed)
    for name in sorted(files):
        kind, _, number = name.partition(".")
        if kind == "run" and number in keys:
            outcomes.runs += 1
            for line in _signed(files[name], keys[number], outcomes):
                _take(outcomes, line, suspects)
    return outcomes


def _signed(data: bytes, key: bytes, outcomes: Outcomes) -> Iterable[list[Any]]:
    """The lines that were signed in order; a fault for the first that was not."""
    signer = hashlib.blake2b(key=key, digest_size=16)
    for line in data.splitlines():
        signature, _, text = line.partition(b" ")
        signer.update(text)
        if not hmac.compare_digest(signature, signer.hexdigest().encode()):
            outcomes.faults.append("the record of outcomes was tampered with")
            return
        yield json.loads(text)


def _take(outcomes: Outcomes, line: list[Any], suspects: frozenset[str]) -> None:
    kind: str = line[0]
    facts: dict[str, Any] = line[1]
    file = facts.get("file", "")
    written = file in suspects or not file.startswith("/")
    if kind == "outcome":
        asked = not facts["honest"] or facts.get("origin") in suspects
        for name in {facts["id"], facts["shown"]}:
            outcomes.add(name, ASKED if asked and facts["status"] in GOOD else facts["status"])
    elif kind == "body" and file in suspects:
        outcomes.faults.append(f"the patch replaced the test {facts['id']}")
    elif kind in {"changed", "plugin"} and written:
        outcomes.faults.append(f"the patch changed the test runner ({facts['name']})")
    elif kind == "finish":
        outcomes.exits.append(int(facts["status"]))
        if any(facts["canaries"]):
            outcomes.faults.append("a test that must fail passed")
    elif kind == "end":
        outcomes.finished += 1
