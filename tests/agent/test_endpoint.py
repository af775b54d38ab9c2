from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from qwright.agent.endpoint import (
    DASHSCOPE_URL,
    OPENAI_URL,
    Endpoint,
    Provider,
    names_server,
    resolve_endpoint,
)
from qwright.agent.errors import ConfigError

LOCAL = "http://127.0.0.1:8080/v1"
BEIJING = "https://dashscope.aliyuncs.com/compatible-mode/v1"
CODING = "https://coding-intl.dashscope.aliyuncs.com/v1"
TOKEN_PLAN = "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1"
OPENROUTER = "https://openrouter.ai/api/v1"
MODELSCOPE = "https://api-inference.modelscope.cn/v1"
KEYS = {
    "OPENAI_API_KEY": "openai",
    "DASHSCOPE_API_KEY": "dashscope",
    "OPENROUTER_API_KEY": "openrouter",
    "MODELSCOPE_API_KEY": "modelscope",
    "VLLM_API_KEY": "vllm",
    "BAILIAN_CODING_PLAN_API_KEY": "sk-sp-plan",
    "BAILIAN_TOKEN_PLAN_API_KEY": "tokens",
}
"""A user who has them all."""


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


@pytest.mark.parametrize(
    ("name", "url", "model", "key"),
    [
        ("ollama/qwen3-coder:30b", "http://127.0.0.1:11434/v1", "qwen3-coder:30b", ""),
        ("lmstudio/qwen/qwen3-8b", "http://127.0.0.1:1234/v1", "qwen/qwen3-8b", ""),
        ("vllm/Qwen/Qwen3-8B", "http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B", "vllm"),
        ("sglang/Qwen/Qwen3-8B", "http://127.0.0.1:30000/v1", "Qwen/Qwen3-8B", ""),
        ("llamacpp/any", "http://127.0.0.1:8080/v1", "any", ""),
        ("openrouter/qwen/qwen3-coder:free", OPENROUTER, "qwen/qwen3-coder:free", "openrouter"),
        ("modelscope/Qwen/Qwen3-32B", MODELSCOPE, "Qwen/Qwen3-32B", "modelscope"),
        ("dashscope/qwen3-max", DASHSCOPE_URL, "qwen3-max", "dashscope"),
        ("openai/gpt-5", OPENAI_URL, "gpt-5", "openai"),
    ],
)
def test_a_server_before_the_model_needs_no_url(name: str, url: str, model: str, key: str) -> None:
    expected = Endpoint(url, key, model, parse_provider(name))
    assert resolve_endpoint(KEYS, model=name) == expected
    assert resolve_endpoint({**KEYS, "OPENAI_MODEL": name}) == expected
    # What is typed for this run counts more than a URL of the environment, as that does not.
    assert resolve_endpoint({**KEYS, "OPENAI_BASE_URL": LOCAL}, model=name) == expected
    named = resolve_endpoint({**KEYS, "OPENAI_BASE_URL": LOCAL, "OPENAI_MODEL": name})
    assert named == Endpoint(LOCAL, "openai", name, "compatible")
    assert resolve_endpoint(KEYS, model=name, base_url=LOCAL) == named


def test_which_names_begin_with_a_server() -> None:
    assert names_server("ollama/m")
    assert names_server("dashscope/m")
    for name in ("qwen/qwen3-coder", "Qwen/Qwen3-8B", "ollama", "", None):
        assert not names_server(name)


def parse_provider(name: str) -> Provider:
    provider: Provider = TypeAdapter[Provider](Provider).validate_python(name.split("/")[0])
    return provider


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:11434/v1"),
        ({"OLLAMA_HOST": "0.0.0.0"}, "http://127.0.0.1:11434/v1"),
        ({"OLLAMA_HOST": "[::]:11500"}, "http://127.0.0.1:11500/v1"),
        ({"OLLAMA_HOST": "gpu-box"}, "http://gpu-box:11434/v1"),
        ({"OLLAMA_HOST": "gpu-box:9000"}, "http://gpu-box:9000/v1"),
        ({"OLLAMA_HOST": ":9000"}, "http://127.0.0.1:9000/v1"),
        ({"OLLAMA_HOST": "http://gpu-box"}, "http://gpu-box:80/v1"),
        ({"OLLAMA_HOST": "https://gpu-box/"}, "https://gpu-box:443/v1"),
        ({"OLLAMA_HOST": "https://gpu-box/ollama"}, "https://gpu-box:443/ollama/v1"),
        ({"OLLAMA_HOST": "[fd00::1]:9000"}, "http://[fd00::1]:9000/v1"),
        ({"OLLAMA_API_BASE": "http://gpu-box:11434"}, "http://gpu-box:11434/v1"),
        ({"OLLAMA_API_BASE": "http://a:1/v1", "OLLAMA_HOST": "b"}, "http://a:1/v1"),
    ],
)
def test_ollama_is_where_its_variables_say(variables: dict[str, str], url: str) -> None:
    found = resolve_endpoint(variables, model="ollama/m")
    assert found == Endpoint(url, "", "m", "ollama")


