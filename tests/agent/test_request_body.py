from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from qwright.agent import __version__
from qwright.agent.dialects import Dialect
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.text import TextDialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.errors import ContextOverflowError
from qwright.agent.messages import Image, Message, ToolCall
from qwright.agent.model import Finish, ReasoningDelta, RetryChunk, Sampling
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import Profile
from qwright.agent.request_body import Ask, refused_fields, request_body
from qwright.agent.thinking import Effort
from tests.agent.asking import OK, QUICK, collect, finish, retries
from tests.agent.replay import Reply, Server, error, serving
from tests.agent.test_thinking import CODER, HYBRID, SCALE
from tests.agent.tool_specs import TOOLS

LONG = "You are a careful engineer. " * 200
CALL = ToolCall(id="1", name="status", arguments={})
TURNS = (
    Message(role="system", content=LONG),
    Message(role="user", content="Go."),
    Message(role="assistant", content="", tool_calls=(CALL,), reasoning="Hm."),
    Message(role="tool", content="clean", tool_call_id="1"),
)
PIXEL = Image(media_type="image/png", data="iVBO", name="shot.png")
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
EPHEMERAL = {"type": "ephemeral"}


def body(provider: Provider, profile: Profile = SCALE, **ask: Any) -> dict[str, Any]:
    endpoint = Endpoint("http://h/v1", "", ask.pop("model", "m"), provider)
    dialect: Dialect = ask.pop("dialect", NativeDialect())
    refused: set[str] = ask.pop("refused", set[str]())
    asked = replace(Ask(TURNS, TOOLS), **ask)
    return request_body(endpoint, profile, dialect, asked, refused=refused)


def rest(provider: Provider, profile: Profile = SCALE, **ask: Any) -> dict[str, Any]:
    """All but what every request has."""
    common = ("model", "messages", "tools", "parallel_tool_calls", "stream", "stream_options")
    return {
        key: value for key, value in body(provider, profile, **ask).items() if key not in common
    }


QWEN = {"temperature": 0.7, "top_p": 0.8, "top_k": 20}
VLLM = {**QWEN, "min_p": 0.0, "repetition_penalty": 1.05, "max_tokens": 65_536}
LLAMACPP = {**QWEN, "min_p": 0.0, "repeat_penalty": 1.05, "max_tokens": 65_536}
KWARGS = {"enable_thinking": True, "preserve_thinking": True}
MEDIUM = {"chat_template_kwargs": {**KWARGS, "reasoning_effort": "medium"}}
LOW = {"chat_template_kwargs": {**KWARGS, "reasoning_effort": "low"}}


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("openai", {"temperature": 0.7, "top_p": 0.8, "max_completion_tokens": 65_536}),
        (
            "dashscope",
            {**QWEN, "repetition_penalty": 1.05, "max_tokens": 65_536, "preserve_thinking": True},
        ),
        ("openrouter", VLLM),
        ("modelscope", {**VLLM, "preserve_thinking": True}),
        ("embedded", {**LLAMACPP, **LOW, "return_progress": True}),
        ("llamacpp", {**LLAMACPP, **LOW, "return_progress": True}),
        ("vllm", {**VLLM, **MEDIUM}),
        ("sglang", {**VLLM, **MEDIUM}),
        ("ollama", {**LLAMACPP, "reasoning_effort": "low"}),
        ("lmstudio", LLAMACPP),
        ("compatible", {**VLLM, "repeat_penalty": 1.05}),
    ],
)
def test_what_each_server_is_sent(provider: Provider, fields: dict[str, Any]) -> None:
    assert rest(provider) == fields
    sent = body(provider)
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
    assert sent["parallel_tool_calls"] is True


@pytest.mark.parametrize("provider", ["llamacpp", "embedded"])
def test_llama_cpp_never_samples_with_its_own_min_p(provider: Provider) -> None:
    unset = CODER.model_copy(update={"sampling": Sampling(min_p=None)})
    assert rest(provider, unset)["min_p"] == 0.0
    assert "min_p" not in rest("vllm", unset)
    nothing = Sampling(
        temperature=None, top_p=None, top_k=None, min_p=None, repetition_penalty=None
    )
    unknown = CODER.model_copy(update={"sampling": nothing})
    assert "min_p" not in rest(provider, unknown)


@pytest.mark.parametrize(
    ("provider", "profile", "effort", "limit"),
    [
        ("dashscope", SCALE, None, 16_384),
        ("openrouter", HYBRID, "low", 16_384),
        ("dashscope", HYBRID, "off", 500),
        ("dashscope", CODER, None, 500),
        ("vllm", SCALE, None, 500),
        ("dashscope", SCALE.model_copy(update={"max_output": 8_192}), None, 8_192),
    ],
)
def test_a_hosted_model_that_thinks_has_room_for_an_answer(
    provider: Provider, profile: Profile, effort: Effort | None, limit: int
) -> None:
    assert rest(provider, profile, max_output=500, effort=effort)["max_tokens"] == limit


