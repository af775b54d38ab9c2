"""What is known of a model: its window, its dialect, its sampling, how much to put before it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.model import Sampling


class Price(BaseModel):
    """US dollars per million tokens, for prompts of up to `up_to` tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float
    output: float
    cache_read: float | None = None
    """None: as input."""
    cache_write: float | None = None
    up_to: int | None = None
    """None: of any length."""


class Profile(BaseModel):
    """The first profile one of whose patterns is found in a model's name is the model's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    match: tuple[str, ...]
    """Regular expressions, searched in the lower-case name of the model."""
    context: int
    """Tokens of prompt and answer together."""
    max_output: int
    """Tokens of one answer."""
    dialect: DialectName
    tools: Literal["small", "full"]
    prompt: Literal["small", "full"]
    sampling: Sampling
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
    """By length of the prompt, ascending; empty where nothing is charged or it is not known."""
    licence: str = ""

    def sampling_for(self, attempt: int) -> Sampling:
        """The first attempt takes the likeliest answer where there can be others; they vary."""
        if self.attempts == 1:
            return self.sampling
        if attempt == 1:
            return replace(self.sampling, temperature=0.0, seed=1)
        if attempt % self.rewrite_every:
            return replace(self.sampling, seed=attempt, temperature=0.9, top_p=0.95, top_k=40)
        return replace(self.sampling, seed=attempt)


_QWEN = Sampling()
_PLAIN = Sampling(temperature=None, top_p=None, top_k=None, min_p=None, repetition_penalty=None)
_CODER = Sampling(temperature=0.7, top_p=0.8, top_k=20, min_p=None, repetition_penalty=1.05)

SMALL_LOCAL = Profile(
    name="small-local",
    match=(r"qwen2[.-]?5-coder[-:](0\.5|1\.5|3)b",),
    context=16_384,
    max_output=1_536,
    dialect="hermes",
    tools="small",
    prompt="small",
    sampling=_QWEN,
    attempts=30,
    rewrite_every=6,
    turns_per_attempt=3,
    failures_per_attempt=1,
    eager_verify=True,
    attach_files=True,
)
LOCAL = Profile(
    name="local",
    match=(r"qwen2[.-]?5-coder",),
    context=32_768,
    max_output=4_096,
    dialect="hermes",
    tools="full",
    prompt="full",
    sampling=_QWEN,
    attempts=2,
)
QWEN3_CODER_API = Profile(
    name="qwen3-coder-api",
    match=(r"qwen3-coder-(plus|flash)",),
    context=1_000_000,
    max_output=65_536,
    dialect="native",
    tools="full",
    prompt="full",
    sampling=_CODER,
)
QWEN3_CODER = Profile(
    name="qwen3-coder",
    match=(r"qwen-?3-coder", r"qwen3\.?\d*-.*coder"),
    context=262_144,
    max_output=65_536,
    dialect="native",
    tools="full",
    prompt="full",
    sampling=_QWEN,
)
QWEN_MAX = Profile(
    name="qwen3-max",
    match=(r"qwen3-max",),
    context=262_144,
    max_output=65_536,
    dialect="native",
    tools="full",
    prompt="full",
    sampling=_CODER,
)
DEFAULT = Profile(
    name="default",
    match=("",),
    context=32_768,
    max_output=8_192,
    dialect="native",
    tools="full",
    prompt="full",
    sampling=_PLAIN,
)
PROFILES = (SMALL_LOCAL, LOCAL, QWEN3_CODER_API, QWEN3_CODER, QWEN_MAX, DEFAULT)


def profile_for(model: str, *, embedded: bool) -> Profile:
    """The profile of a model by its name; an embedded one is constrained and speaks text."""
    name = model.lower()
    found = next(one for one in PROFILES if any(re.search(p, name) for p in one.match))
    if not embedded:
        return found
    dialect = "hermes" if found.dialect == "native" else found.dialect
    return found.model_copy(update={"dialect": dialect, "constraint": "grammar"})