@pytest.mark.parametrize(
    ("environ", "url", "key"),
    [
        ({"DASHSCOPE_API_KEY": "d", "DASHSCOPE_REGION": "cn"}, BEIJING, "d"),
        ({"DASHSCOPE_API_KEY": "d", "DASHSCOPE_REGION": "INTL"}, DASHSCOPE_URL, "d"),
        (
            {"DASHSCOPE_API_KEY": "d", "DASHSCOPE_REGION": "us"},
            "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
            "d",
        ),
        (
            {"DASHSCOPE_API_KEY": "d", "DASHSCOPE_REGION": "hk"},
            "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
            "d",
        ),
        ({"DASHSCOPE_API_KEY": "sk-sp-1"}, CODING, "sk-sp-1"),
        (
            {"DASHSCOPE_API_KEY": "sk-sp-1", "DASHSCOPE_REGION": "cn"},
            "https://coding.dashscope.aliyuncs.com/v1",
            "sk-sp-1",
        ),
        ({"BAILIAN_CODING_PLAN_API_KEY": "sk-sp-2"}, CODING, "sk-sp-2"),
        ({"ALIBABA_CODING_PLAN_API_KEY": "sk-sp-3"}, CODING, "sk-sp-3"),
        ({**KEYS, "OPENAI_BASE_URL": CODING}, CODING, "sk-sp-plan"),
        ({**KEYS, "OPENAI_BASE_URL": TOKEN_PLAN}, TOKEN_PLAN, "tokens"),
        ({**KEYS, "OPENAI_BASE_URL": BEIJING}, BEIJING, "dashscope"),
    ],
)
def test_the_regions_and_plans_of_dashscope(environ: dict[str, str], url: str, key: str) -> None:
    expected = Endpoint(url, key, "qwen3-coder-plus", "dashscope")
    assert resolve_endpoint(environ) == expected


@pytest.mark.parametrize(
    ("environ", "name", "words"),
    [
        ({}, "openrouter/qwen/qwen3-coder", "OPENROUTER_API_KEY (made at https://openrouter.ai"),
        ({}, "modelscope/Qwen/Qwen3-8B", "MODELSCOPE_API_KEY"),
        ({}, "dashscope/qwen3-max", "DASHSCOPE_API_KEY"),
        ({"DASHSCOPE_API_KEY": "d"}, "openai/gpt-5", "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "k"}, "openrouter/qwen/qwen3-coder", "OPENROUTER_API_KEY"),
        ({"OPENAI_BASE_URL": BEIJING}, "qwen3-max", "DASHSCOPE_API_KEY"),
        ({"DASHSCOPE_API_KEY": "d", "DASHSCOPE_REGION": "eu"}, "dashscope/m", "intl, cn, us, hk"),
        ({"DASHSCOPE_API_KEY": "sk-sp-1", "OPENAI_BASE_URL": BEIJING}, "m", CODING),
        (
            {"DASHSCOPE_API_KEY": "d", "OPENAI_BASE_URL": BEIJING.replace("https", "http")},
            "m",
            "https only",
        ),
        ({"OLLAMA_HOST": "a b:c"}, "ollama/m", "OLLAMA_HOST"),
        ({"OLLAMA_API_BASE": "gpu"}, "ollama/m", "OLLAMA_API_BASE"),
        ({}, "ollama/", "--model"),
        ({}, "qwen/qwen3-coder", "openrouter/qwen/qwen3-coder"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], name: str, words: str) -> None:
    named = {"OPENAI_MODEL": name} if "OPENAI_BASE_URL" in environ else {}
    with pytest.raises(ConfigError) as caught:
        resolve_endpoint({**environ, **named}, model=None if named else name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope.aliyuncs.com.evil.example/v1",
        "https://notdashscope.aliyuncs.com/v1",
        # Customers' own servers, under the same domain.
        "https://mine.cn-hangzhou.pai-eas.aliyuncs.com/v1",
        "https://bucket.oss-cn-hangzhou.aliyuncs.com/v1",
        "https://openrouter.ai.evil.example/v1",
        "https://notopenrouter.ai/v1",
        "https://api.openai.com.evil.example/v1",
        "https://dashscope.aliyuncs.com@evil.example/v1",
        LOCAL,
    ],
)
def test_a_key_goes_to_no_host_but_its_own(url: str) -> None:
    environ = {name: key for name, key in KEYS.items() if name != "OPENAI_API_KEY"}
    found = resolve_endpoint(environ, model="m", base_url=url)
    assert found is not None
    assert (found.key, found.provider) == ("", "compatible")


def test_an_endpoint_knows_the_variable_of_its_key() -> None:
    for environ, name, variable in [
        (KEYS, "vllm/m", "VLLM_API_KEY"),
        ({}, "ollama/m", "OLLAMA_API_KEY"),
        ({"MODELSCOPE_SDK_TOKEN": "t"}, "modelscope/m", "MODELSCOPE_SDK_TOKEN"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": BEIJING}, None, "OPENAI_API_KEY"),
        ({"BAILIAN_CODING_PLAN_API_KEY": "k"}, None, "BAILIAN_CODING_PLAN_API_KEY"),
    ]:
        found = resolve_endpoint(environ, model=name)
        assert found is not None
        assert found.key_variable == variable


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
