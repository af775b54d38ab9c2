"""The real 0.5B behind the real server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qwright.agent.embedded.catalogue import Entry
from qwright.agent.embedded.fetch import import_root
from qwright.agent.embedded.record import key_path, record_path
from qwright.agent.embedded.server import Endpoint, ensure_server, running, stop
from tests.agent.embedded.client import call, chat
from tests.agent.embedded.house import Heard

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]

TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
    },
}


def serve(model: Entry, idle: float | None = None) -> Endpoint:
    return asyncio.run(ensure_server(model, progress=Heard(), context=2048, idle=idle))


def test_it_answers_and_is_found_again(model: Entry) -> None:
    endpoint = serve(model)
    answer = chat(endpoint, "What is the capital of France? Answer in one word.")
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert serve(model) == endpoint
    assert [server.pid for server in asyncio.run(running())] == [endpoint.pid]


def test_only_the_key_opens_it(model: Entry) -> None:
    endpoint = serve(model)
    assert call(endpoint, "/slots")[0] == 200
    assert call(endpoint, "/slots", key="wrong")[0] == 401
    assert call(endpoint, "/v1/chat/completions", {"messages": []}, key="wrong")[0] == 401


def test_the_key_is_in_a_private_file_and_nowhere_else(model: Entry) -> None:
    endpoint = serve(model)
    key_file = key_path(record_path(model.name))
    assert key_file.read_text() == endpoint.key
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert endpoint.key not in repr(endpoint)
    for name in ("cmdline", "environ"):
        assert endpoint.key.encode() not in Path(f"/proc/{endpoint.pid}/{name}").read_bytes()
    assert endpoint.key[-4:] not in endpoint.log.read_text()
    assert endpoint.log.stat().st_mode & 0o777 == 0o600


def test_it_survives_the_terminal(model: Entry) -> None:
    endpoint = serve(model)
    assert os.getsid(endpoint.pid) == endpoint.pid


def test_calls_are_shown_with_single_braces(model: Entry) -> None:
    arguments = '{"path": "a.py"}'
    call_made = {"type": "function", "function": {"name": "read_file", "arguments": arguments}}
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read both."},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "1", **call_made}]},
            {"role": "tool", "tool_call_id": "1", "content": "A"},
            {"role": "tool", "tool_call_id": "2", "content": "B"},
        ],
        "tools": [TOOL],
    }
    status, answer = call(serve(model), "/apply-template", body)
    prompt: str = answer["prompt"]
    assert status == 200
    assert "{{" not in prompt
    assert '\n{"name": <function-name>, "arguments": <args-json-object>}\n' in prompt
    assert prompt.startswith("<|im_start|>system\nBe brief.\n\n# Tools\n")
    shown = prompt.split("<tools>\n")[1].split("\n</tools>")[0]
    assert '"name": "read_file"' in shown
    assert prompt.endswith(
        "<|im_start|>user\nRead both.<|im_end|>\n"
        '<|im_start|>assistant\n<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}\n'
        "</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\nA\n</tool_response>\n"
        "<tool_response>\nB\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_without_tools_the_prompt_is_plain(model: Entry) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    _, answer = call(serve(model), "/apply-template", body)
    assert answer["prompt"] == (
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_prompt_with_a_known_beginning_is_not_evaluated_again(model: Entry) -> None:
    endpoint = serve(model)
    start = "Here is a list: " + ", ".join(str(number) for number in range(40))
    first = chat(endpoint, start)
    second = chat(endpoint, start, "Thank you.")
    reused = second["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert reused >= first["usage"]["prompt_tokens"] - 8


def test_the_state_of_a_prompt_can_be_saved_and_restored(model: Entry) -> None:
    endpoint = serve(model)
    chat(endpoint, "Remember the number 4711.")
    saved = call(endpoint, "/slots/0?action=save", {"filename": "test.bin"})
    restored = call(endpoint, "/slots/0?action=restore", {"filename": "test.bin"})
    assert saved[0] == restored[0] == 200
    assert restored[1]["n_restored"] == saved[1]["n_saved"] > 10


def test_a_killed_server_is_started_again(model: Entry) -> None:
    first = serve(model)
    os.kill(first.pid, signal.SIGKILL)
    second = serve(model)
    assert second.pid != first.pid
    assert second.key != first.key
    assert call(second, "/slots")[0] == 200


def test_a_stopped_process_is_replaced(model: Entry) -> None:
    """A server that is there but does not answer must not be waited for."""
    first = serve(model)
    os.kill(first.pid, signal.SIGSTOP)
    assert serve(model).pid != first.pid
    assert not Path(f"/proc/{first.pid}/cmdline").exists()


START = """
import asyncio, sys
from qwright.agent.embedded.catalogue import find
from qwright.agent.embedded.server import ensure_server
model = find("0.5b")
print(asyncio.run(ensure_server(model, progress=lambda *_: None, context=2048)).pid)
"""


def test_two_processes_starting_at_once_get_the_same_server(model: Entry) -> None:
    asyncio.run(stop())
    environment = {**os.environ, "PYTHONPATH": import_root()}
    argv = [sys.executable, "-c", START]
    with (
        subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as one,
        subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as two,
    ):
        pids = {one.communicate()[0], two.communicate()[0]}
    assert len(pids) == 1
    assert int(pids.pop()) == serve(model).pid


def test_stop_ends_it_and_leaves_no_key(model: Entry) -> None:
    endpoint = serve(model)
    assert asyncio.run(stop(model.name)) == [model.name]
    assert asyncio.run(running()) == []
    assert not key_path(record_path(model.name)).exists()
    assert not Path(f"/proc/{endpoint.pid}").exists()


def test_sigterm_cleans_up(model: Entry) -> None:
    endpoint = serve(model)
    os.kill(endpoint.pid, signal.SIGTERM)
    assert os.waitpid(endpoint.pid, 0) == (endpoint.pid, 0)
    assert not record_path(model.name).exists()
    assert not key_path(record_path(model.name)).exists()


def test_it_leaves_when_nobody_needs_it(model: Entry) -> None:
    asyncio.run(stop())
    endpoint = serve(model, idle=0.5)
    assert os.waitpid(endpoint.pid, 0) == (endpoint.pid, 0)
    assert not record_path(model.name).exists()


def test_another_context_is_no_reason_for_a_second_server(model: Entry) -> None:
    first = serve(model)
    assert asyncio.run(ensure_server(model, progress=Heard(), context=1024)) == first


def test_a_server_of_another_version_is_replaced_and_leaves(
    model: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = serve(model)
    monkeypatch.setattr("qwright.agent.embedded.server.__version__", "another")
    second = serve(model)
    assert second.pid != first.pid
    assert [server.pid for server in asyncio.run(running())] == [second.pid]
    # Nobody can find the first one any more.
    assert os.waitpid(first.pid, 0) == (first.pid, 0)
