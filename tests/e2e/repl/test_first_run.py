"""A person's first `qwright`: nothing is configured, and it finds what is there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from qwright.agent.embedded.catalogue import DEFAULT_MODEL, find
from qwright.agent.embedded.weights import megabytes
from tests.agent import imitations as of
from tests.e2e.house import COMMAND, House
from tests.e2e.repl.stage import ask, follows, opened
from tests.e2e.scripted_server import Server, says, served
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

CODER = "qwen3-coder:30b"
TAGS = of.page({"models": [{"name": name} for name in ("llama3:8b", CODER, "qwen2.5-coder:7b")]})


@contextmanager
def ollama() -> Generator[tuple[Server, dict[str, str]]]:
    """An Ollama with three models, and the variables of a shell that knows where it is."""
    answers = follows({"adder": (says(text="It adds two numbers."),)})
    with served(answers, pages={**of.ollama(), "/api/tags": TAGS}) as server:
        host = server.url.partition("://")[2].removesuffix("/v1")
        yield server, {"OLLAMA_HOST": host, "OLLAMA_API_KEY": "sk-secret"}


def test_a_local_coder_is_found_said_in_two_lines_and_used(house: House) -> None:
    with ollama() as (server, env), opened(house, None, env=env) as repl:
        repl.wait_all(f"Model: {CODER} on Ollama, found at {env['OLLAMA_HOST']}")
        repl.wait_all("Also here: qwen2.5-coder:7b on Ollama")
        assert "authorization" not in "".join(server.headers[:1]).lower()
        ask(repl, "what does the adder do?", "It adds two numbers.")
    assert {request["model"] for request in server.requests} == {CODER}


@pytest.mark.parametrize("how", ["locale", "configuration"])
def test_in_chinese(how: str, house: House) -> None:
    language = {"LANG": "zh_CN.UTF-8"} if how == "locale" else {}
    if how == "configuration":
        assert "zh" in house.run("config", "set", "language", "zh").out
    with ollama() as (_, env), opened(house, None, env={**env, **language}) as repl:
        repl.wait_all(f"模型\uff1aOllama 上的 {CODER}\uff0c位于 {env['OLLAMA_HOST']}")
        ask(repl, "/help exit", "退出")


def test_where_nothing_is_the_pull_is_offered_with_its_size(house: House) -> None:
    (house.home / "cache").unlink()  # others keep weights there
    env = {"OLLAMA_HOST": "127.0.0.1:1"}
    size = megabytes(find(DEFAULT_MODEL).size)
    with opened(house, None, env=env) as repl:
        shown = repl.wait_for(size)
        assert DEFAULT_MODEL in shown
        assert "DASHSCOPE_API_KEY" in shown
        repl.settled(0.5)
        repl.press("esc")
        repl.wait_for("Ask for something")
        ask(repl, "hello", f"qwright models pull {DEFAULT_MODEL}")
    assert not (house.home / "cache/models").exists()


def test_a_start_that_fails_leaves_no_session(house: House) -> None:
    argv = [*COMMAND, "--model", "nonsense/model"]
    with Terminal(argv, cwd=house.repo, env=house.environment(None)) as terminal:
        terminal.wait_all("no server is known for the model nonsense/model")
        assert terminal.ended() != 0
    assert not house.sessions


def test_a_key_is_used_only_where_nothing_local_is(house: House) -> None:
    key = {"DASHSCOPE_API_KEY": "sk-key"}
    with ollama() as (_, env), opened(house, None, env={**env, **key}) as repl:
        repl.wait_all(f"Model: {CODER} on Ollama")
        repl.wait_all("qwen3-coder-plus on DashScope")
