"""Servers that take no tools or no constraint, or take tools and do not read the calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.dialects.native import NativeDialect
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import ConstraintRefusedError, ContextOverflowError, ToolsRefusedError
from qwright.agent.fallback import Fallback
from qwright.agent.learned import Lessons, recall
from qwright.agent.model import Chunk, RetryChunk
from qwright.agent.openai_client import OpenAIModel
from tests.agent import imitations as of
from tests.agent.asking import OK, QUICK, calls, collect, failure, model_at
from tests.agent.replay import Reply, Server, error, serving
from tests.agent.streams import calls_of, stream_bytes

REFUSALS = [
    error(400, of.NO_TOOLS, type="invalid_request_error"),
    error(400, of.NO_PARSER, type="BadRequestError"),
    error(500, of.NO_JINJA, type="server_error"),
    error(404, "No endpoints found that support tool use"),
]
TEXT = "llamacpp-tagged-call"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))


@dataclass
class Heard:
    """What a model told its notes."""

    refused: tuple[str, ...] = ()
    fields: list[set[str]] = field(default_factory=list[set[str]])
    window: int = 0
    forms: list[tuple[bool, str]] = field(default_factory=list[tuple[bool, str]])

    def fields_refused(self, fields: Any) -> None:
        self.fields.append(set(fields))

    def window_found(self, tokens: int) -> None:
        self.window = tokens

    def called(self, *, native: bool, text: str) -> None:
        self.forms.append((native, text))


def fallback(endpoint: Endpoint) -> Fallback:
    return Fallback(
        native=True,
        form="hermes",
        constraint="strict",
        held="structured",
        require_call=False,
        lessons=Lessons(endpoint, "hermes"),
    )


def talk(
    script: Callable[[dict[str, Any]], Reply] | list[Reply], heard: Heard, *, times: int = 1
) -> tuple[list[list[Chunk]], Server]:
    async def main() -> tuple[list[list[Chunk]], Server]:
        async with serving(script) as server:
            plain = model_at(server.url)
            model = OpenAIModel(
                plain.endpoint,
                plain.profile,
                NativeDialect(strict=True),
                fallback=fallback(plain.endpoint),
                notes=heard,
                retries=QUICK,
            )
            try:
                return [await collect(model) for _ in range(times)], server
            finally:
                await model.close()

    return asyncio.run(main())


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_server_that_takes_no_tools_is_told_of_them_in_text(refusal: Reply) -> None:
    def script(request: dict[str, Any]) -> Reply:
        return refusal if "tools" in request else Reply(stream_bytes(TEXT))

    heard = Heard()
    answers, server = talk(script, heard, times=2)
    for chunks in answers:
        assert calls(chunks) == calls_of(TEXT) != []
        assert not any(isinstance(chunk, RetryChunk) for chunk in chunks)
    asked = [request for request in server.requests if "tools" not in request]
    assert len(asked) == 2
    assert len(server.requests) == 3
    assert "<tools>" in asked[0]["messages"][0]["content"]
    known = recall(Endpoint(server.url, "", "m1", "compatible"))
    assert (known.dialect, known.unbound) == ("hermes", False)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_without_another_way_it_is_one_line_at_once(refusal: Reply) -> None:
    line, server = failure([refusal])
    assert "takes no tools for m1" in line
    assert sum("chat/completions" in path for path in server.paths) == 1


def test_the_error_has_a_type_of_its_own() -> None:
    async def main() -> None:
        async with serving([REFUSALS[0]]) as server:
            model = model_at(server.url)
            with pytest.raises(ToolsRefusedError):
                await collect(model)
            await model.close()

    asyncio.run(main())


def test_a_server_that_refuses_even_text_is_an_error_and_no_loop() -> None:
    async def main() -> Server:
        async with serving([REFUSALS[0]]) as server:
            plain = model_at(server.url)
            model = OpenAIModel(
                plain.endpoint,
                plain.profile,
                NativeDialect(),
                fallback=fallback(plain.endpoint),
            )
            with pytest.raises(ToolsRefusedError):
                await collect(model)
            await model.close()
            return server

    assert len(asyncio.run(main()).requests) == 2


def test_it_is_noted_whether_the_server_read_the_calls() -> None:
    heard = Heard()
    talk([Reply(OK), Reply(stream_bytes(TEXT))], heard, times=2)
    assert [native for native, _ in heard.forms] == [True, False]
    assert "<tool_call>" in heard.forms[1][1]


def test_refused_fields_are_noted_and_never_sent_again() -> None:
    def script(request: dict[str, Any]) -> Reply:
        if "min_p" in request:
            return error(400, "unknown field: min_p")
        return Reply(OK)

    heard = Heard()
    talk(script, heard)
    assert "min_p" in heard.fields[0]
    later = Heard(refused=tuple(heard.fields[0]))
    _, server = talk(script, later)
    assert len(server.requests) == 1
    assert later.fields == []


def test_a_window_named_in_a_refusal_is_noted() -> None:
    full = error(
        400, "This model's maximum context length is 2048 tokens. However, you requested 9"
    )
    heard = Heard()
    with pytest.raises(ContextOverflowError):
        talk([full], heard)
    assert heard.window == 2048


UNBOUND = [
    "The provided JSON schema contains features not supported by xgrammar.",
    "Invalid grammar specification: 'triggers'",
    "Failed to initialize samplers: failed to parse grammar",
    "JSON schema conversion failed: unknown key",
]


def is_bound(request: dict[str, Any]) -> bool:
    strict = any("strict" in tool["function"] for tool in request.get("tools", ()))
    return strict or "structured_outputs" in request


@pytest.mark.parametrize("words", UNBOUND)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_server_that_cannot_use_a_schema_gets_none(words: str, streamed: bool) -> None:
    late = json.dumps({"error": {"message": words, "type": "BadRequestError", "code": 400}})
    refusal = Reply(f"data: {late}\n\n".encode()) if streamed else error(400, words)

    def script(request: dict[str, Any]) -> Reply:
        return refusal if is_bound(request) else Reply(OK)

    answers, server = talk(script, Heard(), times=2)
    for chunks in answers:
        assert calls(chunks) == calls_of("vllm-native") != []
    assert [is_bound(request) for request in server.requests] == [True, False, False]
    assert all("tools" in request for request in server.requests)
    known = recall(Endpoint(server.url, "", "m1", "compatible"))
    assert (known.dialect, known.unbound) == (None, True)


def test_both_can_be_refused_one_after_the_other() -> None:
    def script(request: dict[str, Any]) -> Reply:
        if "tools" in request:
            return error(400, of.NO_PARSER)
        return error(500, UNBOUND[0]) if is_bound(request) else Reply(stream_bytes(TEXT))

    answers, server = talk(script, Heard())
    assert calls(answers[0]) == calls_of(TEXT)
    assert len(server.requests) == 3


def test_a_refused_schema_without_another_way_is_no_passing_failure() -> None:
    async def main() -> Server:
        async with serving([error(500, UNBOUND[0])]) as server:
            model = model_at(server.url)
            with pytest.raises(ConstraintRefusedError, match="not supported by xgrammar"):
                await collect(model)
            await model.close()
            return server

    assert len(asyncio.run(main()).requests) == 1
