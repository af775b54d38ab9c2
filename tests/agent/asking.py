from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.errors import ModelError
from qwright.agent.messages import Message
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    Model,
    RetryChunk,
)
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import profile_for
from qwright.agent.retry import RetryPolicy
from tests.agent.replay import Script, Server, serving
from tests.agent.streams import stream_bytes
from tests.agent.tool_specs import TOOLS

ASK = [Message(role="system", content="S"), Message(role="user", content="Go.")]
QUICK = RetryPolicy(retries=2, first=0.001)
OK = stream_bytes("vllm-native")
KEY = "sk-secret-1234"


def model_at(
    url: str,
    *,
    dialect: Dialect | None = None,
    provider: Provider = "compatible",
    key: str = KEY,
    stall: float | None = None,
    retries: RetryPolicy = QUICK,
) -> OpenAIModel:
    endpoint = Endpoint(url, key, "m1", provider)
    chosen = dialect or NativeDialect()
    return OpenAIModel(endpoint, profile_for("qwen3-coder"), chosen, retries=retries, stall=stall)


async def collect(model: Model, into: list[Chunk] | None = None) -> list[Chunk]:
    seen: list[Chunk] = [] if into is None else into
    async for chunk in model.stream(ASK, TOOLS):
        seen.append(chunk)
    return seen


def ask(script: Script, **options: Any) -> tuple[list[Chunk], Server]:
    async def main() -> tuple[list[Chunk], Server]:
        async with serving(script) as server:
            model = model_at(server.url, **options)
            try:
                return await collect(model), server
            finally:
                await model.close()

    return asyncio.run(main())


def failure(script: Script, *, models: Sequence[str] = (), **options: Any) -> tuple[str, Server]:
    """The line of the ModelError, checked to be one line without the key."""

    async def main() -> tuple[str, Server]:
        async with serving(script, models=models) as server:
            model = model_at(server.url, **options)
            with pytest.raises(ModelError) as caught:
                await collect(model)
            await model.close()
            return str(caught.value), server

    line, server = asyncio.run(main())
    assert "\n" not in line
    assert KEY not in line
    assert server.url in line
    return line, server


def calls(chunks: list[Chunk]) -> list[tuple[str, dict[str, Any]]]:
    found = [chunk.call for chunk in chunks if isinstance(chunk, CallChunk)]
    return [(call.name, call.arguments) for call in found if call.error is None]


def retries(chunks: list[Chunk]) -> list[RetryChunk]:
    return [chunk for chunk in chunks if isinstance(chunk, RetryChunk)]


def finish(chunks: list[Chunk]) -> Finish:
    last = chunks[-1]
    assert isinstance(last, Finish)
    return last
