from __future__ import annotations

import asyncio

import pytest

from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.server_info import ServerInfo, describe, mending_line, template_dialect
from tests.agent import imitations as of
from tests.agent.replay import Reply, Server, serving

KEY = "sk-secret-1234"


def told(
    pages: of.Pages,
    provider: Provider = "compatible",
    *,
    model: str = "m1",
    seconds: float = 5.0,
) -> tuple[ServerInfo, Server]:
    async def main() -> tuple[ServerInfo, Server]:
        async with serving([of.page({}, 404)], pages=pages) as server:
            endpoint = Endpoint(server.url, KEY, model, provider)
            return await describe(endpoint, seconds=seconds), server

    return asyncio.run(main())


def test_llamacpp_tells_its_slot_window_template_and_abilities() -> None:
    info, server = told(of.llamacpp(template=of.XML_TEMPLATE, n_ctx=12_288, vision=True))
    assert info.provider == "llamacpp"
    assert info.version == "b7000-abcdef12"
    assert (info.context, info.dialect, info.reads_calls) == (12_288, "xml", True)
    assert (info.constraint, info.vision, info.thinking) == ("grammar", True, False)
    assert info.template == of.XML_TEMPLATE
    assert (info.models, info.weights) == (("m1",), "some-model.gguf")
    assert any(path.startswith("/props?model=m1&autoload=false") for path in server.paths)
    assert all(f"Bearer {KEY}" in head for head in server.headers)


def test_llamacpp_with_a_template_without_tools_reads_no_calls() -> None:
    info, _ = told(of.llamacpp(template=of.PLAIN_TEMPLATE, tools=False))
    assert (info.reads_calls, info.dialect) == (False, None)


def test_a_llamacpp_that_does_not_tell_of_its_template_is_still_known() -> None:
    pages = {path: reply for path, reply in of.llamacpp().items() if path != "/props"}
    info, _ = told(pages)
    assert (info.provider, info.context, info.reads_calls) == ("llamacpp", 8192, None)


def test_the_embedded_server_stays_what_it_is() -> None:
    info, _ = told(of.llamacpp(), "embedded")
    assert (info.provider, info.context, info.constraint) == ("embedded", 8192, "grammar")


def test_vllm_tells_its_window_and_nothing_of_its_parser() -> None:
    info, _ = told(of.vllm(window=40_960))
    assert (info.provider, info.version, info.context) == ("vllm", "0.12.0", 40_960)
    assert (info.reads_calls, info.constraint) == (None, "structured")
    assert info.weights == "some-model"


def test_sglang_is_told_from_vllm_and_is_not_asked_for_its_keys() -> None:
    info, server = told(of.sglang(window=40_960))
    assert (info.provider, info.context, info.vision) == ("sglang", 40_960, False)
    assert not any("server_info" in path for path in server.paths)


@pytest.mark.parametrize("model", ["m1", "m1:latest"])
def test_ollama_tells_the_window_of_a_loaded_model(model: str) -> None:
    info, _ = told(of.ollama(loaded=4096), model=model)
    assert (info.provider, info.version, info.context) == ("ollama", "0.13.0", 4096)
    assert (info.reads_calls, info.dialect, info.constraint) == (True, "hermes", "format")
    assert (info.vision, info.thinking) == (False, False)


def test_ollama_does_not_know_the_window_of_a_model_that_is_not_loaded() -> None:
    assert told(of.ollama())[0].context is None
    assert told(of.ollama(loaded=4096), model="m1:7b")[0].context is None


def test_a_modelfile_fixes_the_window_up_to_what_the_model_has() -> None:
    assert told(of.ollama(fixed=16_384))[0].context == 16_384
    assert told(of.ollama(fixed=131_072))[0].context == 32_768
    assert told(of.ollama(fixed=16_384, loaded=8192))[0].context == 8192


def test_ollama_without_tools_reads_no_calls() -> None:
    pages = of.ollama(abilities=("completion",), template="{{ .Prompt }}")
    info, _ = told(pages)
    assert (info.reads_calls, info.dialect) == (False, None)


def test_lm_studio_answers_everything_and_is_known_all_the_same() -> None:
    info, _ = told(of.lmstudio(loaded=4096))
    assert (info.provider, info.context, info.reads_calls) == ("lmstudio", 4096, True)
    assert told(of.lmstudio(loaded=None))[0].context is None


def test_a_hosted_provider_is_asked_for_its_list_only() -> None:
    info, server = told(of.openrouter(), "openrouter")
    assert (info.provider, info.context, info.reads_calls) == ("openrouter", 262_144, True)
    assert info.vision
    assert server.paths == ["/v1/models"]


def test_a_server_of_no_known_kind_may_tell_its_window() -> None:
    info, _ = told({"/v1/models": of.listing({"id": "m1", "context_window": 9000})})
    assert (info.provider, info.context, info.answered) == ("compatible", 9000, True)


def test_the_only_model_of_a_server_is_meant_whatever_its_name() -> None:
    assert told(of.vllm(window=7000), model="alias")[0].context == 7000


HANG = Reply(b"", end="hang")


@pytest.mark.parametrize(
    "answer",
    [
        of.page({}, 404),
        of.page({}, 401),
        Reply(b"<html>", kind="text/html"),
        of.page([1, {"data": "x"}]),
        of.page({"data": [1, None, {"id": 7, "max_model_len": "many"}], "version": 3}),
        of.page({"default_generation_settings": {"n_ctx": True}, "chat_template": 5}),
        Reply(b"[" * 100_000, kind="application/json"),
        Reply(b'{"version": "1"', end="cut"),
        Reply(b" " * 5_000_000),
    ],
)
def test_nonsense_tells_nothing(answer: Reply) -> None:
    paths = [*of.llamacpp(), *of.ollama(), "/api/v0/models", "/version", "/get_model_info"]
    info, _ = told(dict.fromkeys(paths, answer))
    assert info.context is None
    assert info.version == ""


def test_one_question_that_hangs_takes_nothing_from_the_others() -> None:
    pages = {**of.llamacpp(), "/version": HANG, "/api/ps": HANG}
    info, _ = told(pages, seconds=0.5)
    assert (info.provider, info.context) == ("llamacpp", 8192)


def test_a_server_that_is_not_there_is_no_error() -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "", "m1", "compatible")
    info = asyncio.run(describe(endpoint))
    assert info == ServerInfo("compatible")


def test_templates_teach_a_form() -> None:
    assert template_dialect(of.HERMES_TEMPLATE) == "hermes"
    assert template_dialect(of.XML_TEMPLATE) == "xml"
    assert template_dialect(of.PLAIN_TEMPLATE) is None
    assert template_dialect(None) is None


def test_each_server_has_its_own_way_to_a_larger_window() -> None:
    assert "OLLAMA_CONTEXT_LENGTH=32768 ollama serve" in mending_line("ollama")
    assert "-c 65536" in mending_line("llamacpp", 65_536)
    assert "--max-model-len" in mending_line("vllm")
    assert "--context-length" in mending_line("sglang")
    assert "lms load" in mending_line("lmstudio")
    assert "32768" in mending_line("compatible")
