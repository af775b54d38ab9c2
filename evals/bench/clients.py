"""Programs that ask a model server: how each is started, and what its start looked like."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from qwright.agent.embedded.fetch import import_root
from qwright.evals.bench.recorder import ChatRequest, Recorder
from qwright.sandbox.errors import QwrightError

FIRST_REQUEST_SECONDS = 120.0
"""How long a client may take to its first request."""
END_SECONDS = 30.0
"""How long a client that has its answer may take to end before it is killed."""
SMALL_MODEL, BIG_MODEL = "qwen2.5-coder-1.5b", "qwen3-coder-plus"
"""Names that bring the local and the full profile."""
_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "DOCKER_HOST", "XDG_RUNTIME_DIR")
_FLOOR = """
import sys
import openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="none")
message = {"role": "user", "content": sys.argv[2]}
client.chat.completions.create(model="recorded", messages=[message])
"""


class NoRequestError(QwrightError):
    """A client ended, or was given up, without asking the recorder."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program. `{url}` and `{task}` stand for both in `argv` and `environment`."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a client runs: a home and a repository of its own, kept from run to run."""

    home: Path
    repository: Path
    log: Path
    """What it last printed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One run of a client, until it ended or was killed."""

    seconds: float
    """From the start of the process to the first byte of its first prompt."""
    prompts: list[ChatRequest]
    """All it asked, in order."""
    task: str


def qwright_client(name: str, model: str) -> Client:
    """qwright itself, the installed command or this checkout; the model's name sets the profile."""
    script = Path(sys.executable).with_name("qwright")
    command = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "qwright.agent"]
    flags = ["-p", "{task}", "--base-url", "{url}", "--model", model, "--no-apply"]
    return Client(name, [*command, *flags], {"PYTHONPATH": import_root()})


def floor_client() -> Client:
    """The least a Python program can do: import openai and send one request."""
    return Client("python + openai", [sys.executable, "-c", _FLOOR, "{url}", "{task}"])


def prepare(client: Client, root: Path) -> Stage:
    """Make an empty home and a small repository with one commit for this client."""
    folder = root / client.name.replace(" ", "")
    repository, home = folder / "repository", folder / "home"
    home.mkdir(parents=True)
    repository.mkdir()
    (repository / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (repository / "test_calc.py").write_text(
        "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )
    author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "Start"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return Stage(home, repository, folder / "output.txt")


def launch(client: Client, stage: Stage, recorder: Recorder) -> Launch:
    """Start the client on a task nobody else has, and let it end.

    Blocks. Raises NoRequestError when no request with that task came from it.
    """
    task = f"Say hello and do nothing else. [{secrets.token_hex(4)}]"
    began = time.monotonic()
    process = _start(client, stage, recorder, task)
    try:
        _await_request(recorder, process, task.encode())
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    finally:
        _end(process)
    sent = [request for request in recorder.requests if request.first_byte >= began]
    asked = [(request, chat) for request in sent if (chat := request.chat)]
    if not any(task in message.text for _, chat in asked for message in chat.messages):
        raise NoRequestError(f"{client.name} sent no prompt: {_last_line(stage.log)}")
    first = min(request.first_byte for request, _ in asked)
    return Launch(first - began, [chat for _, chat in asked], task)


def _start(client: Client, stage: Stage, recorder: Recorder, task: str) -> subprocess.Popen[bytes]:
    with stage.log.open("wb") as log:
        return subprocess.Popen(
            [_filled(word, recorder, task) for word in client.argv],
            cwd=stage.repository,
            env=_environment(client, stage, recorder, task),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _await_request(recorder: Recorder, process: subprocess.Popen[bytes], task: bytes) -> None:
    deadline = time.monotonic() + FIRST_REQUEST_SECONDS
    while time.monotonic() < deadline:
        found = recorder.wait_for(lambda request: task in request.body, 0.1)
        if found or process.poll() is not None:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the client's own process group, whatever is left of it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(client: Client, stage: Stage, recorder: Recorder, task: str) -> dict[str, str]:
    # Nothing of the user's: no keys, no configuration, no proxies.
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    common = {
        "HOME": str(stage.home),
        "QWRIGHT_HOME": str(stage.home / "qwright"),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    own = {name: _filled(text, recorder, task) for name, text in client.environment.items()}
    return kept | common | own


def _filled(text: str, recorder: Recorder, task: str) -> str:
    return text.replace("{url}", recorder.base_url).replace("{task}", task)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else "it printed nothing"
