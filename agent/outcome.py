"""What became of a run: the last event, and where its result is now."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from qwright.agent.events import RunFinished


class Outcome(BaseModel):
    """One run seen from its end. Serialised by `--output-format json`."""

    model_config = ConfigDict(frozen=True)
    session: str
    finished: RunFinished
    exit_code: int
    files: tuple[str, ...] = ()
    """Paths that differ from the start."""
    diff: str = ""
    delivered: str = ""
    """Where the result went, as a sentence for a person; empty when it was not delivered."""
    hints: tuple[str, ...] = ()
    """Lines that help the user on: how to undo, what was skipped, which --setup is missing."""

    def report(self) -> dict[str, Any]:
        """The result object of the json formats."""
        return {
            "type": "result",
            "session": self.session,
            "is_error": self.exit_code != 0,
            "exit_code": self.exit_code,
            **self.finished.model_dump(exclude={"type"}),
            "files": list(self.files),
            "diff": self.diff,
            "delivered": self.delivered,
            "hints": list(self.hints),
        }
