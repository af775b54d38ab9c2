"""The bench of the REPL: its server and its window, with the smallest program that reads a line."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import httpx2
import pytest

from qwright.evals.bench.repl import FLOOR, p95
from qwright.evals.bench.repl_window import NotShownError, Window
from qwright.evals.bench.streamer import RATE, streaming

ENVIRONMENT = {"HOME": os.devnull}


def test_p95_is_exceeded_by_one_in_twenty() -> None:
    assert p95(list(range(1, 101))) == 95
    assert p95([3.0]) == 3.0
    with pytest.raises(ValueError, match="no values"):
        p95([])


def test_keys_of_a_program_are_timed_to_their_echo(tmp_path: Path) -> None:
    with Window([sys.executable, "-c", FLOOR], cwd=tmp_path, env=ENVIRONMENT) as window:
        window.raw()
        first, second = window.key(), window.key()
        assert 0 < first < 30
        assert 0 < second < 30
        assert window.resident() > 5
        assert window.started < time.monotonic()


def test_a_program_that_ends_or_draws_nothing_is_given_up(tmp_path: Path) -> None:
    with (
        Window([sys.executable, "-c", "print('no')"], cwd=tmp_path, env=ENVIRONMENT) as window,
        pytest.raises(NotShownError, match="reads no keys"),
    ):
        window.raw()


def test_the_server_streams_calls_and_titles() -> None:
    with streaming() as server, httpx2.Client(base_url=server.url, timeout=30) as client:

        def ask(*messages: tuple[str, str], tools: int = 1) -> str:
            sent = [{"role": role, "content": text} for role, text in messages]
            offered = [{"type": "function"} for _ in range(tools)]
            return client.post("chat/completions", json={"messages": sent, "tools": offered}).text

        began = time.monotonic()
        assert ask(("user", "stream 40")).count('"content"') == 40
        assert time.monotonic() - began >= 39 / RATE
        assert "list_directory" in ask(("user", "turn 7"))
        assert "answered 7" in ask(("user", "turn 7"), ("tool", "files"))
        assert "Bench" in ask(("user", "turn 7"), tools=0)
        assert client.get("models").json() == {"object": "list", "data": []}
