from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.text import TextDialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.errors import ModelAuthError, ModelConnectionError, ModelError, ModelStatusError
from qwright.agent.messages import Message
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    Model,
    ReasoningDelta,
    RetryChunk,
    Sampling,
    TextDelta,
)
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import DEFAULT, QWEN3_CODER, SMALL_LOCAL
from qwright.agent.retry import RetryPolicy
from tests.agent.replay import Reply, Script, Server, error, serving
from tests.agent.streams import NAMES, calls_of, expected, stream_bytes
from tests.agent.tool_specs import TOOLS

ASK = [Message(role="system", content="S"), Message(role="user", content="Go.")]
QUICK = RetryPolicy(retries=2, first=0.001)
OK = stream_bytes("vllm-native")
KEY = "sk-secret-1234"


def model_at(
    url: str,
    *,
    dialect: Dialect | None = None,
    provider: Provider = "compatible",
    key: str = KEY,
    stall: float | None = None,
    retries: RetryPolicy = QUICK,
) -> OpenAIModel:
    endpoint = Endpoint(url, key, "m1", provider)
    chosen = dialect or NativeDialect()
    return OpenAIModel(endpoint, QWEN3_CODER, chosen, retries=retries, stall=stall)


async def collect(model: Model, into: list[Chunk] | None = None) -> list[Chunk]:
    seen: list[Chunk] = [] if into is None else into
    async for chunk in model.stream(ASK, TOOLS):
        seen.append(chunk)
    return seen


def ask(script: Script, **options: Any) -> tuple[list[Chunk], Server]:
    async def main() -> tuple[list[Chunk], Server]:
        async with serving(script) as server:
            model = model_at(server.url, **options)
            try:
                return await collect(model), server
            finally:
                await model.close()

    return asyncio.run(main())


def failure(script: Script, *, models: Sequence[str] = (), **options: Any) -> tuple[str, Server]:
    """The line of the ModelError, checked to be one line without the key."""

    async def main() -> tuple[str, Server]:
        async with serving(script, models=models) as server:
            model = model_at(server.url, **options)
            with pytest.raises(ModelError) as caught:
                await collect(model)
            await model.close()
            return str(caught.value), server

    line, server = asyncio.run(main())
    assert "\n" not in line
    assert KEY not in line
    assert server.url in line
    return line, server


def calls(chunks: list[Chunk]) -> list[tuple[str, dict[str, Any]]]:
    found = [chunk.call for chunk in chunks if isinstance(chunk, CallChunk)]
    return [(call.name, call.arguments) for call in found if call.error is None]


def retries(chunks: list[Chunk]) -> list[RetryChunk]:
    return [chunk for chunk in chunks if isinstance(chunk, RetryChunk)]


def finish(chunks: list[Chunk]) -> Finish:
    last = chunks[-1]
    assert isinstance(last, Finish)
    return last


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cut-before-finish"])
def test_a_recorded_stream_becomes_text_calls_and_a_finish(name: str) -> None:
    chunks, server = ask([Reply(stream_bytes(name), chunk=17)])
    assert calls(chunks) == calls_of(name)
    last = finish(chunks)
    assert (last.text, last.reasoning) == (expected(name)["text"], expected(name)["reasoning"])
    assert last.reason == expected(name)["finish"]
    assert len(server.requests) == 1
    assert not retries(chunks)


@pytest.mark.parametrize("name", ["llamacpp-plain-text", "dashscope-native", "lmstudio-crlf"])
def test_bytes_one_by_one_make_no_difference(name: str) -> None:
    whole, _ = ask([Reply(stream_bytes(name))])
    single, _ = ask([Reply(stream_bytes(name), chunk=1)])
    assert calls(single) == calls(whole)
    assert finish(single) == finish(whole)
    assert [c for c in single if isinstance(c, TextDelta)] == [
        c for c in whole if isinstance(c, TextDelta)
    ]


def test_calls_come_after_the_text_and_before_the_finish() -> None:
    chunks, _ = ask([Reply(OK)])
    kinds = [type(chunk) for chunk in chunks]
    assert kinds == [TextDelta, TextDelta, CallChunk, Finish]


