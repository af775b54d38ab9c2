"""The server without weights: what is not a server, and what does not start."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from qwright.agent.embedded.errors import ServerError
from qwright.agent.embedded.fetch import import_root
from qwright.agent.embedded.record import (
    Record,
    forget,
    key_path,
    read_record,
    record_path,
    write_record,
)
from qwright.agent.embedded.serve import Watch
from qwright.agent.embedded.server import ensure_server, running, stop
from qwright.agent.errors import ConfigError
from tests.agent.embedded.house import Heard, serving


def record_of(address: str, pid: int = 1) -> Record:
    return Record("other", pid, address, 512, "", time.time())


class Stranger(BaseHTTPRequestHandler):
    """Somebody else's server: it knows /health, and not our key."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_reused_port_and_pid_are_not_taken_for_the_server(home: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with sleeper, serving(Stranger) as address:
        path = record_path("other")
        write_record(path, record_of(address, sleeper.pid), "a key")
        assert asyncio.run(running()) == []
        assert not path.exists()
        write_record(path, record_of(address, sleeper.pid), "a key")
        assert asyncio.run(stop()) == []
        assert sleeper.poll() is None


def test_the_key_is_private_and_goes_with_the_record(home: Path) -> None:
    path = record_path("other")
    write_record(path, record_of("http://127.0.0.1:9", pid=7), "a key")
    assert key_path(path).stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    forget(path, pid=8)
    assert read_record(path) is not None
    forget(path, pid=7)
    assert not path.exists()
    assert not key_path(path).exists()


def test_a_model_that_does_not_load_is_one_line_with_the_log(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    with pytest.raises(ServerError, match=r"did not start: .+ \(log: .*\.log\)") as error:
        asyncio.run(ensure_server(broken, progress=Heard()))
    assert "\n" not in str(error.value)
    assert list((home / "state" / "servers").glob("*.json")) == []


def test_a_missing_file_is_told(home: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist; give a GGUF file"):
        asyncio.run(ensure_server(Path("/nowhere/x.gguf"), progress=Heard()))


def test_stopping_what_does_not_run_is_told(home: Path) -> None:
    with pytest.raises(ConfigError, match="no server of x is running"):
        asyncio.run(stop("x"))


def test_finding_a_server_imports_no_heavy_library() -> None:
    script = (
        "import sys; from qwright.agent.embedded import server;"
        "print([name for name in ('xllamacpp', 'openai', 'huggingface_hub', 'rich', 'httpx',"
        " 'http.client', 'docker', 'git') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": import_root()}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


class Counters:
    """An engine that only counts."""

    listening_address = "http://127.0.0.1:9"

    def __init__(self) -> None:
        self.text = "llamacpp:requests_processing 0\n"

    def handle_metrics(self) -> str:
        return self.text


class Scene:
    """A watch over such an engine, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.engine = Counters()
        self.record = record_path("watched")
        write_record(self.record, record_of("http://127.0.0.1:9", os.getpid()), "a key")
        self.watch = Watch(self.engine, self.record, 900.0, lambda: self.now)
        assert not self.leaves_at(0.0)

    def leaves_at(self, now: float) -> bool:
        self.now = now
        return self.watch.should_leave()


def test_an_idle_server_leaves(home: Path) -> None:
    scene = Scene()
    assert not scene.leaves_at(899.0)
    assert scene.leaves_at(900.0)


def test_a_request_in_flight_keeps_the_server(home: Path) -> None:
    scene = Scene()
    scene.engine.text = "llamacpp:requests_processing 1\n"
    assert not scene.leaves_at(1000.0)
    assert not scene.leaves_at(2000.0)
    scene.record.unlink()
    assert not scene.leaves_at(3000.0)


def test_counters_that_moved_and_a_touched_record_count_as_use(home: Path) -> None:
    scene = Scene()
    scene.engine.text = "llamacpp:requests_processing 0\nllamacpp:n_decode_total 5\n"
    assert not scene.leaves_at(1000.0)
    os.utime(scene.record, (1, 1))
    assert not scene.leaves_at(1800.0)
    assert not scene.leaves_at(2600.0)
    assert scene.leaves_at(2700.0)


def test_a_server_nobody_can_find_leaves(home: Path) -> None:
    scene = Scene()
    record = json.loads(scene.record.read_text())
    scene.record.write_text(json.dumps({**record, "pid": os.getpid() + 1}))
    assert scene.leaves_at(1.0)
