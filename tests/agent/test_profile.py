from __future__ import annotations

import pytest

from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.dialects.text import TextDialect
from qwright.agent.profile import PROFILES, profile_for
from qwright.agent.rewriting import whole_file
from tests.agent.tool_specs import TOOLS


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("Qwen2.5-Coder-1.5B-Instruct", "small-local"),
        ("qwen2.5-coder:3b", "small-local"),
        ("qwen2-5-coder-0.5b-instruct", "small-local"),
        ("qwen2.5-coder:7b", "local"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "local"),
        ("qwen2.5-coder:latest", "local"),
        ("qwen2.5-coder-13b", "local"),
        ("qwen3-coder-plus", "qwen3-coder-api"),
        ("qwen3-coder-flash", "qwen3-coder-api"),
        ("qwen/qwen3-coder", "qwen3-coder"),
        ("Qwen3-Coder-30B-A3B-Instruct", "qwen3-coder"),
        ("qwen3-coder-next", "qwen3-coder"),
        ("qwen3-max-2026-01-23", "qwen3-max"),
        ("gpt-oss-120b", "default"),
        ("", "default"),
    ],
)
def test_a_models_name_finds_its_profile(model: str, profile: str) -> None:
    assert profile_for(model, embedded=False).name == profile


def test_an_embedded_model_is_constrained_text() -> None:
    profile = profile_for("qwen2.5-coder-1.5b", embedded=True)
    assert (profile.name, profile.dialect) == ("small-local", "hermes")
    assert profile.constraint == "grammar"
    assert profile_for("qwen2.5-coder-1.5b", embedded=False).constraint == "none"


def test_profiles_leave_room_for_a_prompt() -> None:
    assert all(profile.max_output <= profile.context // 2 for profile in PROFILES)
    assert len({profile.name for profile in PROFILES}) == len(PROFILES)


def test_the_dialect_follows_its_name() -> None:
    assert isinstance(dialect_for("native"), NativeDialect)
    assert isinstance(dialect_for("hermes"), TextDialect)
    free = dialect_for("hermes", constraint="grammar").request(TOOLS)["extra_body"]["grammar"]
    held = dialect_for("hermes", constraint="grammar", require_call=True, raw=True)
    required = held.request(TOOLS)["extra_body"]["grammar"]
    assert "preamble call" in required
    assert "preamble call" not in free
    whole = held.request(whole_file({"a.py": ""}))["extra_body"]["grammar"]
    assert '"a.py"' in whole