def test_reasoning_is_streamed() -> None:
    chunks, _ = ask([Reply(stream_bytes("dashscope-reasoning"))])
    assert [c.text for c in chunks if isinstance(c, ReasoningDelta)] == ["Hm", "m."]
    assert finish(chunks).usage.reasoning == 4


def test_usage_is_what_the_server_counted() -> None:
    chunks, _ = ask([Reply(stream_bytes("dashscope-native"))])
    usage = finish(chunks).usage
    assert (usage.prompt, usage.cached, usage.completion) == (310, 256, 25)
    chunks, _ = ask([Reply(stream_bytes("llamacpp-plain-text"))])
    usage = finish(chunks).usage
    assert usage.completion > 0
    assert usage.prompt_seconds > 0
    assert usage.completion_seconds > 0


CUTS = [
    Reply(OK[: OK.index(b'finish_reason":"tool_calls')], end="cut"),
    Reply(OK[: OK.index(b'finish_reason":"tool_calls')]),
    Reply(OK[: OK.index(b'finish_reason":"tool_calls')] + b'\n\ndata: {"choices": [{"delta"'),
    Reply(stream_bytes("cut-before-finish")),
    Reply(stream_bytes("cut-before-finish"), end="cut"),
    Reply(b"data: {not json}\n\n"),
    Reply(b"data: \xff\xfe\n\n"),
    Reply(b"<html>Welcome</html>", kind="text/html"),
    Reply(b'{"choices": [{"message": {"content": "hi"}}]}', kind="application/json"),
    Reply(b'data: {"error": {"message": "slot lost", "code": 500}}\n\n'),
    Reply(b""),
]


@pytest.mark.parametrize("cut", CUTS)
def test_a_stream_that_was_cut_executes_nothing_and_is_asked_again(cut: Reply) -> None:
    chunks, server = ask([cut, cut, Reply(OK)])
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[2]
    marks = retries(chunks)
    assert [mark.attempt for mark in marks] == [1, 2]
    before = chunks[: chunks.index(marks[-1])]
    assert not any(isinstance(chunk, CallChunk | Finish) for chunk in before)
    assert calls(chunks) == calls_of("vllm-native")
    assert finish(chunks).text == expected("vllm-native")["text"]


def test_a_stream_cut_every_time_is_an_error() -> None:
    line, server = failure([Reply(OK[:900], end="cut")])
    assert len(server.requests) == 3
    assert "broke off before the answer was complete" in line
    line, _ = failure([Reply(b"<html>", kind="text/html")])
    assert "/v1" in line


@pytest.mark.parametrize("end", ["cut", "hang"])
def test_what_breaks_after_the_last_token_does_not_matter(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwright.agent.openai_client._USAGE_GRACE", 0.05)
    until = OK.index(b"\n\n", OK.index(b'finish_reason":"tool_calls')) + 2
    chunks, server = ask([Reply(OK[:until], end=end)])
    assert calls(chunks) == calls_of("vllm-native")
    assert len(server.requests) == 1


def test_after_a_hallucinated_response_the_stream_is_closed() -> None:
    async def main() -> list[Chunk]:
        body = stream_bytes("doubled-braces").split(b"data: [DONE]")[0]
        body = body[: body.rindex(b"data: ")]
        async with serving([Reply(body, end="hang")]) as server:
            model = model_at(server.url)
            chunks = await collect(model)
            await asyncio.wait_for(server.left.wait(), 5)
            await model.close()
            return chunks

    assert calls(asyncio.run(main())) == calls_of("doubled-braces")


def test_retry_after_is_obeyed() -> None:
    limited = error(429, "slow down", "retry-after: 0.01")
    chunks, server = ask([limited, Reply(OK)])
    assert [mark.wait for mark in retries(chunks)] == [0.01]
    assert "slow down" in retries(chunks)[0].reason
    assert len(server.requests) == 2


def test_a_wait_beyond_all_patience_is_an_error_at_once() -> None:
    line, server = failure([error(429, "daily limit", "retry-after: 7200")])
    assert "daily limit" in line
    assert "asks to wait 7200 s" in line
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    chunks, server = ask([error(status, "busy"), Reply(OK)])
    assert len(server.requests) == 2
    assert calls(chunks) == calls_of("vllm-native")


def test_the_third_500_is_an_error() -> None:
    line, server = failure([error(500, "boom")])
    assert len(server.requests) == 3
    assert "answered 500: " in line
    assert "boom" in line


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), ["OPENAI_API_KEY", "401", "***"]),
        (error(403, "no access"), ["OPENAI_API_KEY", "403", "m1"]),
        (error(400, "maximum context\nlength"), ["answered 400", "maximum context length"]),
        (error(404, "no model"), ["404", "m1", "/v1"]),
        (error(429, "pay", code="insufficient_quota"), ["lack of credit"]),
        (Reply(b"<html>\n" * 999, 400, kind="text/html"), ["400", "<html>"]),
    ],
)
def test_a_lasting_failure_is_one_line_at_once(reply: Reply, words: list[str]) -> None:
    line, server = failure([reply])
    assert all(word in line for word in words), line
    assert len(line) < 500
    assert len(server.requests) == 1


