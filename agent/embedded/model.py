"""The model behind the embedded server, as the loop sees it."""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress

from qwright.agent.dialects import Dialect
from qwright.agent.embedded.errors import ServerError
from qwright.agent.embedded.prefix import warm
from qwright.agent.embedded.record import record_path
from qwright.agent.embedded.server import Endpoint as Server
from qwright.agent.embedded.server import answers
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import ModelConnectionError, ModelError
from qwright.agent.messages import Message
from qwright.agent.model import Chunk, RetryChunk, Sampling, ToolSpec
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import Profile
from qwright.agent.retry import RetryPolicy, retry_wait

RESTARTS = 2
"""How often a server that ended is started again."""
TOUCH_SECONDS = 60.0
_WARMED: defaultdict[Server, list[object]] = defaultdict(list)
"""The prefixes each server was given by this process. Once only: later the engine may hold a whole
conversation, which is worth more."""


class EmbeddedModel:
    """An OpenAIModel whose server is kept, warmed and, when it ends, started again by `start`."""

    def __init__(
        self,
        server: Server,
        start: Callable[[], Awaitable[Server]],
        profile: Profile,
        dialect: Dialect,
        *,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._start = start
        self._profile = profile
        self._dialect = dialect
        self._retries = retries or RetryPolicy()
        self._restarts = 0
        self._touching: asyncio.Task[None] | None = None
        self._serve_from(server)

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """As `Model.stream`. Raises ServerError when the server ended once too often."""
        self._touching = self._touching or asyncio.create_task(self._touch())
        failures = 0
        while True:
            try:
                await self._warm(messages, tools)
                asked = self._model.stream(
                    messages, tools, sampling=sampling, max_output=max_output
                )
                async with aclosing(asked) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except ModelError as error:
                failures += 1
                wait = await self._wait_after(error, failures)
                reason = str(error)
            yield RetryChunk(reason, failures, wait or 0.0)
            if wait is None:
                await self._restart()
            else:
                await asyncio.sleep(wait)

    async def close(self) -> None:
        if self._touching:
            self._touching.cancel()
            self._touching = None
        await self._model.close()

    def _serve_from(self, server: Server) -> None:
        self._server = server
        endpoint = Endpoint(server.base_url, server.key, server.model, "embedded")
        never = RetryPolicy(retries=0)
        self._model = OpenAIModel(endpoint, self._profile, self._dialect, retries=never)

    async def _warm(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> None:
        head = [message for message in messages[:1] if message.role == "system"]
        system = self._dialect.wire(head, tools)
        if system and system not in _WARMED[self._server]:
            _WARMED[self._server].append(system)
            await warm(self._server, system)

    async def _wait_after(self, error: ModelError, failures: int) -> float | None:
        """Seconds until the next try; None when the server has to be started first."""
        if isinstance(error, ModelConnectionError) and not await answers(self._server):
            self._restarts += 1
            if self._restarts > RESTARTS:
                line = f"the server of {self._server.model} ended {self._restarts} times"
                raise ServerError(f"{line}; see {self._server.log}") from error
            return None
        wait = retry_wait(error, failures, self._retries, jitter=random.random())
        if wait is None:
            raise error
        return wait

    async def _restart(self) -> None:
        await self._model.close()
        self._serve_from(await self._start())

    async def _touch(self) -> None:
        """Tell the server that somebody is there, so that it does not leave."""
        while True:
            with suppress(OSError):
                os.utime(record_path(self._server.model))
            await asyncio.sleep(TOUCH_SECONDS)
