"""Servers of unknown kind under the real command: what they are is found out before the run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agent import imitations as of
from tests.agent.test_probe import Speaker
from tests.e2e.house import FIXED, MODEL, VERIFY, House, plain
from tests.e2e.scripted_server import Reply, by_turn, call, error, says, served

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
AS_TEXT = json.dumps({"name": FIX[0], "arguments": FIX[1]})
TASK = "test_calc.py fails; fix calc.py"


def test_a_server_that_takes_no_tools_is_told_of_them_in_text_and_remembered(house: House) -> None:
    in_text = by_turn(
        says(text=f"I fix it.\n<tool_call>\n{AS_TEXT}\n</tool_call>"), says(text="Fixed.")
    )

    def script(request: dict[str, Any]) -> Reply:
        return error(400, of.NO_PARSER) if "tools" in request else in_text(request)

    with served(script, pages=of.vllm()) as server:
        done = house.run("--verify", VERIFY, TASK, server=server)
        assert house.files.tree["calc.py"][1] == FIXED
        assert "<tool_call>" not in done.out
        refused = [request for request in server.requests if "tools" in request]
        assert len(refused) == 1
        house.run("undo")
        house.run("--verify", VERIFY, TASK, server=server)
        assert house.files.tree["calc.py"][1] == FIXED
        assert [request for request in server.requests if "tools" in request] == refused


def test_a_small_window_is_told_of_before_the_run(house: House) -> None:
    running = {"name": MODEL, "model": f"{MODEL}:latest", "context_length": 4096}
    pages = {**of.ollama(), "/api/ps": of.page({"models": [running]})}
    with served(by_turn(says(FIX), says(text="Fixed.")), pages=pages) as server:
        done = house.run(TASK, server=server)
        assert "4,096 tokens" in done.err
        assert "OLLAMA_CONTEXT_LENGTH" in done.err
        assert all(request["max_tokens"] <= 1024 for request in server.requests)


def test_the_probe_prints_its_table(house: House) -> None:
    with served(Speaker(), pages=of.llamacpp()) as server:
        done = house.run("models", "probe", server=server)
        assert plain(done.out)
        assert "llamacpp b7000-abcdef12" in done.out
        assert "8,192 tokens" in done.out
        found = json.loads(house.run("models", "probe", "-o", "json", server=server).out)
        assert found["dialect"] == "native"


def test_what_keeps_the_probe_from_asking_has_its_exit_code(house: House) -> None:
    with served([error(401, "no such key")], pages=of.vllm()) as server:
        done = house.run("models", "probe", server=server, code=41)
        assert "vllm 0.12.0" in done.out
        assert "OPENAI_API_KEY" in done.err
    done = house.run("models", "probe", server="http://127.0.0.1:9/v1", code=43)
    assert "no connection" in done.err
    done = house.run("models", "probe", "--base-url", "nonsense", code=42)
    assert "base URL" in done.err