def test_a_key_that_is_missing_is_asked_for() -> None:
    line, _ = failure([error(401, "no key")], key="")
    assert "wants a key; set OPENAI_API_KEY" in line
    line, _ = failure([error(401, "no key")], provider="dashscope")
    assert "DASHSCOPE_API_KEY" in line
    assert "region" in line


def test_a_model_that_is_missing_is_answered_with_those_there_are() -> None:
    line, server = failure([error(404, "no")], models=["q1", "q2"])
    assert "no model m1" in line
    assert "q1, q2" in line
    assert server.paths == ["/v1/chat/completions", "/v1/models"]


def test_error_types_tell_the_cases_apart() -> None:
    async def kind(reply: Reply) -> type[BaseException]:
        async with serving([reply]) as server:
            model = model_at(server.url)
            with pytest.raises(ModelError) as caught:
                await collect(model)
            await model.close()
            return caught.type

    assert asyncio.run(kind(error(401, "x"))) is ModelAuthError
    assert asyncio.run(kind(error(400, "x"))) is ModelStatusError
    assert asyncio.run(kind(Reply(OK[:99], end="cut"))) is ModelConnectionError


def test_a_server_that_is_not_there_is_one_line_after_some_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"

    async def main() -> tuple[str, list[Chunk]]:
        model, seen = model_at(url), list[Chunk]()
        with pytest.raises(ModelConnectionError) as caught:
            await collect(model, seen)
        await model.close()
        return str(caught.value), seen

    line, seen = asyncio.run(main())
    assert f"no connection to {url}, is the server running?" in line
    assert "\n" not in line
    assert len(retries(seen)) == len(seen) == 2


@pytest.mark.parametrize("body", [b"", OK[: OK.index(b"I will") - 200], OK[:1000]])
def test_a_server_that_falls_silent_is_asked_again(body: bytes) -> None:
    chunks, server = ask([Reply(body, end="hang"), Reply(OK)], stall=0.2)
    assert "sent nothing for 0.2 s" in retries(chunks)[0].reason
    assert len(server.requests) == 2
    assert calls(chunks) == calls_of("vllm-native")


@asynccontextmanager
async def hanging(body: bytes):
    async with serving([Reply(body, end="hang")]) as server:
        model = model_at(server.url)
        yield server, model
        await model.close()


