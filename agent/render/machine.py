"""Output for programs: one object at the end, or one event a line."""

from __future__ import annotations

import json
from typing import TextIO

from qwright.agent.events import Event
from qwright.agent.outcome import Outcome


class JsonRenderer:
    """`--output-format json`: one object when the run is over."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, event: Event) -> None:
        pass

    def close(self, outcome: Outcome) -> None:
        self._out.write(json.dumps(outcome.report()) + "\n")
        self._out.flush()


class StreamJsonRenderer:
    """`--output-format stream-json`: the event stream itself, then the result object."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, event: Event) -> None:
        self._out.write(event.model_dump_json() + "\n")
        self._out.flush()

    def close(self, outcome: Outcome) -> None:
        self._out.write(json.dumps(outcome.report()) + "\n")
        self._out.flush()
