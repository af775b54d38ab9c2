"""What a model answered and what must be read from it, before a server cuts it into chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """An intended call. `sure`: it must be run; else an error in its place is as good."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    sure: bool = True


@dataclass(frozen=True)
class Fragment:
    """A piece of a native call; a field that is None is left out, "null" stands for null."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


@dataclass(frozen=True)
class Case:
    """One answer in one form with one fault.

    `native`: calls that the server reads and sends in its own way; `fragments`: calls exactly as
    they come. `shown` None: what is shown is not laid down. `failed`: at least one call must come
    back as an error, None for may; none beside `calls` may run.
    """

    form: str
    fault: str
    thread: str
    family: str = "qwen3-coder"
    content: str = ""
    reasoning: str = ""
    native: tuple[Call, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    finish: str = "stop"
    calls: tuple[Call, ...] = ()
    failed: bool | None = False
    shown: str | None = ""
    thought: str | None = ""
    note: str = ""
    whole: bool = False
    """Whether a server sends the answer token by token, not several tokens at once."""
    halves: bool = False
    """Whether surrogate pairs are torn apart, as servers that cut UTF-16 strings do."""

    @property
    def name(self) -> str:
        return f"{self.form}.{self.fault}"
