"""What grading leaves on disk: SWE-bench's per-instance folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Artefacts:
    """The folder `directory`; it is made, and may be there."""

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        return self.directory / "test_output.txt"

    def patch(self, text: str) -> None:
        self._write("patch.diff", text)

    def script(self, text: str) -> None:
        self._write("eval.sh", text)

    def output(self, text: str) -> None:
        self._write("test_output.txt", text)

    def report(self, report: object) -> None:
        self._write("report.json", json.dumps(report, indent=4))

    def note(self, text: str) -> None:
        """Add to run_instance.log."""
        with (self.directory / "run_instance.log").open("a", errors="replace") as file:
            file.write(text.rstrip("\n") + "\n")

    def _write(self, name: str, text: str) -> None:
        data = text.encode(errors="surrogateescape")
        (self.directory / name).write_bytes(data)
