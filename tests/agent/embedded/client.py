"""A bare client of the embedded server, for tests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from qwright.agent.embedded.server import Endpoint


def call(
    endpoint: Endpoint, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one request; `path` is from the server's root."""
    request = urllib.request.Request(
        endpoint.base_url.removesuffix("/v1") + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {endpoint.key if key is None else key}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def chat(endpoint: Endpoint, *texts: str, tokens: int = 4) -> dict[str, Any]:
    """The answer to a system message and one user message after the other."""
    messages = [{"role": "user", "content": text} for text in texts]
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0}
    status, answer = call(endpoint, "/v1/chat/completions", body)
    assert status == 200, answer
    return answer
