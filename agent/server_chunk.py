"""One event of a chat completion stream, read from whatever a server put into it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field

from qwright.agent.dialects import CallDelta, Delta
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.model import Usage

_Object = dict[str, JsonValue]
_HALF_PAIR = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ServerChunk:
    delta: Delta = field(default_factory=Delta)
    finish: str | None = None
    """The server's finish_reason; None until the answer is complete."""
    usage: Usage | None = None
    read: tuple[int, int] | None = None
    """Tokens of the prompt that llama.cpp has read so far, those it kept included, and all."""


def model_names(data: JsonValue) -> list[str]:
    """The names in an answer of /models; empty for one that cannot be read."""
    models = [_object(one) for one in _list(_object(data).get("data"))]
    return [_text(one.get("id")) for one in models if _text(one.get("id"))]


def read_chunk(data: JsonValue) -> ServerChunk:
    """Never raises: what a server left out or mistyped counts as absent."""
    event = _object(data)
    choices = _list(event.get("choices"))
    choice = _object(choices[0]) if choices else {}
    delta = _object(choice.get("delta"))
    reasoning = _piece(delta.get("reasoning_content")) or _piece(delta.get("reasoning"))
    calls = tuple(_call(_object(one)) for one in _list(delta.get("tool_calls")))
    finish = _text(choice.get("finish_reason")) or None
    shown = Delta(_piece(delta.get("content")), reasoning, calls)
    return ServerChunk(shown, finish, _usage(event), _read(event))


def _call(call: _Object) -> CallDelta:
    index = call.get("index")
    function = _object(call.get("function"))
    return CallDelta(
        index=index if isinstance(index, int) else None,
        id=_text(call.get("id")) or None,
        name=_text(function.get("name")) or None,
        arguments=_arguments(function.get("arguments")),
    )


def _arguments(value: JsonValue) -> str | None:
    """Some servers send the decoded object instead of its text."""
    if isinstance(value, dict):
        return json.dumps(value)
    return _piece(value) or None


def _read(event: _Object) -> tuple[int, int] | None:
    progress = _object(event.get("prompt_progress"))
    done, total = _count(progress, "processed"), _count(progress, "total")
    return (min(done, total), total) if total else None


def _usage(event: _Object) -> Usage | None:
    usage, timings = _object(event.get("usage")), _object(event.get("timings"))
    if not usage and not timings:
        return None
    prompt = _object(usage.get("prompt_tokens_details"))
    completion = _object(usage.get("completion_tokens_details"))
    evaluated = _count(timings, "prompt_n") + _count(timings, "cache_n")
    return Usage(
        prompt=_count(usage, "prompt_tokens") or evaluated,
        cached=_cached(usage, prompt) or _count(timings, "cache_n"),
        cache_written=_written(usage, prompt),
        explicit_cache=prompt.get("cache_type") == "ephemeral",
        completion=_count(usage, "completion_tokens") or _count(timings, "predicted_n"),
        reasoning=_count(completion, "reasoning_tokens") or _count(usage, "reasoning_tokens"),
        cost=_cost(usage.get("cost")),
        prompt_seconds=_number(timings.get("prompt_ms")) / 1000,
        completion_seconds=_number(timings.get("predicted_ms")) / 1000,
    )


def _cached(usage: _Object, details: _Object) -> int:
    """By place: OpenAI's, DashScope's older one, DeepSeek's (which gateways pass on)."""
    return _count(details, "cached_tokens") or _count(
        usage, "cached_tokens", "prompt_cache_hit_tokens"
    )


def _written(usage: _Object, details: _Object) -> int:
    """DashScope has it in two places, by version; OpenRouter and some gateways in others."""
    new = "cache_creation_input_tokens"
    inner = _object(details.get("cache_creation"))
    return _count(details, new, "cache_write_tokens") or _count(inner, new) or _count(usage, new)


def _count(of: _Object, *names: str) -> int:
    return max(int(_number(of.get(name))) for name in names)


def _cost(value: JsonValue) -> float | None:
    return _number(value) if isinstance(value, (int, float)) else None


def _object(value: JsonValue) -> _Object:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    """Half of a surrogate pair, which JSON can spell, could neither be saved nor sent again."""
    return _HALF_PAIR.sub("\ufffd", value) if isinstance(value, str) else ""


def _piece(value: JsonValue) -> str:
    """Of a text in pieces: a half pair at its end may be whole with the next piece."""
    return value if isinstance(value, str) else ""


def _number(value: JsonValue) -> float:
    """Zero for what is no count: not a number, infinite, or negative."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0.0
    return max(value, 0.0)
