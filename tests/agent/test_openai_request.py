from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.text import TextDialect
from qwright.agent.endpoint import Endpoint
from qwright.agent.model import (
    Sampling,
)
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import DEFAULT, profile_for
from tests.agent.asking import (
    ASK,
    KEY,
    OK,
    QUICK,
    ask,
    calls,
    collect,
    failure,
    model_at,
)
from tests.agent.replay import Reply, Script, Server, error, serving
from tests.agent.streams import calls_of, stream_bytes
from tests.agent.tool_specs import TOOLS


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
    assert request["max_tokens"] == profile_for("qwen3-coder").max_output
    assert (request["temperature"], request["seed"], request["top_k"]) == (0.1, 5, 20)
    assert len(request["tools"]) == len(TOOLS)


def test_the_grammar_goes_into_the_body() -> None:
    dialect = TextDialect(constraint="grammar")
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
            model = OpenAIModel(
                endpoint,
                profile_for("qwen2.5-coder-1.5b", "embedded"),
                TextDialect(),
                retries=QUICK,
            )
            await collect(model)
            await model.close()
            return server.requests[0]

    request = asyncio.run(main())
    assert request["return_progress"] is True
    assert request["repeat_penalty"] == 1.05
    assert "repetition_penalty" not in request
