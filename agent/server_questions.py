"""The questions by which model servers can be told apart, asked all at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import quote

from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.endpoint import Endpoint

if TYPE_CHECKING:
    from httpx2 import AsyncClient

Answers = Mapping[str, JsonValue]
"""By question; only what was answered with status 200 and JSON."""
Listing = Literal["models", "tags"]
"""What every server lists, and what Ollama lists of its own: there the models of its cloud show."""
_LARGEST = 4_000_000
"""Bytes of an answer; OpenRouter's list of models has about one million."""


async def ask(endpoint: Endpoint, seconds: float, listing: Listing | None = None) -> Answers:
    """What the server answers within `seconds`. `listing`: to no question but this one."""
    lists = _lists(endpoint)
    asked = {listing: lists[listing]} if listing else _urls(endpoint)
    answers: dict[str, JsonValue] = {}

    async def one(http: AsyncClient, question: str, url: str) -> None:
        answer = await _answer(http, question, url, endpoint.model)
        if answer is not None:
            answers[question] = answer

    async with _client(endpoint) as http:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for question, url in asked.items():
                    group.create_task(one(http, question, url))
    return answers


def _lists(endpoint: Endpoint) -> dict[Listing, str]:
    base = endpoint.base_url
    return {"models": f"{base}/models", "tags": f"{base.removesuffix('/v1')}/api/tags"}


def _urls(endpoint: Endpoint) -> dict[str, str]:
    base = endpoint.base_url
    root = base.removesuffix("/v1")
    return {
        "models": f"{base}/models",
        # llama.cpp's router has a template for each model, and must not load one for this.
        "props": f"{root}/props?model={quote(endpoint.model, safe='')}&autoload=false",
        "version": f"{root}/version",
        # Never /server_info: SGLang puts its own keys into that.
        "sglang": f"{root}/get_model_info",
        "ollama_version": f"{root}/api/version",
        "ps": f"{root}/api/ps",
        "show": f"{root}/api/show",
        "lmstudio": f"{root}/api/v0/models",
    }


def _client(endpoint: Endpoint) -> AsyncClient:
    from httpx2 import AsyncClient

    # As for the model's own requests: no proxy between this machine and itself.
    plain = endpoint.is_loopback and endpoint.base_url.startswith("http:")
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    return AsyncClient(headers=headers, trust_env=not plain, verify=not plain, timeout=None)


async def _answer(http: AsyncClient, question: str, url: str, model: str) -> JsonValue:
    """None where there is no answer that can be read."""
    import httpx2

    body = {"model": model} if question == "show" else None
    try:
        async with http.stream("POST" if body else "GET", url, json=body) as reply:
            if reply.status_code != 200:
                return None
            read = bytearray()
            async for piece in reply.aiter_bytes():
                read += piece
                if len(read) > _LARGEST:
                    return None
        return cast(JsonValue, json.loads(bytes(read)))
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError):
        return None
