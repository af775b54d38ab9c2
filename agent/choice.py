"""Which model answers: an API or local server that was named, else the embedded one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.embedded.catalogue import DEFAULT_MODEL, Entry, find, load_catalogue
from qwright.agent.endpoint import Endpoint, Provider, resolve_endpoint
from qwright.agent.errors import ConfigError
from qwright.agent.fallback import Fallback
from qwright.agent.fitting import fitted, profile_behind, small_window, text_form
from qwright.agent.learned import Learned, Lessons, recall, remember_info
from qwright.agent.model import Model
from qwright.agent.openai_client import OpenAIModel, preload
from qwright.agent.profile import OwnProfile, Profile, profile_for
from qwright.agent.server_info import HOSTED, ServerInfo, describe
from qwright.agent.thinking import Effort, without_thoughts

if TYPE_CHECKING:
    from qwright.agent.embedded.server import Endpoint as Server


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of `endpoint` (a server that was named) and `entry` (embedded) is set."""

    profile: Profile
    endpoint: Endpoint | None
    entry: Entry | None
    own: tuple[OwnProfile, ...] = ()
    """What the user's configuration says of models."""
    info: ServerInfo | None = None
    """What the server said of itself; None before `settle`, and for the embedded one."""
    effort: Effort | None = None
    """How much the model is to think; None: as much as is its default."""

    @property
    def name(self) -> str:
        if self.entry:
            return f"{self.entry.name} (embedded)"
        return self.endpoint.model if self.endpoint else ""

    @property
    def provider(self) -> Provider:
        return self.endpoint.provider if self.endpoint else "embedded"


def choose(model: str | None, base_url: str | None, own: Sequence[OwnProfile] = ()) -> Choice:
    """Flags and configuration first, then the environment. Raises ConfigError."""
    names = [name for entry in load_catalogue() for name in (entry.name, *entry.aliases)]
    endpoint = resolve_endpoint(os.environ, model=model, base_url=base_url, embedded=names)
    if endpoint:
        profile = profile_for(endpoint.model, endpoint.provider, own=own)
        return Choice(profile, endpoint, None, tuple(own))
    named = os.environ.get("OPENAI_MODEL") or os.environ.get("QWEN_MODEL")
    return choose_embedded(model or named or DEFAULT_MODEL, own)


def choose_embedded(name: str, own: Sequence[OwnProfile] = ()) -> Choice:
    """The embedded model of that name, whatever server is configured. Raises ConfigError."""
    entry = find(name)
    profile = profile_for(entry.name, "embedded", own=own).within(entry.served_context)
    return Choice(profile, None, entry, tuple(own))


def require_weights(choice: Choice) -> None:
    """Raises ConfigError, with the command and its size, when the weights are not here."""
    from qwright.agent.embedded.weights import is_verified, megabytes

    if choice.entry and not is_verified(choice.entry):
        raise ConfigError(
            f"the weights of {choice.entry.name} are not here yet: "
            f"qwright models pull {choice.entry.name} ({megabytes(choice.entry.size)}), "
            "or name a server with --base-url"
        )


async def settle(choice: Choice, *, progress: Callable[[str], None]) -> Choice:
    """`choice` with a profile fitted to what its server is: asked now, or learned before.

    A hosted service is asked nothing. Never raises; `progress` hears of too small a window.
    """
    endpoint = choice.endpoint
    if endpoint is None:
        return choice
    await asyncio.to_thread(preload)
    learned = recall(endpoint)
    if endpoint.provider not in HOSTED:
        learned = await _ask(endpoint, learned)
    info = learned.info or ServerInfo(endpoint.provider)
    known = profile_behind(endpoint.model, info, choice.own)
    if line := small_window(known, info):
        progress(line)
    return replace(
        choice,
        profile=without_thoughts(fitted(known, info, learned), choice.effort),
        endpoint=replace(endpoint, provider=info.provider),
        info=info,
    )


async def _ask(endpoint: Endpoint, learned: Learned) -> Learned:
    before = learned.info
    # A server of this machine answers in milliseconds, and is often started anew.
    if before and not endpoint.is_loopback:
        return learned
    info = await describe(endpoint)
    if before and info.context is None:
        # Ollama knows the window of a model only while that is loaded.
        info = replace(info, context=before.context)
    if not info.answered or replace(info, template=None) == before:
        return learned
    return remember_info(endpoint, info)


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
    info = choice.info or ServerInfo(choice.endpoint.provider)
    form = text_form(profile, info)
    lessons = Lessons(choice.endpoint, form)
    fallback = Fallback(
        native=profile.dialect == "native",
        form=form,
        constraint=profile.constraint,
        held=info.constraint,
        require_call=verified,
        lessons=lessons,
    )
    return OpenAIModel(
        choice.endpoint,
        profile,
        dialect,
        effort=choice.effort,
        fallback=fallback,
        notes=lessons,
    )


async def serve(choice: Choice, *, progress: Callable[[str], None]) -> Endpoint:
    """The embedded server that was chosen, started when it does not run.

    Raises ConfigError, ModelError.
    """
    assert choice.entry is not None
    server = await _starter(choice, choice.entry, progress)()
    return Endpoint(server.base_url, server.key, server.model, "embedded")


def _starter(
    choice: Choice, entry: Entry, progress: Callable[[str], None]
) -> Callable[[], Coroutine[object, object, Server]]:
    from qwright.agent.embedded.server import ensure_server

    require_weights(choice)

    def report(done: int, total: int, label: str) -> None:
        progress(f"{label} {done * 100 // total} %" if total else label)

    return partial(ensure_server, entry, progress=report)


async def _instead() -> str:
    """What else is here that would do, as the end of a sentence."""
    from qwright.agent.discover import discover, usable

    here = [one.model for one in usable(await discover(os.environ)) if one.local]
    return f", or use what is here: -m {here[0]}" if here else ""


async def _connect_embedded(
    choice: Choice, entry: Entry, dialect: Dialect, progress: Callable[[str], None]
) -> Model:
    from qwright.agent.embedded.model import EmbeddedModel

    try:
        start = _starter(choice, entry, progress)
    except ConfigError as error:
        raise ConfigError(f"{error}{await _instead()}") from None
    server, _ = await asyncio.gather(start(), asyncio.to_thread(preload))
    return EmbeddedModel(server, start, choice.profile, dialect)
