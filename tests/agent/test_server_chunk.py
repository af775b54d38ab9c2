from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.dialects import CallDelta
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.request_body import refused_fields
from qwright.agent.server_chunk import ServerChunk, read_chunk

KEYS = st.sampled_from(
    [
        *("choices", "delta", "content", "tool_calls", "index", "id", "function", "arguments"),
        *("name", "usage", "timings", "prompt_tokens", "finish_reason", "reasoning", "prompt_ms"),
        *("prompt_tokens_details", "cached_tokens", "reasoning_content", "cost", "prompt_n"),
        *("prompt_progress", "processed", "total"),
    ]
)
EVENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(EVENTS)
def test_no_event_is_ever_too_strange(event: Any) -> None:
    assert isinstance(read_chunk(event), ServerChunk)


@pytest.mark.parametrize("event", [None, [], {}, {"choices": None}, {"choices": [None]}, "x"])
def test_an_event_without_content_adds_nothing(event: Any) -> None:
    assert read_chunk(event) == ServerChunk()


def _delta(**delta: Any) -> ServerChunk:
    return read_chunk({"choices": [{"delta": delta}]})


def test_reasoning_has_two_names() -> None:
    assert _delta(reasoning_content="a").delta.reasoning == "a"
    assert _delta(reasoning="b").delta.reasoning == "b"
    assert _delta(reasoning_content="", reasoning="b").delta.reasoning == "b"
    assert _delta(reasoning_content="a", reasoning="b").delta.reasoning == "a"


def test_progress_in_reading_the_prompt_counts_what_was_kept() -> None:
    progress = {"total": 1_200, "cache": 1_000, "processed": 1_100, "time_ms": 40}
    delta = {"role": "assistant", "content": None}
    choices = [{"delta": delta, "finish_reason": None}]
    event: dict[str, Any] = {"choices": choices, "prompt_progress": progress}
    assert read_chunk(event) == ServerChunk(read=(1_100, 1_200))
    assert read_chunk({"prompt_progress": {"total": 3, "processed": 4}}).read == (3, 3)
    assert read_chunk({"prompt_progress": {"total": 0, "processed": 0}}).read is None


def test_call_fragments_keep_what_is_there() -> None:
    one = {"index": 1, "id": "", "function": {"arguments": '{"a'}}
    whole = {"function": {"name": "f", "arguments": {"a": 1}}}
    assert _delta(tool_calls=[one, whole]).delta.calls == (
        CallDelta(1, None, None, '{"a'),
        CallDelta(None, None, "f", json.dumps({"a": 1})),
    )


@pytest.mark.parametrize(
    "event",
    [
        {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}},
        {"usage": {"prompt_tokens": 9, "cached_tokens": 4}},
        {"usage": {"prompt_tokens": 9, "cached_tokens": 4, "prompt_tokens_details": {}}},
        {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}},
        {"usage": {"prompt_tokens": 9}, "timings": {"prompt_n": 5, "cache_n": 4}},
        {"timings": {"prompt_n": 5, "cache_n": 4}},
    ],
)
def test_cached_tokens_have_many_places(event: JsonValue) -> None:
    usage = read_chunk(event).usage
    assert usage is not None
    assert (usage.prompt, usage.cached) == (9, 4)


@pytest.mark.parametrize(
    "event",
    [
        {"prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 7}},
        {"prompt_tokens_details": {"cache_write_tokens": 7}},
        {"prompt_tokens_details": {"cache_creation": {"cache_creation_input_tokens": 7}}},
        {"cache_creation_input_tokens": 7},
    ],
)
def test_tokens_of_a_new_cache_have_many_places(event: dict[str, JsonValue]) -> None:
    usage = read_chunk({"usage": {"prompt_tokens": 9, **event}}).usage
    assert usage is not None
    assert (usage.cache_written, usage.cached) == (7, 0)


@pytest.mark.parametrize(("kind", "explicit"), [("ephemeral", True), ("", False), (None, False)])
def test_an_explicit_cache_is_told_from_the_implicit(kind: str | None, explicit: bool) -> None:
    details: JsonValue = {"cached_tokens": 4, "cache_type": kind}
    usage = read_chunk({"usage": {"prompt_tokens": 9, "prompt_tokens_details": details}}).usage
    assert usage is not None
    assert usage.explicit_cache is explicit


def test_reasoning_and_cost() -> None:
    details: JsonValue = {
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    flat: JsonValue = {"completion_tokens": 9, "reasoning_tokens": 4}
    for fields in (details, flat):
        usage = read_chunk({"usage": fields}).usage
        assert usage is not None
        assert (usage.completion, usage.reasoning, usage.cost) == (9, 4, None)
    told = read_chunk({"usage": {"prompt_tokens": 1, "cost": 0.0025}}).usage
    assert told is not None
    assert told.cost == 0.0025


@pytest.mark.parametrize("strange", [None, "9", -3, float("nan"), float("inf"), [], {"a": 1}])
def test_a_count_that_is_none_is_zero(strange: JsonValue) -> None:
    usage = read_chunk({"usage": {"prompt_tokens": strange, "completion_tokens": 2}}).usage
    assert usage is not None
    assert (usage.prompt, usage.completion) == (0, 2)


@pytest.mark.parametrize(
    ("complaint", "fields"),
    [
        ("Unknown parameter: 'top_k'.", {"top_k", "min_p"}),
        ("Failed to parse grammar", {"grammar"}),
        ("parallel_tool_calls is not supported", {"parallel_tool_calls"}),
        ("[{'loc': ['body', 'seed'], 'msg': 'Extra inputs are not permitted'}]", {"seed"}),
        ("model, messages, tools and stream are wrong", set[str]()),
        ("top_kk", set[str]()),
    ],
)
def test_a_complaint_names_the_fields_to_leave_out(complaint: str, fields: set[str]) -> None:
    names = ("model", "messages", "tools", "stream", "top_k", "min_p", "grammar", "seed")
    body: dict[str, Any] = dict.fromkeys((*names, "parallel_tool_calls"), 1)
    assert refused_fields(body, complaint) == fields
