"""What our pytest plugin said beside the log: which tests ran, and how each ended."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOOD = frozenset({"PASSED", "XFAIL", "SKIPPED"})
"""Outcomes that can make an instance resolved. XPASS is none to SWE-bench."""
ASKED = "ASKED"
"""In place of a good outcome: the patch itself asked for it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The files a patch changed, as the processes in the container name them."""

    mount: str
    base: Path
    """The test bed's folder."""
    paths: frozenset[str]
    """Relative to both."""

    def wrote(self, file: str) -> bool:
        """Whether the patch wrote this file; parts of a pytest that is itself the project do not
        count, since its tests run under it."""
        path = self._relative(file)
        return path in self.paths and not ("_pytest" in path.split("/") and self._known(path))

    def hides(self, file: str) -> bool:
        """Whether the patch wrote this file, and its package or module was not there before."""
        path = self._relative(file)
        return path in self.paths and not self._known(path)

    def _relative(self, file: str) -> str:
        return file.removeprefix(self.mount.rstrip("/") + "/")

    def _known(self, path: str) -> bool:
        parts = path.split("/")
        return (self.base / "/".join(parts[: 2 if parts[0] == "src" else 1])).exists()


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


def read(files: Mapping[str, bytes], keys: Mapping[str, bytes], changes: Changes) -> Outcomes:
    """Read what the plugin wrote; `keys` are those that were given, by their numbers."""
    outcomes = Outcomes()
    for number, key in keys.items():
        record = files.get(f"run.{number}")
        if record is not None:
            outcomes.runs += 1
            for line in _signed(record, key, outcomes):
                _take(outcomes, line, changes)
        elif f"key.{number}" not in files:
            outcomes.faults.append("a record of outcomes is gone")
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


def _take(outcomes: Outcomes, line: list[Any], changes: Changes) -> None:
    kind: str = line[0]
    facts: dict[str, Any] = line[1]
    file = facts.get("file", "")
    if kind == "outcome":
        asked = not facts["honest"] or changes.wrote(facts.get("origin", ""))
        for name in {facts["id"], facts["shown"]}:
            outcomes.add(name, ASKED if asked and facts["status"] in GOOD else facts["status"])
    elif kind == "begin" and any(changes.hides(path) for path in facts["loaded"]):
        outcomes.faults.append("the patch hides a module of the test runner")
    elif kind == "written" or (kind == "body" and changes.wrote(file)):
        outcomes.faults.append(f"the patch replaced the test {facts['id']}")
    elif (
        (kind == "changed" and (changes.wrote(file) or not facts["genuine"]))
        or (kind == "plugin" and changes.wrote(file))
        or (kind == "known" and changes.hides(file))
    ):
        outcomes.faults.append(f"the patch changed the test runner ({facts['name']})")
    elif kind == "finish":
        outcomes.exits.append(int(facts["status"]))
        if any(facts["canaries"]):
            outcomes.faults.append("a test that must fail passed")
    elif kind == "end":
        outcomes.finished += 1
