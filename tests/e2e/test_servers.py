"""Servers that are named before the model, in the real command."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.e2e.house import KEY, House
from tests.e2e.scripted_server import call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")


def test_a_local_server_needs_no_url_gets_no_key_and_costs_nothing(house: House) -> None:
    with scripted(says(FIX), says(text="Fixed.")) as server:
        here = {"OLLAMA_HOST": urlsplit(server.url).netloc, "OPENAI_API_KEY": KEY}
        flags = ("-m", "ollama/qwen3-coder:30b", "--max-cost", "0.01", "-o", "json")
        done = house.run(*flags, "fix it", env=here)
    assert [request["model"] for request in server.requests] == ["qwen3-coder:30b"] * 2
    assert KEY not in "".join(server.headers)
    assert done.report["cost"] == 0.0
    assert done.report["files"] == ["calc.py"]


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openrouter/qwen/qwen3-coder", "OPENROUTER_API_KEY"),
        ("modelscope/Qwen/Qwen3-32B", "MODELSCOPE_API_KEY"),
        ("dashscope/qwen3-coder-plus", "DASHSCOPE_API_KEY"),
    ],
)
def test_42_when_a_hosted_service_has_no_key(house: House, name: str, variable: str) -> None:
    done = house.run("-m", name, "fix it", env={"OPENAI_API_KEY": KEY}, code=42)
    assert f"set {variable}" in done.line
    assert house.sessions == []
