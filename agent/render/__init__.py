"""Renderers: each shows the same event stream in its own way."""

from __future__ import annotations

from typing import Protocol

from qwright.agent.events import Event
from qwright.agent.outcome import Outcome


class Renderer(Protocol):
    """A front end. It consumes events and, at the end, what became of the result."""

    def show(self, event: Event) -> None: ...

    def close(self, outcome: Outcome) -> None: ...
