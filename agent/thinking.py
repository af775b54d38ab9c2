"""How much a model thinks: asked for differently by each server, and given back afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from qwright.agent.endpoint import Provider
from qwright.agent.language import say
from qwright.agent.messages import Message
from qwright.agent.profile import Profile

Effort = Literal["off", "low", "medium", "high", "max"]

_RANKS = {"off": 0, "minimal": 1, "low": 2, "medium": 3, "high": 4, "xhigh": 5, "max": 6}
_BUDGETS = {"low": 4_096, "medium": 16_384, "high": 32_768}
"""Tokens of thought, for DashScope's hybrid models without a scale; at "max" their own limit."""
_LOCAL_DEFAULT: dict[Provider, Effort] = {
    "vllm": "medium",
    "sglang": "medium",
    "llamacpp": "low",
    "embedded": "low",
    "ollama": "low",
}
"""For models with a scale: their own default is its upper end, which locally takes minutes."""
_WORDS: dict[Provider, dict[str, str]] = {
    "openai": {"off": "none", "max": "high"},
    "ollama": {"off": "none"},
    "lmstudio": {"off": "none", "max": "high"},
    "openrouter": {"max": "xhigh"},
}
"""How these call what they do not call as we do. Ollama fits its words to the model by itself."""
_OPENAI_THINKS = re.compile(r"o\d|gpt-([5-9]|oss)")
_GIVEN_BACK: dict[Provider, tuple[str, ...]] = {
    "dashscope": ("reasoning_content",),
    "modelscope": ("reasoning_content",),
    # Of the two names vLLM reads the one or the other, by version.
    "vllm": ("reasoning", "reasoning_content"),
    "sglang": ("reasoning_content",),
    "llamacpp": ("reasoning_content",),
    "embedded": ("reasoning_content",),
    "openrouter": ("reasoning",),
    "ollama": ("reasoning",),
}
"""The fields of an assistant message that a server reads its former thoughts from."""


def thinking_fields(
    provider: Provider, model: str, profile: Profile, effort: Effort | None
) -> dict[str, Any]:
    """The request fields for `effort`; None leaves the model its default, except on local servers.

    A model that cannot do as asked gets what comes nearest, or nothing: see `effort_notice`.
    """
    if provider == "openai":
        return _openai(model, effort)
    wanted = effort or (_LOCAL_DEFAULT.get(provider) if profile.efforts else None)
    fields: dict[str, Any] = {}
    if profile.thinking == "none":
        return fields
    if provider in ("dashscope", "modelscope"):
        fields = {**_switches(profile, wanted), **_budget(profile, wanted)}
        if "reasoning_effort" in fields:
            # Which turns thinking on by itself; of two switches it is not said which one wins.
            fields.pop("enable_thinking", None)
    elif provider == "openrouter":
        fields = {"reasoning": _reasoning(profile, wanted)} if wanted else {}
    elif provider in ("ollama", "lmstudio"):
        fields = {"reasoning_effort": _word(provider, profile, wanted)} if wanted else {}
    elif effort or provider != "compatible":
        fields = {"chat_template_kwargs": _switches(profile, wanted)}
    return {key: value for key, value in fields.items() if value != {}}


def _openai(model: str, effort: Effort | None) -> dict[str, Any]:
    if not (effort and _OPENAI_THINKS.match(model)):
        return {}
    return {"reasoning_effort": _WORDS["openai"].get(effort, effort)}


def _switches(profile: Profile, wanted: Effort | None) -> dict[str, Any]:
    """Qwen's own names. A template raises on an effort that is not on the model's scale."""
    fields: dict[str, Any] = {"preserve_thinking": True} if profile.keeps_thoughts else {}
    if wanted is None:
        return fields
    if profile.thinking == "hybrid":
        fields["enable_thinking"] = wanted != "off"
    level = _level(profile, wanted)
    if level and fields.get("enable_thinking", True):
        fields["reasoning_effort"] = level
    return fields


def _budget(profile: Profile, wanted: Effort | None) -> dict[str, int]:
    # Together with reasoning_effort it would be an error.
    if profile.thinking != "hybrid" or _level(profile, "low") or wanted not in _BUDGETS:
        return {}
    return {"thinking_budget": _BUDGETS[wanted]}


def _reasoning(profile: Profile, wanted: Effort) -> dict[str, Any]:
    if wanted == "off" and profile.thinking == "hybrid":
        return {"enabled": False}
    return {"effort": _word("openrouter", profile, _level(profile, wanted) or wanted)}


def _word(provider: Provider, profile: Profile, wanted: str) -> str:
    if wanted == "off" and profile.thinking == "always":
        wanted = "low"
    return _WORDS[provider].get(wanted, wanted)


def _level(profile: Profile, wanted: Effort) -> str:
    """The value of the model's scale that is nearest to what is wanted, the higher of two."""
    scale = [level for level in profile.efforts if _RANKS.get(level)]
    rank = _RANKS[wanted]
    return min(scale, key=lambda one: (abs(_RANKS[one] - rank), -_RANKS[one]), default="")


def effort_notice(model: str, profile: Profile, effort: Effort | None) -> str:
    """One line for the user when `effort` cannot have its effect; else empty."""
    if effort is None or _OPENAI_THINKS.match(model):
        return ""
    if profile.thinking == "none":
        return "" if effort == "off" else say("oneshot.no_thought", model=model, effort=effort)
    if profile.thinking == "always" and effort == "off":
        least = _level(profile, "off")
        if least:
            return say("oneshot.thinks_least", model=model, least=least)
        return say("oneshot.always_thinks", model=model)
    return ""


def thinks(profile: Profile, effort: Effort | None) -> bool:
    """Whether an answer can begin with thoughts, which may count against its limit."""
    return profile.thinking == "always" or (profile.thinking == "hybrid" and effort != "off")


def without_thoughts(profile: Profile, effort: Effort | None) -> Profile:
    """`profile` sampled as for answers without thoughts, where `effort` turns these off."""
    if profile.direct_sampling is None or thinks(profile, effort):
        return profile
    return profile.model_copy(update={"sampling": profile.direct_sampling})


def give_back(
    wired: Sequence[dict[str, Any]], messages: Sequence[Message], provider: Provider
) -> list[dict[str, Any]]:
    """`wired` with each answer's thoughts in the field that this server reads them from.

    A dialect wires every assistant message as one of its own, in order.
    """
    fields = _GIVEN_BACK.get(provider, ())
    thoughts = iter([one.reasoning for one in messages if one.role == "assistant"])
    given: list[dict[str, Any]] = []
    for message in wired:
        thought = next(thoughts, "") if message["role"] == "assistant" else ""
        given.append({**message, **dict.fromkeys(fields, thought)} if thought else message)
    return given