def test_only_who_keeps_thoughts_is_given_them_back() -> None:
    assert body("vllm")["messages"][2]["reasoning"] == "Hm."
    assert "reasoning" not in body("vllm", HYBRID)["messages"][2]


class TestCacheMarkers:
    def test_the_system_message_and_the_last_are_marked(self) -> None:
        plain = body("vllm", CODER)["messages"]
        takers: tuple[tuple[Provider, str], ...] = (
            ("dashscope", "m"),
            ("openrouter", "qwen/qwen3-coder"),
        )
        for provider, model in takers:
            marked = body(provider, CODER, model=model)["messages"]
            part = {"type": "text", "text": LONG, "cache_control": EPHEMERAL}
            assert marked[0] == {"role": "system", "content": [part]}
            assert marked[1:3] == plain[1:3]
            part = {"type": "text", "text": "clean", "cache_control": EPHEMERAL}
            assert marked[3] == {**plain[3], "content": [part]}

    @pytest.mark.parametrize(
        ("provider", "model"), [("vllm", "qwen/x"), ("modelscope", "m"), ("openrouter", "z-ai/g")]
    )
    def test_others_get_none(self, provider: Provider, model: str) -> None:
        assert "cache_control" not in json.dumps(body(provider, CODER, model=model))

    def test_nor_does_a_prompt_too_short_to_be_cached(self) -> None:
        short = [Message(role="system", content="S"), Message(role="user", content="Hi.")]
        sent = body("dashscope", CODER, messages=short, tools=[])
        assert "cache_control" not in json.dumps(sent)

    def test_the_rest_of_the_conversation_stays_the_same_bytes(self) -> None:
        before = body("dashscope")["messages"]
        more = (*TURNS, Message(role="assistant", content="Done."), TURNS[1])
        after = body("dashscope", messages=more)["messages"]
        assert json.dumps(after[:3]) == json.dumps(before[:3])
        assert after[3] == {"role": "tool", "tool_call_id": "1", "content": "clean"}


class TestImages:
    def test_they_come_before_the_text_of_their_message(self) -> None:
        ask = Message(role="user", content="See [image: shot.png].", images=(PIXEL, PIXEL))
        sent = body("vllm", CODER, messages=[TURNS[0], ask])
        text = {"type": "text", "text": "See [image: shot.png]."}
        assert sent["messages"][1] == {"role": "user", "content": [SHOWN, SHOWN, text]}
        assert "vl_high_resolution_images" not in sent

    def test_a_dialect_that_joins_messages_keeps_their_place(self) -> None:
        results = [Message(role="tool", content=str(n), tool_call_id=str(n)) for n in range(3)]
        ask = Message(role="user", content="And this?", images=(PIXEL,))
        turns = [*TURNS[:3], *results, ask, Message(role="assistant", content="ok")]
        sent = body("vllm", CODER, messages=turns, dialect=TextDialect())["messages"]
        shown = [one for one in sent if isinstance(one["content"], list)]
        assert shown == [
            {"role": "user", "content": [SHOWN, {"type": "text", "text": "And this?"}]}
        ]
        assert sent[-2] == shown[0]

    def test_dashscope_is_asked_not_to_shrink_them_and_caches_them(self) -> None:
        ask = Message(role="user", content="See.", images=(PIXEL,))
        sent = body("dashscope", CODER, messages=[TURNS[0], ask])
        text = {"type": "text", "text": "See.", "cache_control": EPHEMERAL}
        assert sent["messages"][1]["content"] == [SHOWN, text]
        assert sent["vl_high_resolution_images"] is True
        assert "vl_high_resolution_images" not in body("dashscope", CODER)


class TestRefusals:
    def test_a_model_that_must_not_think_without_a_budget(self) -> None:
        no = "The thinking_budget parameter must be a positive integer and not greater than 0"
        with_budget = body("dashscope", HYBRID, effort="low")
        assert refused_fields(with_budget, no) == {"thinking_budget"}
        without = body("dashscope", HYBRID, effort="low", refused={"thinking_budget"})
        assert refused_fields(without, no) == {"enable_thinking"}
        assert not refused_fields(body("dashscope", CODER), no)

    @pytest.mark.parametrize(
        ("provider", "complaint", "fields"),
        [
            ("vllm", "chat_template_kwargs: extra inputs", {"chat_template_kwargs"}),
            ("dashscope", "preserve_thinking is not supported", {"preserve_thinking"}),
            ("dashscope", "messages.0.content.0.cache_control: unknown", {"cache_control"}),
            ("vllm", "messages[2].reasoning_content: not permitted", {"reasoning_content"}),
            ("ollama", 'think value "low" is not supported', {"reasoning_effort"}),
            ("lmstudio", "cache_control, reasoning_content and think value", set[str]()),
        ],
    )
    def test_a_complaint_about_what_was_added(
        self, provider: Provider, complaint: str, fields: set[str]
    ) -> None:
        assert refused_fields(body(provider), complaint) == fields
        again = json.dumps(body(provider, refused=fields))
        assert not any(f'"{field}"' in again for field in fields)


