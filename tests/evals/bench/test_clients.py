from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.evals.bench import clients
from qwright.evals.bench.clients import Client, NoRequestError, launch, prepare
from qwright.evals.bench.recorder import Recorder, recording

ASK = """
import json, os, sys, urllib.request
messages = [{"role": "user", "content": sys.argv[2]}]
body = json.dumps({"messages": messages}).encode()
urllib.request.urlopen(sys.argv[1] + "/chat/completions", body).read()
"""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as server:
        yield server


def python(code: str, *arguments: str, **environment: str) -> Client:
    return Client("a client", [sys.executable, "-c", code, *arguments], environment)


def test_a_launch_counts_from_the_start_of_the_process(tmp_path: Path, recorder: Recorder) -> None:
    client = python(ASK, "{url}", "{task}")
    began = time.monotonic()
    found = launch(client, prepare(client, tmp_path), recorder)

    assert 0 < found.seconds <= recorder.requests[0].first_byte - began
    assert [message.text for chat in found.prompts for message in chat.messages] == [found.task]


def test_only_the_requests_of_the_launch_itself_count(tmp_path: Path, recorder: Recorder) -> None:
    client = python(ASK, "{url}", "{task}")
    stage = prepare(client, tmp_path)
    tasks = [launch(client, stage, recorder) for _ in range(2)]

    assert len(recorder.requests) == 2
    assert [len(one.prompts) for one in tasks] == [1, 1]
    assert tasks[0].task != tasks[1].task


def test_a_request_without_the_task_is_not_from_the_client(
    tmp_path: Path, recorder: Recorder
) -> None:
    client = python(f"{ASK}\nprint('bye')", "{url}", "something else")

    with pytest.raises(NoRequestError, match="a client sent no prompt: bye"):
        launch(client, prepare(client, tmp_path), recorder)


def test_a_client_that_fails_is_quoted(tmp_path: Path, recorder: Recorder) -> None:
    client = python("raise SystemExit('no such flag')")

    with pytest.raises(NoRequestError, match="a client sent no prompt: no such flag"):
        launch(client, prepare(client, tmp_path), recorder)


def test_a_client_that_stays_is_killed_with_its_children(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "END_SECONDS", 0.1)
    child = "child = __import__('subprocess').Popen(['sleep', '60']); print(child.pid, flush=True)"
    client = python(f"{child}\n{ASK}\nchild.wait()", "{url}", "{task}")
    stage = prepare(client, tmp_path)
    launch(client, stage, recorder)

    assert ends(int(stage.log.read_text()))


def ends(pid: int) -> bool:
    """Whether a process is gone, or a zombie nobody has collected, within seconds."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(500):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_a_client_gets_its_own_home_and_none_of_the_users_keys(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    show = "print([os.environ.get(n) for n in ('HOME', 'OPENAI_API_KEY', 'HTTP_PROXY', 'U')])"
    client = python(f"{ASK}\n{show}\nprint(os.getcwd())", "{url}", "{task}", U="at {url}")
    stage = prepare(client, tmp_path)
    launch(client, stage, recorder)

    expected = [str(stage.home), None, None, f"at {recorder.base_url}"]
    assert stage.log.read_text().splitlines() == [str(expected), str(stage.repository)]


def test_the_repository_has_one_commit_and_no_changes(tmp_path: Path) -> None:
    stage = prepare(python(""), tmp_path)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(stage.repository), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert git("rev-list", "--count", "HEAD").strip() == "1"
    assert git("status", "--porcelain") == ""
    assert os.listdir(stage.home) == []
