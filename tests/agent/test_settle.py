"""A choice of a server becomes one that is known, before the first request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qwright.agent.choice import Choice, choose, connect, settle
from qwright.agent.endpoint import Endpoint
from qwright.agent.learned import Lessons, recall
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.profile import OwnProfile, profile_for
from tests.agent import imitations as of
from tests.agent.asking import OK, calls, collect
from tests.agent.replay import Reply, Server, error, serving
from tests.agent.streams import calls_of, stream_bytes


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "DASHSCOPE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Told:
    """What a user was told before the run, and what was chosen in the end."""

    choice: Choice
    server: Server
    lines: list[str] = field(default_factory=list[str])


def settled(
    pages: of.Pages, model: str = "m1", *, own: tuple[OwnProfile, ...] = (), times: int = 1
) -> Told:
    async def main() -> Told:
        async with serving([Reply(OK)], pages=pages) as server:
            lines: list[str] = []
            first = choose(model, server.url, own)
            assert first.info is None
            found = [await settle(first, progress=lines.append) for _ in range(times)]
            return Told(found[-1], server, lines)

    return asyncio.run(main())


def test_a_server_of_unknown_kind_is_known_before_the_first_request() -> None:
    told = settled(of.llamacpp(template=of.PLAIN_TEMPLATE, tools=False, n_ctx=20_000))
    assert told.choice.endpoint
    assert told.choice.endpoint.provider == "llamacpp"
    profile = told.choice.profile
    assert (profile.dialect, profile.constraint, profile.context) == ("hermes", "grammar", 20_000)
    assert told.lines == []


def test_the_weights_tell_what_an_alias_does_not() -> None:
    told = settled(of.llamacpp(weights="Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf"), "local")
    assert told.choice.profile.name == profile_for("qwen2.5-coder-1.5b").name
    assert told.choice.profile.constraint == "grammar"
    assert told.choice.profile.context == 8192
    told = settled(of.vllm(root="Qwen/Qwen3-Coder-30B-A3B-Instruct"), "local")
    assert told.choice.profile.name == profile_for("qwen3-coder-30b").name


def test_too_small_a_window_is_told_with_its_remedy() -> None:
    told = settled(of.ollama(loaded=4096), "qwen3-coder:30b")
    assert told.lines == []
    pages = {**of.ollama(), "/api/ps": of.page({"models": [_loaded("qwen3-coder:30b", 4096)]})}
    told = settled(pages, "qwen3-coder:30b")
    assert len(told.lines) == 1
    assert "4,096 tokens" in told.lines[0]
    assert "OLLAMA_CONTEXT_LENGTH" in told.lines[0]
    assert told.choice.profile.context == 4096


def _loaded(name: str, window: int) -> dict[str, object]:
    return {"name": name, "model": name, "context_length": window}


def test_ollama_is_remembered_to_have_a_small_window_when_it_has_unloaded_the_model() -> None:
    async def main() -> int:
        pages = dict(of.ollama(loaded=6000))
        async with serving([Reply(OK)], pages=pages) as server:
            first = choose("m1", server.url)
            await settle(first, progress=print)
            pages["/api/ps"] = of.page({"models": None})
            return (await settle(first, progress=print)).profile.context

    assert asyncio.run(main()) == 6000


def test_a_hosted_service_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-1")
    first = choose("qwen3-coder-plus", None)
    assert first.endpoint
    found = asyncio.run(settle(first, progress=print))
    assert found.profile == first.profile
    assert recall(first.endpoint).info is None


def test_a_remote_server_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "is_loopback", property(lambda endpoint: False))
    told = settled(of.vllm(), times=2)
    assert told.server.paths.count("/v1/models") == 1
    assert told.choice.profile.context == 65_536
    assert told.choice.info
    assert told.choice.info.provider == "vllm"


def test_a_local_server_is_asked_each_time() -> None:
    assert settled(of.vllm(), times=2).server.paths.count("/v1/models") == 2


def test_a_server_that_is_not_there_leaves_the_profile_as_it_is() -> None:
    first = choose("qwen3-coder", "http://127.0.0.1:9/v1")
    found = asyncio.run(settle(first, progress=print))
    assert found.profile.model_dump() == first.profile.model_dump()


def test_the_embedded_model_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = choose("qwen2.5-coder-1.5b", None)
    assert asyncio.run(settle(first, progress=print)) is first


def test_what_was_learned_decides_the_dialect() -> None:
    async def main() -> Choice:
        async with serving([Reply(OK)], pages=of.vllm()) as server:
            first = choose("qwen3-coder", server.url)
            assert first.endpoint
            Lessons(first.endpoint, "xml").tools_refused()
            return await settle(first, progress=print)

    found = asyncio.run(main())
    assert (found.profile.dialect, found.profile.constraint) == ("xml", "structured")


def test_a_users_own_words_stay() -> None:
    own = (OwnProfile(match="m1", dialect="native", context=9000),)
    told = settled(of.llamacpp(tools=False, n_ctx=8192), own=own)
    assert (told.choice.profile.dialect, told.choice.profile.context) == ("native", 8192)
    told = settled(of.llamacpp(tools=False, n_ctx=12_000), own=own)
    assert told.choice.profile.context == 9000


def test_a_refusal_in_one_run_spares_the_next_one_the_question() -> None:
    def script(request: dict[str, object]) -> Reply:
        if "tools" in request:
            return error(400, of.NO_PARSER)
        return Reply(stream_bytes("llamacpp-tagged-call"))

    async def main() -> list[bool]:
        async with serving(script, pages=of.vllm()) as server:
            for _ in range(2):
                found = await settle(choose("m1", server.url), progress=print)
                model = await connect(found, verified=False, progress=print)
                assert isinstance(model, OpenAIModel)
                assert calls(await collect(model)) == calls_of("llamacpp-tagged-call")
                await model.close()
            return ["tools" in request for request in server.requests]

    assert asyncio.run(main()) == [True, False, False]
