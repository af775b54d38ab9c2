"""The JSON of one chat completion request."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from qwright.agent.dialects import Dialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.messages import Message
from qwright.agent.model import Sampling, ToolSpec
from qwright.agent.profile import Profile

_LLAMACPP = ("top_k", "min_p", "repeat_penalty")
_VLLM = ("top_k", "min_p", "repetition_penalty")
_ANY = ("top_k", "min_p", "repetition_penalty", "repeat_penalty")
_EXTRAS: dict[Provider, tuple[str, ...]] = {
    "openai": (),
    "dashscope": ("top_k", "repetition_penalty"),
    "openrouter": _VLLM,
    "modelscope": _VLLM,
    "embedded": _LLAMACPP,
    "llamacpp": _LLAMACPP,
    "vllm": _VLLM,
    "sglang": _VLLM,
    "ollama": ("top_k", "min_p", "repeat_penalty"),
    "lmstudio": ("top_k", "min_p", "repeat_penalty"),
    "compatible": _ANY,
}
"""Sampling fields beyond OpenAI's own; vLLM and llama.cpp name the same penalty differently."""
_ALWAYS = ("model", "messages", "stream", "tools")


def request_body(
    endpoint: Endpoint,
    profile: Profile,
    dialect: Dialect,
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    *,
    sampling: Sampling | None = None,
    max_output: int | None = None,
    refused: Collection[str] = (),
) -> dict[str, Any]:
    """The body without the fields in `refused`, which the server is known to reject."""
    limit = "max_completion_tokens" if endpoint.provider == "openai" else "max_tokens"
    extra = dialect.request(tools)
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": dialect.wire(messages, tools),
        "stream": True,
        "stream_options": {"include_usage": True},
        limit: max_output or profile.max_output,
        **_sampling(sampling or profile.sampling, endpoint.provider),
        **{key: value for key, value in extra.items() if key != "extra_body"},
        **extra.get("extra_body", {}),
    }
    if endpoint.provider == "embedded":
        # Progress events while a long prompt is evaluated tell a busy server from a dead one.
        body["return_progress"] = True
    return {key: value for key, value in body.items() if key not in refused}


def _sampling(sampling: Sampling, provider: Provider) -> dict[str, Any]:
    values = asdict(sampling)
    values["repeat_penalty"] = sampling.repetition_penalty
    sent = ("temperature", "top_p", "seed", *_EXTRAS[provider])
    return {key: values[key] for key in sent if values[key] is not None}


def refused_fields(body: dict[str, Any], complaint: str) -> set[str]:
    """The fields of `body` to leave out after a 400 with this text; empty when it names none."""
    named = {key for key in body if re.search(rf"\b{re.escape(key)}\b", complaint)}
    named -= set(_ALWAYS)
    extras = set(_ANY)
    return named | (extras & body.keys() if named & extras else set())
