"""The models a person can switch to: those of the server in use, those here, those to fetch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qwright.agent.choice import Choice, choose, choose_embedded
from qwright.agent.discover import Found, discover
from qwright.agent.embedded.catalogue import Entry, load_catalogue
from qwright.agent.endpoint import Endpoint, names_server
from qwright.agent.language import say
from qwright.agent.repl.columns import one_line
from qwright.agent.server_info import describe

if TYPE_CHECKING:
    from qwright.agent.chat import Chat

_ENGINE = "xllamacpp"
_LISTED = 300
_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that could be had. `base_url`: of its server, where the name does not say it."""

    name: str
    detail: str = ""
    base_url: str | None = None

    @property
    def label(self) -> str:
        return one_line(self.name, 80)


async def offers(chat: Chat) -> list[Offer]:
    """What the server in use lists, what else is found on this machine, what could be fetched."""
    endpoint = chat.choice.endpoint
    served, found = await asyncio.gather(_served(endpoint), discover(os.environ, timeout=_SECONDS))
    others = [one for one in found if endpoint is None or one.base_url != endpoint.base_url]
    here = {one.model for one in found if one.kind == "embedded"}
    return [*served, *map(_found, others), *_to_fetch(here)]


def choice_of(chat: Chat, name: str, base_url: str | None = None) -> Choice:
    """The choice of a model by its name: of the server in use where the name says no other.

    Raises ConfigError for a name no server is known for.
    """
    own, endpoint = chat.setting.config.profile, chat.choice.endpoint
    if base_url is None and _is_embedded(name):
        chosen = choose_embedded(name, own)
    else:
        if base_url is None and endpoint and (name in _listed(chat) or not names_server(name)):
            base_url = endpoint.base_url
        chosen = choose(name, base_url, own)
    return replace(chosen, effort=chat.choice.effort)


async def fetch(entry: Entry, progress: Callable[[str], None]) -> None:
    """Bring the weights here; `progress` hears which share has come. Raises WeightsError."""
    from qwright.agent.embedded.weights import pull_cancellable

    loop = asyncio.get_running_loop()

    def report(done: int, total: int, label: str) -> None:
        share = f" {done * 100 // total} %" if total else ""
        loop.call_soon_threadsafe(progress, f"{label}{share}")

    await pull_cancellable(entry, report)


def completions(chat: Chat, typed: str) -> Sequence[str]:
    """Names known without asking anybody."""
    names = [*_listed(chat), *(one.name for one in load_catalogue())]
    return [name for name in names if typed.lower() in name.lower()]


def _listed(chat: Chat) -> Sequence[str]:
    """What the server in use listed when it was asked first."""
    info = chat.choice.info
    return info.models if info else ()


def _is_embedded(name: str) -> bool:
    wanted = name.lower()
    return any(wanted == one.name or wanted in one.aliases for one in load_catalogue())


async def _served(endpoint: Endpoint | None) -> list[Offer]:
    if endpoint is None:
        return []
    info = await describe(endpoint)
    where = say("commands.on_server", url=endpoint.shown_url)
    names = info.models[:_LISTED] or (endpoint.model,)
    return [Offer(name, where, endpoint.base_url) for name in names]


def _found(found: Found) -> Offer:
    return Offer(found.model, found.why)


def _to_fetch(here: set[str]) -> Iterator[Offer]:
    from qwright.agent.embedded.weights import megabytes

    for entry in load_catalogue() if find_spec(_ENGINE) else ():
        if entry.name not in here:
            size = megabytes(entry.size)
            yield Offer(entry.name, say("commands.to_fetch", size=size))
