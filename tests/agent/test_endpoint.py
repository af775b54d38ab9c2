from __future__ import annotations

import pytest

from qwright.agent.endpoint import DASHSCOPE_URL, OPENAI_URL, Endpoint, resolve_endpoint
from qwright.agent.errors import ConfigError

LOCAL = "http://127.0.0.1:8080/v1"
BEIJING = "https://dashscope.aliyuncs.com/compatible-mode/v1"


@pytest.mark.parametrize(
    ("environ", "flags", "endpoint"),
    [
        ({}, {}, None),
        ({"OPENAI_API_KEY": "k"}, {}, None),
        ({"DASHSCOPE_API_KEY": " ", "OPENAI_BASE_URL": ""}, {}, None),
        ({"OPENAI_API_KEY": "k", "DASHSCOPE_API_KEY": "d"}, {"model": "small"}, None),
        ({"OPENAI_MODEL": "small"}, {}, None),
        (
            {"DASHSCOPE_API_KEY": "d\n"},
            {},
            Endpoint(DASHSCOPE_URL, "d", "qwen3-coder-plus", "dashscope"),
        ),
        (
            {"DASHSCOPE_API_KEY": "d", "QWEN_MODEL": "qwen3-max"},
            {},
            Endpoint(DASHSCOPE_URL, "d", "qwen3-max", "dashscope"),
        ),
        (
            {"DASHSCOPE_API_KEY": "d", "OPENAI_BASE_URL": BEIJING + "/"},
            {},
            Endpoint(BEIJING, "d", "qwen3-coder-plus", "dashscope"),
        ),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": BEIJING, "OPENAI_MODEL": "qwen-plus"},
            {},
            Endpoint(BEIJING, "k", "qwen-plus", "dashscope"),
        ),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_MODEL": "a", "QWEN_MODEL": "b"},
            {},
            Endpoint(OPENAI_URL, "k", "a", "openai"),
        ),
        (
            {"OPENAI_API_KEY": "k", "DASHSCOPE_API_KEY": "d", "OPENAI_MODEL": "gpt"},
            {},
            Endpoint(OPENAI_URL, "k", "gpt", "openai"),
        ),
        (
            {"DASHSCOPE_API_KEY": "d", "OPENAI_MODEL": "other"},
            {"model": "q", "base_url": LOCAL + "/chat/completions"},
            Endpoint(LOCAL, "", "q", "compatible"),
        ),
        (
            {"OPENAI_BASE_URL": "https://x.example/v1", "OPENAI_MODEL": "small"},
            {},
            Endpoint("https://x.example/v1", "", "small", "compatible"),
        ),
    ],
)
def test_flags_and_variables_name_an_endpoint(
    environ: dict[str, str], flags: dict[str, str], endpoint: Endpoint | None
) -> None:
    assert resolve_endpoint(environ, **flags, embedded=["small"]) == endpoint


@pytest.mark.parametrize(
    ("environ", "flags", "words"),
    [
        ({}, {"base_url": LOCAL}, "--model"),
        ({}, {"base_url": "localhost:8080"}, "http://127.0.0.1:8080/v1"),
        ({}, {"base_url": "http://x:99999/v1"}, "--base-url"),
        ({}, {"model": "qwen3-coder-plus"}, "DASHSCOPE_API_KEY"),
        ({"OPENAI_API_KEY": "k"}, {"model": "qwen3-max"}, "--base-url"),
        ({"DASHSCOPE_API_KEY": "sk-ключ"}, {}, "characters"),
        ({"DASHSCOPE_API_KEY": "sk-a\nb"}, {}, "characters"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    environ: dict[str, str], flags: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_endpoint(environ, **flags)
    line = str(caught.value)
    assert words in line
    assert "\n" not in line
    assert "ключ" not in line


def test_a_key_goes_to_no_host_that_only_looks_like_its_own() -> None:
    for url in ("https://aliyuncs.com.evil.example/v1", "https://notaliyuncs.com/v1"):
        environ = {"DASHSCOPE_API_KEY": "secret"}
        found = resolve_endpoint(environ, model="m", base_url=url)
        assert found is not None
        assert (found.key, found.provider) == ("", "compatible")


def test_secrets_are_never_shown() -> None:
    endpoint = Endpoint("https://user:pass@host:1/v1?token=t", "sk-1", "m", "compatible")
    assert "sk-1" not in repr(endpoint)
    assert endpoint.shown_url == "https://host:1/v1"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        (LOCAL, True),
        ("http://localhost:1/v1", True),
        ("http://[::1]:1/v1", True),
        ("https://127.evil.example/v1", False),
        (DASHSCOPE_URL, False),
    ],
)
def test_loopback_is_told_from_the_network(url: str, *, loopback: bool) -> None:
    assert Endpoint(url, "", "m", "compatible").is_loopback is loopback
