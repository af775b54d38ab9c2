"""What is known of a model: its window, its dialect, its sampling, how much to put before it.

The facts are in profiles.toml; a user's own, in configuration, override them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, field_validator

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.endpoint import LOCAL, Provider
from qwright.agent.model import Sampling

_Table = dict[str, Any]
_OF_A_ROW = ("base", "match", "hosts")


class Price(BaseModel):
    """US dollars per million tokens, for prompts of up to `up_to` tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    """None: as input."""
    explicit_read: float | None = Field(default=None, ge=0)
    """For what was read from an explicit cache; None: as cache_read."""
    cache_write: float | None = Field(default=None, ge=0)
    """For what an explicit cache was made of; None: as input."""
    up_to: PositiveInt | None = None
    """None: of any length."""

    def with_caches(self) -> Price:
        """By DashScope's rule, the same for all its models."""
        caches = {"cache_read": 0.2, "explicit_read": 0.1, "cache_write": 1.25}
        return self.model_copy(update={key: self.input * part for key, part in caches.items()})


class Profile(BaseModel):
    """The facts about one model behind one kind of server."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    context: int
    """Tokens of prompt and answer together."""
    max_output: int
    """Tokens of one answer."""
    dialect: DialectName = "native"
    """What is spoken. A server's own tool calls are the first choice where they can be had."""
    text_dialect: DialectName = "hermes"
    """The form of the family's calls in text, for servers that have no tool calls of their own."""
    tools: Literal["small", "full"] = "full"
    prompt: Literal["small", "full"] = "full"
    sampling: Sampling
    direct_sampling: Sampling | None = None
    """For answers without thinking; None: as `sampling`."""
    constraint: Constraint = "none"
    """How calls are held to their schema; a grammar needs a llama.cpp server."""
    attempts: int = 1
    """Tries from scratch that a verified run may take."""
    rewrite_every: int = 1
    """Which attempts write a short file anew; the others change one line of it."""
    turns_per_attempt: int = 10_000
    failures_per_attempt: int = 3
    """How often the verify command may fail before an attempt is given up."""
    eager_verify: bool = False
    """Run the verify command before the first turn and after each change, not only at the end."""
    attach_files: bool = False
    """Put the files a task names into the first prompt, so that they need not be read."""
    thinking: Literal["none", "hybrid", "always"] = "none"
    """Whether the model thinks before it answers: never, when asked to, or always."""
    efforts: tuple[str, ...] = ()
    """The values of reasoning_effort it takes, least first; empty where it has no such scale."""
    keeps_thoughts: bool = False
    """Whether the reasoning of former turns is sent back, in its own field."""
    vision: bool = False
    """Whether it sees images."""
    prices: tuple[Price, ...] = ()
    """By length of the prompt, ascending; empty where it is not known, `FREE` where all is free."""
    licence: str = ""
    extra_body: dict[str, JsonValue] = {}
    """Further fields of every request, as they are: OpenRouter's `provider`, for example."""
    stated: frozenset[str] = frozenset()
    """Fields a user set in configuration: nothing that a server says replaces those."""

    def within(self, context: int) -> Profile:
        """This profile in a server's real window of `context` tokens.

        A window larger than the model's own counts only for an unknown model.
        """
        if self.name != DEFAULT.name or "context" in self.stated:
            context = min(context, self.context)
        changed = {"context": context, "max_output": min(self.max_output, context // 4)}
        return self.model_copy(update=changed)

    def sampling_for(self, attempt: int) -> Sampling:
        """The first attempt takes the likeliest answer where there can be others; they vary."""
        if self.attempts == 1:
            return self.sampling if attempt == 1 else _varied(self.sampling, attempt)
        if attempt == 1:
            return replace(self.sampling, temperature=0.0, seed=1)
        if attempt % self.rewrite_every:
            return replace(self.sampling, seed=attempt, temperature=0.9, top_p=0.95, top_k=40)
        return replace(self.sampling, seed=attempt)


def _varied(sampling: Sampling, attempt: int) -> Sampling:
    """Another answer than the first: what a server does by itself is warm enough."""
    warm = None if sampling.temperature is None else max(sampling.temperature, _WARM)
    return replace(sampling, seed=attempt, temperature=warm)


_WARM = 0.7
FREE = (Price(input=0.0, output=0.0),)
_SERVERS_OWN = Sampling(
    temperature=None, top_p=None, top_k=None, min_p=None, repetition_penalty=None
)
DEFAULT = Profile(name="default", context=32_768, max_output=8_192, sampling=_SERVERS_OWN)
"""For a model nothing is known of."""


class SamplingFacts(BaseModel):
    """Sampling values as a file gives them: those it leaves out are not touched."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None

    def over(self, sampling: Sampling) -> Sampling:
        return replace(sampling, **self.model_dump(exclude_unset=True))


class OwnProfile(BaseModel):
    """A `[[profile]]` of the user's configuration: fields that override those of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    match: str
    """A regular expression, searched in the lower-case name of the model."""
    context: PositiveInt | None = None
    max_output: PositiveInt | None = None
    dialect: DialectName | None = None
    text_dialect: DialectName | None = None
    tools: Literal["small", "full"] | None = None
    prompt: Literal["small", "full"] | None = None
    sampling: SamplingFacts | None = None
    attempts: PositiveInt | None = None
    thinking: Literal["none", "hybrid", "always"] | None = None
    efforts: tuple[str, ...] | None = None
    keeps_thoughts: bool | None = None
    vision: bool | None = None
    prices: tuple[Price, ...] | None = None
    licence: str | None = None
    extra_body: dict[str, JsonValue] | None = None

    @field_validator("match")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value

    def over(self, profile: Profile) -> Profile:
        """`profile` with what the user set; an answer takes no more than a quarter unasked."""
        stated = self.model_fields_set - {"match"}
        changed = {key: value for key, value in self if key in stated}
        if self.sampling:
            changed["sampling"] = self.sampling.over(profile.sampling)
        if self.context and not self.max_output:
            changed["max_output"] = min(profile.max_output, self.context // 4)
        return profile.model_copy(update={**changed, "stated": profile.stated | stated})


@dataclass(frozen=True, slots=True)
class Row:
    """One table of profiles.toml: a profile, and the models and servers it is for."""

    match: tuple[str, ...]
    """Regular expressions, searched in the lower-case name; empty for a mere base."""
    hosts: tuple[Provider, ...]
    """Empty: all."""
    facts: dict[str, Any]

    @property
    def profile(self) -> Profile:
        return Profile.model_validate(self.facts)

    def is_for(self, model: str, provider: Provider) -> bool:
        at_home = not self.hosts or provider in self.hosts
        return at_home and any(re.search(pattern, model) for pattern in self.match)


def profile_for(
    model: str, provider: Provider = "compatible", *, own: Sequence[OwnProfile] = ()
) -> Profile:
    """The profile of a model by its name and its server; `own` (all that match) overrides it.

    An embedded model is constrained and speaks text.
    """
    name = model.lower().replace("_", "-")
    found = next((row.profile for row in table() if row.is_for(name, provider)), DEFAULT)
    changed: dict[str, object] = {"prices": _prices(found, provider)}
    if provider not in LOCAL and provider != "compatible":
        changed["attempts"] = 1  # each is paid for
    if provider == "embedded":
        changed |= {"dialect": "hermes", "constraint": "grammar"}
    profile = found.model_copy(update=changed)
    for one in own:
        if re.search(one.match, name):
            profile = one.over(profile)
    return profile


@cache
def table() -> tuple[Row, ...]:
    """The rows of profiles.toml, in the order in which they are tried."""
    text = resources.files("qwright.agent").joinpath("profiles.toml").read_text("utf-8")
    tables: dict[str, _Table] = {one["name"]: one for one in tomllib.loads(text)["profile"]}
    return tuple(_row(one, tables) for one in tables.values())


def _row(one: _Table, tables: Mapping[str, _Table]) -> Row:
    facts = _inherited(one, tables)
    for key in ("sampling", "direct_sampling"):
        if key in facts:
            facts[key] = replace(_SERVERS_OWN, **facts[key])
    return Row(tuple(one.get("match", ())), tuple(one.get("hosts", ())), facts)


def _inherited(one: _Table, tables: Mapping[str, _Table]) -> _Table:
    """The facts of a table over those of its bases. Raises KeyError for an unknown base."""
    base = _inherited(tables[one["base"]], tables) if "base" in one else {}
    return base | {key: value for key, value in one.items() if key not in _OF_A_ROW}


def _prices(profile: Profile, provider: Provider) -> tuple[Price, ...]:
    """ModelScope's calls are free up to a number a day; OpenRouter tells the cost of each."""
    if provider in LOCAL or provider == "modelscope":
        return FREE
    return tuple(map(Price.with_caches, profile.prices)) if provider == "dashscope" else ()
