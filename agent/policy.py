"""Which calls run, which are asked about first, and which never do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Mode = Literal["plan", "ask", "auto-edit", "auto"]
"""plan: nothing that writes; ask: about edits and commands; auto-edit: about commands; auto: never.

The sandbox is the wall in all of them: asking is for who wants to follow every step.
"""
MODES: tuple[Mode, ...] = ("plan", "ask", "auto-edit", "auto")
Answer = Literal["once", "session", "project", "no"]


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is to be approved. `subject` is exactly what will run or be written to."""

    id: str
    name: str
    kind: Literal["edit", "command"]
    subject: str
    """The command, byte by byte, or the path."""
    diff: str = ""
    """For an edit, where it can be known beforehand."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person answered. `why` goes to the model when the answer is no."""

    answer: Answer
    why: str = ""


class Approver(Protocol):
    """Whoever is asked: the REPL's person, or in a test a script."""

    async def approve(self, request: Request) -> Decision: ...
