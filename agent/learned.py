"""What was learned of a model on a server, kept for the next run: facts, refusals, a dialect."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from qwright.agent.dialects import DialectName
from qwright.agent.endpoint import Endpoint
from qwright.agent.server_info import ServerInfo
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.durable import read_json, write_json
from qwright.sandbox.errors import WorkspaceError

FACTS_SECONDS = 6 * 3600.0
"""How long what a server said of itself is taken for true."""
HABITS_SECONDS = 30 * 24 * 3600.0
"""How long a dialect and refused fields are; a server may be started anew with other flags."""
MOST = 200
"""Entries; the oldest make room."""
_STRAYED = 3
"""Answers with calls as text after which a server is not expected to read calls any more."""


class Learned(BaseModel):
    """Empty where nothing was learned. Times are seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: float = 0.0
    """When the habits, which are all but `info` and `asked`, were last confirmed or changed."""
    asked: float = 0.0
    info: ServerInfo | None = None
    dialect: DialectName | None = None
    """What to speak instead of native calls, which this server refused or did not read."""
    unbound: bool = False
    """Whether the server refused the schema or grammar that calls were to be held to."""
    strayed: int = 0
    """Answers in a row with calls that the server left in the text."""
    refused: tuple[str, ...] = ()
    """Fields of a request that the server rejects."""
    window: int | None = None
    """Tokens, as a server named them when it refused a request that was too long."""


def recall(endpoint: Endpoint, *, now: float | None = None) -> Learned:
    """What is still valid of what was learned. Never raises: a damaged file has taught nothing."""
    now = time.time() if now is None else now
    try:
        found = Learned.model_validate(_read().get(_name(endpoint), {}))
    except ValidationError:
        return Learned()
    if not 0 <= now - found.at < HABITS_SECONDS:
        found = Learned(asked=found.asked, info=found.info)
    if not 0 <= now - found.asked < FACTS_SECONDS:
        found = found.model_copy(update={"info": None, "asked": 0.0})
    return found


def remember(endpoint: Endpoint, learned: Learned) -> None:
    """Keep it. What cannot be written, on a full disk say, is learned again next time."""
    if endpoint.provider == "embedded":
        return  # known, and at another address each time
    entries = _read()
    entries.pop(_name(endpoint), None)
    entries[_name(endpoint)] = learned.model_dump(mode="json", exclude_defaults=True)
    kept = dict(list(entries.items())[-MOST:])
    try:
        write_json(_file(), {"servers": kept})
    except WorkspaceError:
        return


def remember_info(endpoint: Endpoint, info: ServerInfo) -> Learned:
    """Keep what a server said of itself, and what else is known of it."""
    # The template is long, and what matters of it is its dialect.
    facts = replace(info, template=None)
    learned = recall(endpoint).model_copy(update={"info": facts, "asked": time.time()})
    remember(endpoint, learned)
    return learned


def spoken_form(text: str) -> DialectName:
    """The form in which an answer's text holds its calls."""
    if "<function=" in text:
        return "xml"
    return "tools" if "<tools>" in text else "hermes"


class Notes(Protocol):
    """Hears what happens between qwright and one server."""

    @property
    def refused(self) -> Collection[str]:
        """Fields of a request that the server is known to reject."""
        ...

    def fields_refused(self, fields: Collection[str]) -> None:
        """The server rejects these fields of a request."""
        ...

    def window_found(self, tokens: int) -> None:
        """The server named its window in refusing a request."""
        ...

    def called(self, *, native: bool, text: str) -> None:
        """An answer to a request with native tools held calls; in `text` unless `native`."""
        ...


class Lessons:
    """Keeps at once what is worth keeping for the next run.

    `fallback` is what to speak where the server turns out not to take native calls.
    """

    def __init__(self, endpoint: Endpoint, fallback: DialectName) -> None:
        self._endpoint = endpoint
        self._fallback: DialectName = fallback

    @property
    def refused(self) -> tuple[str, ...]:
        return recall(self._endpoint).refused

    def fields_refused(self, fields: Collection[str]) -> None:
        known = recall(self._endpoint)
        refused = tuple(sorted({*known.refused, *fields}))
        self._keep(known, refused=refused)

    def tools_refused(self) -> None:
        """The server does not take the tools of a request."""
        self._keep(recall(self._endpoint), dialect=self._fallback)

    def constraint_refused(self) -> None:
        """The server cannot use the schema or grammar of a request."""
        self._keep(recall(self._endpoint), unbound=True)

    def window_found(self, tokens: int) -> None:
        self._keep(recall(self._endpoint), window=tokens)

    def called(self, *, native: bool, text: str) -> None:
        known = recall(self._endpoint)
        if native:
            if known.strayed:
                self._keep(known, strayed=0)
            return
        strayed = known.strayed + 1
        dialect = spoken_form(text) if strayed >= _STRAYED else known.dialect
        self._keep(known, strayed=strayed, dialect=dialect)

    def _keep(self, known: Learned, **changes: object) -> None:
        remember(self._endpoint, known.model_copy(update={**changes, "at": time.time()}))


def _file() -> Path:
    return state_dir() / "learned.json"


def _name(endpoint: Endpoint) -> str:
    # Without the password that a URL may hold.
    return f"{endpoint.shown_url} {endpoint.model}"


def _read() -> dict[str, Any]:
    try:
        servers: object = read_json(_file()).get("servers")
    except WorkspaceError:
        return {}
    return cast("dict[str, Any]", servers) if isinstance(servers, dict) else {}
