"""The model as another agent is given it: its requests forwarded, counted, limited and logged."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from qwright.agent import events as ev
from qwright.agent.cost import cost_of
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import (
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
)
from qwright.agent.limits import Budget
from qwright.agent.messages import Message
from qwright.agent.model import Chunk, Model, Sampling, ToolSpec, Usage
from qwright.agent.profile import Profile
from qwright.agent.retry import is_transient
from qwright.agent.server_chunk import ServerChunk, read_chunk
from qwright.agent.tokens import tokens_in
from qwright.evals.peers.gateway import Answer

if TYPE_CHECKING:
    from httpx2 import AsyncClient

_CONNECT, _STALL = 10.0, 600.0
"""Seconds."""
_UNAVAILABLE = 503

Hear = Callable[[ev.Event], None]
Wrap = Callable[[Model], Model]


class ServedModel:
    """Answers the other agent's requests from an endpoint, within a budget.

    The agent sees failures of the server, and tries again as it is made to.
    """

    def __init__(
        self, endpoint: Endpoint, profile: Profile, budget: Budget, wrap: Wrap, hear: Hear
    ) -> None:
        """`wrap` may limit how many requests there are at a time; `hear` is told of each."""
        self.failure: ModelError | None = None
        """Of the last request: the server's, not the agent's."""
        self._endpoint = endpoint
        self._profile = profile
        self._budget = budget
        self._wrap = wrap
        self._hear = hear
        self._client = _client(endpoint)

    async def ask(self, request: dict[str, JsonValue]) -> Answer:
        """Forward one chat request. Raises Stop at a limit, ModelAuthError, ModelStatusError."""
        self._budget.check_spending()
        self._hear(ev.TurnStarted(turn=self._budget.next_turn()))
        request |= {"model": self._endpoint.model, "stream": False}
        request.pop("stream_options", None)
        if "max_completion_tokens" not in request:
            # As our own agent: a small model that goes round in circles would fill its window.
            request.setdefault("max_tokens", self._profile.max_output)
        answer = await self._forward(request)
        self._judge(answer)
        if answer.status == 200:
            self._note(request, answer)
        return answer

    async def close(self) -> None:
        await self._client.aclose()

    async def _forward(self, request: dict[str, JsonValue]) -> Answer:
        sending = _Sending(self._client, request)
        # Through the same limiter as our own agent's requests.
        async for _ in self._wrap(sending).stream([], []):
            pass
        return sending.answer

    def _judge(self, answer: Answer) -> None:
        self.failure = None
        if answer.status < 400:
            return
        said = " ".join(answer.body.decode(errors="replace").split())[:200]
        if answer.status in (401, 403):
            raise ModelAuthError(f"the server refused the key ({answer.status}): {said}")
        where = self._endpoint.shown_url
        error = ModelStatusError(f"{where} answered {answer.status}: {said}", answer.status)
        if answer.status == 404:
            raise error
        if answer.status == _UNAVAILABLE and not said:
            self.failure = ModelConnectionError(f"no connection to {where}: is the server running?")
        elif is_transient(error):
            self.failure = error

    def _note(self, request: dict[str, JsonValue], answer: Answer) -> None:
        chunk = _read(answer.body)
        delta = chunk.delta
        if delta.reasoning:
            self._hear(ev.ReasoningDelta(text=delta.reasoning))
        if delta.content:
            self._hear(ev.TextDelta(text=delta.content))
        usage = chunk.usage or Usage()
        if not usage.prompt and not usage.completion:
            prompt = tokens_in(json.dumps(request.get("messages")))
            usage = replace(
                usage, prompt=prompt, completion=tokens_in(delta.content), estimated=True
            )
        self._hear(self._budget.spend(usage, cost_of(usage, self._profile)))


class _Sending:
    """One request, in the form that limiters of requests wrap: a model without chunks."""

    def __init__(self, client: AsyncClient, request: dict[str, JsonValue]) -> None:
        self.answer = Answer(_UNAVAILABLE, b"")
        self._client = client
        self._request = request

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        import httpx2

        with suppress(httpx2.TransportError):
            reply = await self._client.post("chat/completions", json=self._request)
            self.answer = Answer(reply.status_code, reply.content)
        for chunk in tuple[Chunk, ...]():
            yield chunk

    async def close(self) -> None:
        pass


def _client(endpoint: Endpoint) -> AsyncClient:
    from httpx2 import AsyncClient, Timeout

    plain = endpoint.is_loopback and endpoint.base_url.startswith("http:")
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    return AsyncClient(
        base_url=endpoint.base_url.rstrip("/") + "/",
        headers=headers,
        timeout=Timeout(_STALL, connect=_CONNECT),
        trust_env=not plain,
        verify=not plain,
    )


def _read(body: bytes) -> ServerChunk:
    """What an answer in one piece holds, read as the one event of a stream."""
    try:
        data = cast(JsonValue, json.loads(body))
    except ValueError:
        return ServerChunk()
    choices = data.get("choices") if isinstance(data, dict) else None
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict):
            choice["delta"] = choice.get("message")
    return read_chunk(data)
