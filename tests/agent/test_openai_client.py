from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager

import pytest

from qwright.agent.errors import ModelAuthError, ModelConnectionError, ModelError, ModelStatusError
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    PrefillChunk,
    ReasoningDelta,
    TextDelta,
)
from tests.agent.asking import (
    ASK,
    KEY,
    OK,
    ask,
    calls,
    collect,
    failure,
    finish,
    model_at,
    retries,
)
from tests.agent.replay import Reply, error, serving
from tests.agent.streams import NAMES, calls_of, expected, stream_bytes
from tests.agent.tool_specs import TOOLS


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


def test_what_a_local_server_has_read_so_far_comes_first() -> None:
    event = b'data: {"choices": [], "prompt_progress": {"processed": %d, "total": 900}}\n\n'
    body = event % 512 + event % 900
    chunks, _ = ask([Reply(body + OK)], provider="llamacpp")
    assert chunks[:2] == [PrefillChunk(512, 900), PrefillChunk(900, 900)]
    assert [type(chunk) for chunk in chunks[2:]] == [TextDelta, TextDelta, CallChunk, Finish]


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
