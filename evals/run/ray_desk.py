"""The one actor of a run on ray: the keys, the slots at the model's server, news, and the end."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from qwright.evals.run.limiter import LEASE, Leases
from qwright.evals.run.ray_border import Actor, ask, tell

_OF_SERVERS = re.compile(
    r"(OPENAI|DASHSCOPE|BAILIAN|ALIBABA|OPENROUTER|MODELSCOPE|VLLM|LLAMA|OLLAMA|QWEN)_[A-Z_]+"
    r"|(?i:(https?|all|no)_proxy)"
)
"""The variables that say where a model's server is, and hold its key."""
_POLL = 30.0
"""Seconds an unanswered question is kept: whoever asked may be dead."""

NewsKind = Literal["phase", "spent", "say", "end"]


@dataclass(frozen=True, slots=True)
class News:
    """What a sample told: a phase, what a request took (JSON), or a line; "end": no more comes."""

    kind: NewsKind
    text: str = ""
    job: str = ""
    """The sample's key."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run is stopped; see `Stopping.stop`."""

    why: str = ""
    at_once: bool = False


class Desk:
    """Runs on the driver's node, in memory only: what ray is told otherwise, it writes to logs."""

    def __init__(self, requests: int | None) -> None:
        self._leases = Leases(requests) if requests else None
        self._environment: dict[str, str] = {}
        self._news: list[News] = []
        self._ending = Ending()
        self._changed = asyncio.Condition()

    async def give(self, environment: dict[str, str]) -> None:
        self._environment = environment

    async def environment(self) -> dict[str, str]:
        return self._environment

    async def acquire(self, holder: str) -> bool:
        return self._leases is None or await self._leases.acquire(holder)

    async def renew(self, holder: str) -> None:
        if self._leases:
            self._leases.renew(holder)

    async def release(self, holder: str) -> None:
        if self._leases:
            self._leases.release(holder)

    async def tell(self, news: News) -> None:
        self._news.append(news)
        await self._change()

    async def flush(self) -> None:
        """Answered after everything the same worker has told before."""

    async def news(self) -> list[News]:
        """What was told since the last question; waits (not for ever) until there is something."""
        await self._until(lambda: bool(self._news))
        taken, self._news = self._news, []
        return taken

    async def stop(self, ending: Ending) -> None:
        self._ending = ending
        await self._change()

    async def ending(self, known: Ending | None = None) -> Ending:
        """How the run is stopped; waits (not for ever) while that is as `known`."""
        if known:
            await self._until(lambda: self._ending != known)
        return self._ending

    async def _change(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, true: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL), self._changed:
                await self._changed.wait_for(true)


class DeskLimiter:
    """The slots at the desk, for the models of one worker."""

    def __init__(self, desk: Actor) -> None:
        self._desk = desk

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """See `Limiter.slot`."""
        holder = secrets.token_hex(8)
        try:
            await ask(self._desk, "acquire", holder)
            renewing = asyncio.create_task(self._renew(holder))
            try:
                yield
            finally:
                renewing.cancel()
        finally:
            tell(self._desk, "release", holder)

    async def _renew(self, holder: str) -> None:
        while True:
            await asyncio.sleep(LEASE / 4)
            tell(self._desk, "renew", holder)


def server_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What a worker on another machine must know to reach the model's server as this one does."""
    return {name: value for name, value in environ.items() if _OF_SERVERS.fullmatch(name)}