STREAM = b"""data: {"choices":[{"delta":{"reasoning_content":"Hm, hm."}}]}

data: {"choices":[{"delta":{},"finish_reason":"length"}]}

data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}

data: [DONE]

"""


def asked(
    profile: Profile, provider: Provider, replies: list[Reply], effort: Effort | None = None
) -> tuple[list[Any], Server]:
    async def main() -> tuple[list[Any], Server]:
        async with serving(replies) as server:
            endpoint = Endpoint(server.url, "k", "m", provider)
            model = OpenAIModel(endpoint, profile, NativeDialect(), effort=effort, retries=QUICK)
            try:
                return await collect(model), server
            finally:
                await model.close()

    return asyncio.run(main())


class TestThoughtsWithoutAnAnswer:
    def test_are_void_and_the_model_is_asked_once_more_not_to_think(self) -> None:
        chunks, server = asked(HYBRID, "dashscope", [Reply(STREAM), Reply(OK)], "high")
        assert [one.get("enable_thinking") for one in server.requests] == [True, False]
        assert "thinking_budget" not in server.requests[1]
        (again,) = retries(chunks)
        assert (again.wait, again.usage and again.usage.completion) == (0.0, 4)
        assert finish(chunks).reason == "calls"
        assert isinstance(chunks[0], ReasoningDelta)

    def test_are_handed_on_when_that_does_not_help(self) -> None:
        chunks, server = asked(HYBRID, "dashscope", [Reply(STREAM)])
        assert len(server.requests) == 2
        assert len([one for one in chunks if isinstance(one, Finish)]) == 1
        assert finish(chunks).reason == "length"

    @pytest.mark.parametrize("profile", [CODER, HYBRID.model_copy(update={"thinking": "always"})])
    def test_are_handed_on_where_thinking_cannot_be_turned_off(self, profile: Profile) -> None:
        chunks, server = asked(profile, "dashscope", [Reply(STREAM)])
        assert len(server.requests) == 1
        assert not [one for one in chunks if isinstance(one, RetryChunk)]
        assert finish(chunks).reasoning == "Hm, hm."

    def test_are_handed_on_when_a_call_had_begun(self) -> None:
        begun = b'{"index":0,"id":"1","function":{"name":"edit","arguments":"{\\"path\\": "}}'
        cut = STREAM.replace(b'"delta":{}', b'"delta":{"tool_calls":[' + begun + b"]}")
        chunks, server = asked(HYBRID, "dashscope", [Reply(cut)])
        assert len(server.requests) == 1
        assert finish(chunks).reason == "length"


def test_headers() -> None:
    cases: tuple[tuple[Provider, bool], ...] = (("dashscope", True), ("vllm", False))
    for provider, present in cases:
        _, server = asked(CODER, provider, [Reply(OK)])
        head = server.headers[0].lower()
        assert f"user-agent: qwright/{__version__}\r\n" in head
        assert ("x-dashscope-cachecontrol: enable\r\n" in head) is present


def test_a_server_that_refuses_markers_is_asked_again_without() -> None:
    no = error(400, "messages[0].content[0]: unknown field cache_control")
    long = Message(role="system", content=LONG)

    async def main() -> Server:
        async with serving([no, Reply(OK)]) as server:
            endpoint = Endpoint(server.url, "k", "m", "dashscope")
            model = OpenAIModel(endpoint, CODER, NativeDialect(), retries=QUICK)
            async for _ in model.stream([long, TURNS[1]], TOOLS):
                pass
            await model.close()
            return server

    first, second = asyncio.run(main()).requests
    assert isinstance(first["messages"][0]["content"], list)
    assert second["messages"][0]["content"] == LONG


def test_too_long_an_answer_is_no_reason_to_leave_its_limit_out() -> None:
    no = error(
        400,
        "'max_tokens' or 'max_completion_tokens' is too large: 65536. This model's maximum context "
        "length is 32768 tokens and your request has 9 input tokens",
    )
    with pytest.raises(ContextOverflowError):
        asked(CODER, "vllm", [no, Reply(OK)])
    _, server = asked(CODER, "dashscope", [error(400, "max_tokens must be < 8192"), Reply(OK)])
    assert ["max_tokens" in one for one in server.requests] == [True, False]
