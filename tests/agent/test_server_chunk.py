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
        *("prompt_tokens_details", "cached_tokens", "reasoning_content"),
    ]
)
EVENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
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


def test_call_fragments_keep_what_is_there() -> None:
    one = {"index": 1, "id": "", "function": {"arguments": '{"a'}}
    whole = {"function": {"name": "f", "arguments": {"a": 1}}}
    assert _delta(tool_calls=[one, whole]).delta.calls == (
        CallDelta(1, None, None, '{"a'),
        CallDelta(None, None, "f", json.dumps({"a": 1})),
    )


def test_cached_tokens_have_three_places() -> None:
    events: list[JsonValue] = [
        {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}},
        {"usage": {"prompt_tokens": 9, "cached_tokens": 4}},
        {"usage": {"prompt_tokens": 9}, "timings": {"cache_n": 4}},
    ]
    for event in events:
        usage = read_chunk(event).usage
        assert usage is not None
        assert (usage.prompt, usage.cached) == (9, 4)


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
