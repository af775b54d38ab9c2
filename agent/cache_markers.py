"""Marks in a request that make a hosted Qwen cache what the next turn will send again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qwright.agent.endpoint import Endpoint

HEADERS = {"X-DashScope-CacheControl": "enable"}
_LEAST = 4_096
"""Characters, about the 1,024 tokens below which nothing is cached."""


def takes_markers(endpoint: Endpoint) -> bool:
    """DashScope, and Alibaba's models behind OpenRouter, cache for certain only when told to."""
    if endpoint.provider == "openrouter":
        return endpoint.model.startswith("qwen/")
    return endpoint.provider == "dashscope"


def with_markers(
    wired: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The system message and the last one marked: what is before a mark is kept five minutes.

    Each turn finds the mark of the turn before, so that an agent pays a tenth for all but what is
    new. Messages without a mark are left as they are, byte for byte.
    """
    size = len(json.dumps(tools)) + sum(len(str(message["content"])) for message in wired)
    if not wired or size < _LEAST:
        return list(wired)
    marked = list(wired)
    first = 0 if wired[0]["role"] == "system" else len(wired) - 1
    for place in {first, len(wired) - 1}:
        marked[place] = _marked(wired[place])
    return marked


def _marked(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if not content:
        return message
    whole = [{"type": "text", "text": content}] if isinstance(content, str) else content
    parts: list[dict[str, Any]] = list(whole)
    parts[-1] = {**parts[-1], "cache_control": {"type": "ephemeral"}}
    return {**message, "content": parts}