@pytest.mark.parametrize("body", [b"", OK[:1200]])
def test_cancelling_closes_the_connection(body: bytes) -> None:
    async def main() -> None:
        async with hanging(body) as (server, model):
            task = asyncio.ensure_future(collect(model))
            await asyncio.wait_for(server.asked.wait(), 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(main())


def test_leaving_the_stream_closes_the_connection() -> None:
    async def main() -> None:
        async with hanging(OK[:1200]) as (server, model):
            async with aclosing(model.stream(ASK, TOOLS)) as chunks:
                assert isinstance(await anext(chunks), TextDelta)
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(main())


def refuses(*names: str) -> Callable[[dict[str, Any]], Reply]:
    def answer(request: dict[str, Any]) -> Reply:
        for name in names:
            if name in request:
                return error(400, f"Unrecognized request argument supplied: {name}")
        return Reply(OK)

    return answer


async def _twice(server: Server, model: OpenAIModel) -> None:
    for _ in range(2):
        assert calls(await collect(model)) == calls_of("vllm-native")


def with_server(script: Script, use: Callable[[Server, OpenAIModel], Awaitable[None]]) -> Server:
    async def main() -> Server:
        async with serving(script) as server:
            model = model_at(server.url)
            await use(server, model)
            await model.close()
            return server

    return asyncio.run(main())


def test_fields_a_server_does_not_know_are_left_out_and_that_is_remembered() -> None:
    server = with_server(refuses("top_k"), _twice)
    assert len(server.requests) == 3
    assert "min_p" in server.requests[0]
    for request in server.requests[1:]:
        assert not {"top_k", "min_p", "repetition_penalty", "repeat_penalty"} & request.keys()
        assert "tools" in request
        assert "stream_options" in request
    server = with_server(refuses("stream_options", "parallel_tool_calls"), _twice)
    assert len(server.requests) == 4
    assert "top_k" in server.requests[-1]


def test_a_refusal_that_names_no_field_is_an_error() -> None:
    _, server = failure([error(400, "the model and messages are wrong")])
    assert len(server.requests) == 1


def test_the_request_holds_what_the_profile_says() -> None:
    async def main(server: Server, model: OpenAIModel) -> None:
        async for _ in model.stream(ASK, TOOLS, sampling=Sampling(temperature=0.1, seed=5)):
            pass

    request = with_server([Reply(OK)], main).requests[0]
    assert request["model"] == "m1"
    assert request["stream"] is True
    assert request["stream_options"] == {"include_usage": True}
    assert request["max_tokens"] == QWEN3_CODER.max_output
    assert (request["temperature"], request["seed"], request["top_k"]) == (0.1, 5, 20)
    assert len(request["tools"]) == len(TOOLS)


def test_the_grammar_goes_into_the_body() -> None:
    dialect = TextDialect(constrained=True)
    _, server = ask([Reply(stream_bytes("llamacpp-grammar-call"))], dialect=dialect)
    request = server.requests[0]
    assert request["grammar"].startswith("root ::= ")
    assert "tools" not in request
    assert "read_file" in request["messages"][0]["content"]


def test_the_key_goes_to_the_server_and_into_no_repr() -> None:
    _, server = ask([Reply(OK)])
    assert f"bearer {KEY}" in server.headers[0].lower()
    assert KEY not in repr(model_at("http://127.0.0.1:1/v1").endpoint)


def test_the_users_organisation_is_told_to_openai_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    _, server = ask([Reply(OK)])
    assert "org-1" not in server.headers[0]


def test_importing_the_client_does_not_import_the_sdk() -> None:
    code = "import sys, qwright.agent.openai_client; sys.exit('openai' in sys.modules)"
    path = json.dumps(sys.path)
    run = f"import sys; sys.path = {path}; {code}"
    assert subprocess.run([sys.executable, "-c", run], check=False).returncode == 0


def test_profiles_without_sampling_send_none() -> None:
    async def main() -> dict[str, Any]:
        async with serving([Reply(OK)]) as server:
            endpoint = Endpoint(server.url, "", "gpt", "openai")
            model = OpenAIModel(endpoint, DEFAULT, NativeDialect(), retries=QUICK)
            await collect(model)
            await model.close()
            return server.requests[0]

    request = asyncio.run(main())
    assert not {"temperature", "top_k", "max_tokens", "return_progress"} & request.keys()
    assert request["max_completion_tokens"] == DEFAULT.max_output


def test_the_embedded_server_is_asked_for_progress() -> None:
    async def main() -> dict[str, Any]:
        async with serving([Reply(OK)]) as server:
            endpoint = Endpoint(server.url, "k", "qwen2.5-coder-1.5b", "embedded")
            model = OpenAIModel(endpoint, SMALL_LOCAL, TextDialect(), retries=QUICK)
            await collect(model)
            await model.close()
            return server.requests[0]

    request = asyncio.run(main())
    assert request["return_progress"] is True
    assert request["repeat_penalty"] == 1.05
    assert "repetition_penalty" not in request
