"""The models a person can switch to: those of the server in use, those here, those to fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qwright.agent.choice import Choice, choose
from qwright.agent.endpoint import Endpoint, names_server
from qwright.agent.language import say
from qwright.agent.repl.columns import one_line
from qwright.agent.server_info import describe

if TYPE_CHECKING:
    from qwright.agent.chat import Chat

_LISTED = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that could be had. `base_url` names its server where the name does not."""

    name: str
    base_url: str | None = None
    detail: str = ""
    pull: bool = False
    """Whether its weights must be fetched before."""

    @property
    def label(self) -> str:
        return one_line(self.name, 80)

    def is_named(self, name: str) -> bool:
        return name.split(" (")[0] == self.name


async def offers(chat: Chat) -> list[Offer]:
    """The embedded models, then what the server in use lists, then what answers on this machine."""
    endpoint = chat.choice.endpoint
    served = await _served(endpoint) if endpoint else []
    embedded = await asyncio.to_thread(lambda: list(_embedded()))
    here = [one for one in embedded if not one.pull]
    return [*served, *here, *(one for one in embedded if one.pull)]


def choice_of(chat: Chat, name: str, base_url: str | None) -> Choice:
    """The choice of a model by its name: of the server in use where the name says no other.

    Raises ConfigError for a name no server is known for.
    """
    endpoint = chat.choice.endpoint
    if base_url is None and endpoint and not _is_embedded(name) and not names_server(name):
        base_url = endpoint.base_url
    chosen = choose(name, base_url, chat.config.profile)
    return replace(chosen, effort=chat.choice.effort)


def _is_embedded(name: str) -> bool:
    from qwright.agent.embedded.catalogue import load_catalogue

    wanted = name.lower()
    return any(wanted == one.name or wanted in one.aliases for one in load_catalogue())


async def _served(endpoint: Endpoint) -> list[Offer]:
    info = await describe(endpoint)
    names = info.models[:_LISTED] or (endpoint.model,)
    where = say("commands.on_server", url=endpoint.shown_url)
    return [Offer(name, endpoint.base_url, where) for name in names]


def _embedded() -> Iterator[Offer]:
    from qwright.agent.embedded.catalogue import load_catalogue
    from qwright.agent.embedded.weights import is_verified, megabytes

    for entry in load_catalogue():
        size = megabytes(entry.size)
        if is_verified(entry):
            yield Offer(entry.name, detail=say("commands.embedded_here", size=size))
        else:
            yield Offer(entry.name, detail=say("commands.embedded_pull", size=size), pull=True)
