"""What docs/models.md tells people to type is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qwright.agent.config import Config, load
from qwright.agent.endpoint import DASHSCOPE_URL, Endpoint, resolve_endpoint
from qwright.agent.profile import profile_for
from qwright.sandbox.dirs import config_dir

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
SERVED = re.findall(r"`qwright -m (\w+)/(\S+) ", TEXT)
KEYS = dict.fromkeys(re.findall(r"\b[A-Z]+_API_KEY\b", TEXT), "k")


def test_the_servers_it_names() -> None:
    assert {provider for provider, _ in SERVED} == {
        *("ollama", "lmstudio", "llamacpp", "vllm", "sglang"),
        *("dashscope", "openrouter", "modelscope"),
    }


@pytest.mark.parametrize(("provider", "model"), SERVED)
def test_each_command_finds_its_server_and_a_profile(provider: str, model: str) -> None:
    found = resolve_endpoint(KEYS, model=f"{provider}/{model}")
    assert found is not None
    assert (found.provider, found.model) == (provider, model)
    assert profile_for(found.model, found.provider).name.startswith("qwen3")


def test_the_key_that_is_enough() -> None:
    found = resolve_endpoint({"DASHSCOPE_API_KEY": "k"})
    assert found == Endpoint(DASHSCOPE_URL, "k", "qwen3-coder-plus", "dashscope")


def test_its_configuration_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    shown = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert shown
    config_dir().mkdir(parents=True)
    (config_dir() / "config.toml").write_text(shown[1], encoding="utf-8")
    config: Config = load(tmp_path)[0]
    local = profile_for("qwen3-coder:30b", "ollama", own=config.profile)
    assert (local.context, local.thinking, len(local.prices)) == (65_536, "none", 2)
    routed = profile_for("qwen/qwen3-coder", "openrouter", own=config.profile)
    assert "provider" in routed.extra_body


def test_the_windows_it_names() -> None:
    for model in ("qwen4-max", "qwen3.5-plus", "qwen3.8-flash", "qwen3-coder-plus"):
        assert profile_for(model, "dashscope").context == 1_000_000
    for model in ("qwen3-coder:30b", "qwen3.5:35b", "qwen3.8-27b", "qwen3-max"):
        assert profile_for(model, "vllm").context == 262_144
    for model in ("qwen2.5-coder:7b", "qwen3:8b", "never-heard-of"):
        assert profile_for(model, "ollama").context == 32_768
