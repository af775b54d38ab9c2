"""Which model answers: an API or local server that was named, else the embedded one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.embedded.catalogue import DEFAULT_MODEL, Entry, find, load_catalogue
from qwright.agent.endpoint import Endpoint, resolve_endpoint
from qwright.agent.errors import ConfigError
from qwright.agent.model import Model
from qwright.agent.openai_client import OpenAIModel, preload
from qwright.agent.profile import Profile, profile_for


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of `endpoint` (a server that was named) and `entry` (embedded) is set."""

    profile: Profile
    endpoint: Endpoint | None
    entry: Entry | None

    @property
    def name(self) -> str:
        if self.entry:
            return f"{self.entry.name} (embedded)"
        return self.endpoint.model if self.endpoint else ""


def choose(model: str | None, base_url: str | None) -> Choice:
    """Flags and configuration first, then the environment. Raises ConfigError."""
    names = [name for entry in load_catalogue() for name in (entry.name, *entry.aliases)]
    endpoint = resolve_endpoint(os.environ, model=model, base_url=base_url, embedded=names)
    if endpoint:
        return Choice(profile_for(endpoint.model, endpoint.provider), endpoint, None)
    named = os.environ.get("OPENAI_MODEL") or os.environ.get("QWEN_MODEL")
    entry = find(model or named or DEFAULT_MODEL)
    profile = profile_for(entry.name, "embedded").within(entry.served_context)
    return Choice(profile, None, entry)


def require_weights(choice: Choice) -> None:
    """Raises ConfigError, with the command and its size, when the weights are not here."""
    from qwright.agent.embedded.weights import is_verified, megabytes

    if choice.entry and not is_verified(choice.entry):
        raise ConfigError(
            f"the weights of {choice.entry.name} are not here yet: "
            f"qwright models pull {choice.entry.name} ({megabytes(choice.entry.size)}), "
            "or name a server with --base-url"
        )


async def connect(choice: Choice, *, verified: bool, progress: Callable[[str], None]) -> Model:
    """The model, ready to be asked; starts the embedded server where that is meant.

    `verified`: a command decides when the task is done, so a constrained model need never say so.
    Raises ConfigError, ModelError.
    """
    profile = choice.profile
    dialect = dialect_for(
        profile.dialect,
        constraint=profile.constraint,
        require_call=verified,
        raw=profile.prompt == "small",
    )
    if choice.entry:
        return await _connect_embedded(choice, choice.entry, dialect, progress)
    assert choice.endpoint is not None
    await asyncio.to_thread(preload)
    return OpenAIModel(choice.endpoint, profile, dialect)


async def _connect_embedded(
    choice: Choice, entry: Entry, dialect: Dialect, progress: Callable[[str], None]
) -> Model:
    from qwright.agent.embedded.model import EmbeddedModel
    from qwright.agent.embedded.server import ensure_server

    require_weights(choice)

    def report(done: int, total: int, label: str) -> None:
        progress(f"{label} {done * 100 // total} %" if total else label)

    start = partial(ensure_server, entry, progress=report)
    server, _ = await asyncio.gather(start(), asyncio.to_thread(preload))
    return EmbeddedModel(server, start, choice.profile, dialect)
