"""The JSON of one chat completion request."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qwright.agent.cache_markers import takes_markers, with_markers
from qwright.agent.dialects import Dialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.messages import Image, Message
from qwright.agent.model import Sampling, ToolSpec
from qwright.agent.profile import Profile
from qwright.agent.thinking import Effort, give_back, thinking_fields, thinks

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
_INSIDE = ("cache_control", "reasoning_content", "reasoning")
"""What is added to messages and can be left out again."""
_HOSTED: tuple[Provider, ...] = ("dashscope", "openrouter", "modelscope")
_ROOM_TO_THINK = 16_384
"""Tokens. Where thoughts count against the answer's limit, a small one leaves no answer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one request asks; None leaves the profile's sampling and limit, the model's effort."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    sampling: Sampling | None = None
    max_output: int | None = None
    effort: Effort | None = None


def request_body(
    endpoint: Endpoint,
    profile: Profile,
    dialect: Dialect,
    ask: Ask,
    *,
    refused: Collection[str] = (),
) -> dict[str, Any]:
    """The body without the fields in `refused`, which the server is known to reject."""
    limit = "max_completion_tokens" if endpoint.provider == "openai" else "max_tokens"
    extra = dialect.request(ask.tools)
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": _messages(endpoint, profile, dialect, ask, refused),
        "stream": True,
        "stream_options": {"include_usage": True},
        limit: _limit(endpoint, profile, ask),
        **_sampling(ask.sampling or profile.sampling, endpoint.provider),
        **thinking_fields(endpoint.provider, endpoint.model, profile, ask.effort),
        **{key: value for key, value in extra.items() if key != "extra_body"},
        **extra.get("extra_body", {}),
        **profile.extra_body,
    }
    if endpoint.provider in ("embedded", "llamacpp"):
        # Progress events while a long prompt is evaluated tell a busy server from a dead one.
        body["return_progress"] = True
    if endpoint.provider == "dashscope" and any(message.images for message in ask.messages):
        body["vl_high_resolution_images"] = True
    return {key: value for key, value in body.items() if key not in refused}


def _messages(
    endpoint: Endpoint, profile: Profile, dialect: Dialect, ask: Ask, refused: Collection[str]
) -> list[dict[str, Any]]:
    wired = dialect.wire(ask.messages, ask.tools)
    for place, message in enumerate(ask.messages):
        if message.images:
            # The wire form of a conversation is a prefix of that of its continuation.
            at = len(dialect.wire(ask.messages[: place + 1], ask.tools)) - 1
            wired[at] = _with_images(wired[at], message.images)
    if profile.keeps_thoughts:
        wired = give_back(wired, ask.messages, endpoint.provider)
    if takes_markers(endpoint) and "cache_control" not in refused:
        wired = with_markers(wired, dialect.request(ask.tools).get("tools", []))
    gone = {"reasoning", "reasoning_content"}.intersection(refused)
    return [{key: one[key] for key in one if key not in gone} for one in wired] if gone else wired


def _with_images(wired: dict[str, Any], images: Sequence[Image]) -> dict[str, Any]:
    urls = [f"data:{image.media_type};base64,{image.data}" for image in images]
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {**wired, "content": [*parts, {"type": "text", "text": wired["content"]}]}


def _limit(endpoint: Endpoint, profile: Profile, ask: Ask) -> int:
    """Tokens of the answer. Elsewhere than in a hosted service they must also fit the window."""
    wanted = ask.max_output or profile.max_output
    if endpoint.provider in _HOSTED and thinks(profile, ask.effort):
        return max(wanted, min(profile.max_output, _ROOM_TO_THINK))
    return wanted


def _sampling(sampling: Sampling, provider: Provider) -> dict[str, Any]:
    values = asdict(sampling)
    values["repeat_penalty"] = sampling.repetition_penalty
    if _EXTRAS[provider] is _LLAMACPP and sampling.temperature is not None:
        # Qwen is to be sampled without, and llama.cpp's own default is 0.05.
        values["min_p"] = sampling.min_p or 0.0
    sent = ("temperature", "top_p", "seed", *_EXTRAS[provider])
    return {key: values[key] for key in sent if values[key] is not None}


def refused_fields(body: dict[str, Any], complaint: str) -> set[str]:
    """The fields to leave out after a 400 with this text; empty when it names none.

    Fields of `body`, and what is added to its messages: `cache_control` and former thoughts.
    """
    present = body.keys() | _added(body)
    named = {key for key in present if re.search(rf"\b{re.escape(key)}\b", complaint)}
    if "reasoning_effort" in body and re.search(r"\bthink value\b", complaint):
        named.add("reasoning_effort")  # Ollama's word for it
    if "thinking_budget" in complaint and "thinking_budget" not in body:
        named |= body.keys() & {"enable_thinking"}  # some models must not think without a budget
    named -= set(_ALWAYS)
    extras = set(_ANY)
    return named | (extras & body.keys() if named & extras else set())


def _added(body: dict[str, Any]) -> set[str]:
    text = json.dumps(body.get("messages", []))
    return {key for key in _INSIDE if f'"{key}": ' in text}
