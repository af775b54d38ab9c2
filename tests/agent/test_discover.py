"""What is found without configuration, and what is chosen of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwright.agent.choice import choose, connect
from qwright.agent.config import Config
from qwright.agent.discover import Found, Pick, best, discover, is_qwen, named
from qwright.agent.embedded.catalogue import DEFAULT_MODEL, find
from qwright.agent.embedded.weights import megabytes, models_dir
from qwright.agent.endpoint import Provider
from qwright.agent.errors import ConfigError
from tests.agent import imitations as of
from tests.agent.replay import Reply, Server, serving

VARIABLES = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "QWEN_MODEL", "DASHSCOPE_API_KEY"),
    *("OPENROUTER_API_KEY", "MODELSCOPE_API_KEY", "OLLAMA_HOST", "OLLAMA_API_BASE"),
)
KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "DASHSCOPE_API_KEY": "sk-dash",
    "OPENROUTER_API_KEY": "sk-or",
    "VLLM_API_KEY": "sk-vllm",
    "OLLAMA_API_KEY": "sk-ollama",
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def tags(*names: str, remote: str = "") -> of.Pages:
    models: list[dict[str, str]] = [{"name": name, "model": name} for name in names]
    if remote:
        models.append({"name": remote, "model": remote, "remote_host": "https://ollama.com:443"})
    return {"/api/tags": of.page({"models": models})}


def models(*names: str) -> of.Pages:
    return {"/v1/models": of.listing(*({"id": name} for name in names))}


@dataclass
class Looked:
    found: list[Found]
    servers: Mapping[Provider, Server]

    @property
    def models(self) -> list[str]:
        return [one.model for one in self.found]


def looked(
    pages: Mapping[Provider, of.Pages],
    environ: Mapping[str, str] | None = None,
    *,
    timeout: float = 5,
    silent: Provider | None = None,
) -> Looked:
    """What is found with a server for each of `pages`, and a port nobody hears for `silent`."""

    async def main() -> Looked:
        async with AsyncExitStack() as stack:
            servers: dict[Provider, Server] = {
                kind: await stack.enter_async_context(serving([Reply(b"", 404)], pages=answers))
                for kind, answers in pages.items()
            }
            urls: dict[Provider, str] = {kind: server.url for kind, server in servers.items()}
            if silent:
                urls[silent] = "http://127.0.0.1:1/v1"
            return Looked(await discover(environ or {}, timeout=timeout, urls=urls), servers)

    return asyncio.run(main())


def put_weights(name: str) -> None:
    """The file and the mark that a pull leaves, without its gigabytes."""
    entry = find(name)
    models_dir().mkdir(parents=True, exist_ok=True)
    path = models_dir() / entry.file
    with path.open("wb") as file:
        file.truncate(entry.size)
    stat = path.stat()
    mark = {"sha256": entry.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    path.with_name(path.name + ".verified").write_text(json.dumps(mark))


def found(model: str, kind: Provider = "ollama") -> Found:
    name = model if kind == "embedded" else f"{kind}/{model}"
    return Found(kind, f"{model} at {kind}", name, "", "it is here")


def test_nothing_is_here() -> None:
    assert looked({"vllm": {}}, silent="ollama").found == []


def test_servers_are_asked_for_their_list_and_nothing_else_without_a_key() -> None:
    pages: dict[Provider, of.Pages] = {
        "ollama": tags("qwen3-coder:30b"),
        "vllm": models("Qwen/Qwen3-Coder-30B-A3B-Instruct"),
        "lmstudio": models("qwen2.5-coder-7b-instruct@q4_k_m"),
    }
    told = looked(pages, {**KEYS, "DASHSCOPE_API_KEY": ""})
    assert {kind: server.paths for kind, server in told.servers.items()} == {
        "ollama": ["/api/tags"],
        "vllm": ["/v1/models"],
        "lmstudio": ["/v1/models"],
    }
    heads = "".join(head for server in told.servers.values() for head in server.headers).lower()
    assert "authorization" not in heads
    assert "sk-" not in heads
    assert told.models == [
        "ollama/qwen3-coder:30b",
        "vllm/Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "lmstudio/qwen2.5-coder-7b-instruct@q4_k_m",
        "openrouter/qwen/qwen3-coder",
    ]


def test_what_is_found_can_be_chosen() -> None:
    told = looked({"ollama": tags("qwen3-coder:30b")})
    endpoint = choose(told.found[0].model, None).endpoint
    assert endpoint
    assert (endpoint.provider, endpoint.model) == ("ollama", "qwen3-coder:30b")


def test_a_server_that_does_not_answer_holds_nobody_up() -> None:
    hanging = {"/v1/models": Reply(b"{", kind="application/json", end="hang")}
    start = time.monotonic()
    told = looked({"vllm": hanging, "ollama": tags("qwen3:8b")}, timeout=1)
    assert told.models == ["ollama/qwen3:8b"]
    assert time.monotonic() - start < 30  # and not for ever: it never answers


def test_a_server_of_another_machine_is_not_asked() -> None:
    elsewhere = {"OLLAMA_HOST": "198.51.100.7", "DASHSCOPE_API_KEY": "k"}
    places = asyncio.run(discover(elsewhere, timeout=0.1))
    assert not any(one.kind == "ollama" for one in places)
    told = asyncio.run(discover({}, urls={"ollama": "http://198.51.100.7:11434/v1"}))
    assert told == []


def test_a_server_of_another_person_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked({"vllm": models("qwen3-coder")}).models == ["vllm/qwen3-coder"]

    def of_others(port: int) -> bool:
        return port > 0

    monkeypatch.setattr("qwright.agent.discover.is_another_persons", of_others)
    told = looked({"vllm": models("qwen3-coder")})
    assert (told.found, told.servers["vllm"].paths) == ([], [])


def test_where_ollama_is_said_to_be() -> None:
    async def main() -> list[Found]:
        async with serving([Reply(b"", 404)], pages=tags("qwen3-coder:30b")) as server:
            environ = {"OLLAMA_HOST": server.url.partition("://")[2].removesuffix("/v1")}
            return await discover(environ, timeout=5)

    assert "ollama/qwen3-coder:30b" in [one.model for one in asyncio.run(main())]


@pytest.mark.parametrize(
    "answer",
    [
        *("[]", "null", "7", '"models"', "{", '{"data": {"id": "a"}}'),
        '{"data": [[], 7, {"id": 9}, {"x": "y"}, {"id": ""}, {"id": " b"}]}',
        r'{"data": [{"id": "a\u001b]52;c;AAAA\u0007"}, {"id": "c\u202ed"}, {"id": "e\nf"}]}',
        '{"data": [{"id": "%s"}]}' % ("e" * 201),
    ],
)
def test_what_is_no_list_of_models_is_none(answer: str) -> None:
    page = Reply(answer.encode(), kind="application/json")
    assert looked({"llamacpp": {"/v1/models": page}}).found == []


def test_a_list_without_end_is_cut() -> None:
    told = looked({"lmstudio": models(*(f"qwen-{number}" for number in range(5_000)))})
    assert len(told.found) == 100


def test_models_of_ollama_s_cloud_are_on_another_machine() -> None:
    told = looked({"ollama": tags("qwen3:8b", remote="qwen3-coder:480b")})
    assert told.models == ["ollama/qwen3:8b"]


def test_weights_count_once_they_are_verified() -> None:
    put_weights(DEFAULT_MODEL)
    put_weights("qwen2.5-coder-7b")
    (models_dir() / f"{find('qwen2.5-coder-7b').file}.verified").write_text("{}")
    assert looked({}).models == [DEFAULT_MODEL]


def test_keys_stand_for_a_model_of_their_service() -> None:
    told = looked({}, KEYS)
    assert told.models == ["dashscope/qwen3-coder-plus", "openrouter/qwen/qwen3-coder"]
    assert "DASHSCOPE_API_KEY" in told.found[0].why
    assert not any(key in repr(told.found) for key in KEYS.values())


def test_a_key_that_cannot_be_one_is_none() -> None:
    assert looked({}, {"DASHSCOPE_API_KEY": "caf\u00e9", "DASHSCOPE_REGION": "moon"}).found == []


@pytest.mark.parametrize(
    ("here", "chosen"),
    [
        ([found("qwen3-coder:30b"), found("a", "embedded")], "ollama/qwen3-coder:30b"),
        ([found("qwen3:8b"), found(DEFAULT_MODEL, "embedded")], DEFAULT_MODEL),
        ([found("qwen3:8b"), found("qwen3-coder-plus", "dashscope")], "ollama/qwen3:8b"),
        (
            [found("llama3:8b"), found("qwen3-coder-plus", "dashscope")],
            "dashscope/qwen3-coder-plus",
        ),
        ([found("qwen3-coder:30b"), found("Qwen2.5-Coder", "vllm")], "vllm/Qwen2.5-Coder"),
        ([found("qwen2.5-coder:32b"), found("qwen3-coder:30b")], "ollama/qwen3-coder:30b"),
        ([found("qwen2.5-coder:1.5b-base"), found("qwen2.5-coder:3b")], "ollama/qwen2.5-coder:3b"),
        ([found("qwen2.5-coder:7b"), found("qwen2.5-coder:14b")], "ollama/qwen2.5-coder:14b"),
        ([found("qwen3-coder:480b-cloud"), found("qwen3:8b")], "ollama/qwen3:8b"),
        ([found("qwen3-embedding:8b"), found("qwq:32b")], "ollama/qwq:32b"),
        ([found("qwen2.5-coder-7b", "embedded"), found(DEFAULT_MODEL, "embedded")], DEFAULT_MODEL),
        ([found("qwen3-coder", "openrouter"), found("q", "dashscope")], "dashscope/q"),
    ],
)
def test_what_is_chosen(here: list[Found], chosen: str) -> None:
    for order in (here, here[::-1]):
        pick = best(order, Config(), environ={})
        assert (pick.model, pick.base_url, pick.pull) == (chosen, None, "")
        assert best(order, Config(), environ={}).lines[0].startswith("Model: ")


@pytest.mark.parametrize("name", ["qwen3-coder:30b", "Qwen/QwQ-32B", "lmstudio/qwen3-vl-8b"])
def test_names_of_qwens(name: str) -> None:
    assert is_qwen(name)


@pytest.mark.parametrize("name", ["llama3:8b", "qwen3-reranker", "Qwen3Guard", "qwen3-tts"])
def test_names_of_others(name: str) -> None:
    assert not is_qwen(name)


def test_no_server_s_model_that_is_no_qwen_is_chosen_but_the_pull_is_offered() -> None:
    pick = best([found("llama3:8b")], Config(), environ={})
    size = megabytes(find(DEFAULT_MODEL).size)
    assert (pick.model, pick.pull) == (DEFAULT_MODEL, DEFAULT_MODEL)
    assert size in pick.lines[0]


def test_without_the_engine_the_pull_would_be_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    put_weights(DEFAULT_MODEL)
    monkeypatch.setattr("qwright.agent.discover._ENGINE", "no_such_engine")
    assert looked({}).found == []
    pick = best([], Config(), environ={})
    assert (pick.model, pick.pull) == (None, "")
    assert "qwright[local]" in pick.lines[0]


def test_the_others_are_named_but_not_all() -> None:
    here = [found(f"qwen3-coder:{size}b") for size in (1, 2, 3, 4, 5, 6)]
    first, second = best(here, Config(), environ={}).lines
    assert "qwen3-coder:6b" in first
    assert "qwen3-coder:5b" in second
    assert "3 more" in second
    assert "qwen3-coder:1b" not in second


@pytest.mark.parametrize(
    ("config", "flags", "environ", "named_by", "picked"),
    [
        (Config(model="m"), {}, {}, "config.toml", ("m", None)),
        (Config(model="m"), {"model": "n"}, {"OPENAI_MODEL": "o"}, "--model", ("n", None)),
        (Config(base_url="http://b/v1"), {}, {}, "config.toml", (None, "http://b/v1")),
        (Config(), {"base_url": "http://b/v1"}, {}, "--base-url", (None, "http://b/v1")),
        (Config(), {}, {"OPENAI_MODEL": "o"}, "OPENAI_MODEL", (None, None)),
        (Config(), {}, {"QWEN_MODEL": "q", "OPENAI_MODEL": " "}, "QWEN_MODEL", (None, None)),
        (Config(), {}, {"OPENAI_BASE_URL": "http://b/v1"}, "OPENAI_BASE_URL", (None, None)),
    ],
)
def test_who_names_a_model_gets_it(
    config: Config,
    flags: dict[str, str],
    environ: dict[str, str],
    named_by: str,
    picked: tuple[str | None, str | None],
) -> None:
    here = [found("qwen3-coder:30b"), found(DEFAULT_MODEL, "embedded")]
    pick = best(here, config, environ=environ, **flags)
    assert (pick.model, pick.base_url) == picked
    assert f"as {named_by} says" in pick.lines[0]
    assert pick == named(config, environ, flags.get("model"), flags.get("base_url"))


def test_a_named_embedded_model_is_pulled_once() -> None:
    config = Config(model="7b")
    assert best([], config, environ={}).pull == "qwen2.5-coder-7b"
    assert best([], config, environ={"OPENAI_BASE_URL": "http://b/v1"}).pull == ""
    put_weights("qwen2.5-coder-7b")
    assert best([], config, environ={}).pull == ""
    assert best([], Config(model="ollama/7b"), environ={}).pull == ""


def test_without_a_name_all_must_be_looked_for() -> None:
    assert named(Config(), KEYS) is None
    assert isinstance(named(Config(model="m"), {}), Pick)


def test_without_weights_what_else_is_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(names: list[str]) -> str:
        async with serving([Reply(b"", 404)], pages=tags(*names)) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url.partition("://")[2].removesuffix("/v1"))
            with pytest.raises(ConfigError) as caught:
                await connect(choose(None, None), verified=False, progress=print)
            return str(caught.value)

    said = asyncio.run(main(["llama3:8b", "qwen3:8b", "qwen3-coder:30b"]))
    assert f"qwright models pull {DEFAULT_MODEL}" in said
    assert said.endswith("or use what is here: -m ollama/qwen3-coder:30b")
    assert "use what is here" not in asyncio.run(main(["llama3:8b"]))
