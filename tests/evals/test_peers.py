"""Other agents through our adapters: real processes and containers, a model that follows a script.

The programs are stand-ins with their command lines; what the real ones leave is recorded.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qwright.agent import events as ev
from qwright.agent.embedded.fetch import import_root
from qwright.agent.errors import ConfigError, ModelAuthError, ModelError
from qwright.agent.eventlog import read_events
from qwright.evals.instance import CommandGrading, FilesSource, Instance
from qwright.evals.peers import solver
from qwright.evals.peers.aider import count_edits
from qwright.evals.peers.gateway import Answer, CommandRequest, Gateway
from qwright.evals.peers.mini_swe_agent import read_trajectory
from qwright.evals.result import Solution
from qwright.evals.run.hooks import Hooks
from qwright.evals.run.settings import Settings, jobs_of
from qwright.evals.testbed.prepare import Testbed, prepare
from qwright.sandbox.base import CommandResult
from tests.e2e.house import MODEL
from tests.e2e.scripted_server import Reply, by_turn, error, served, wait_until
from tests.evals.eval_runs import containers

RECORDED = Path(__file__).with_name("recorded")
STAND_IN = f"{sys.executable} {Path(__file__).with_name('stand_in.py')}"
KEY = "sk-canary-of-the-user"
VERIFY = 'python -c "from calc import add; assert add(2, 3) == 5"; code=$?; touch left; exit $code'
INSTANCE = Instance(
    id="calc__calc-1",
    prompt="add() in calc.py subtracts",
    source=FilesSource(
        files={
            "calc.py": "def add(a, b):\n    return a - b\n",
            ".env": "AIDER_LOAD=commands.txt\n",
            ".aider.conf.yml": "lint-cmd: touch /tmp/linted\n",
        }
    ),
    grading=CommandGrading(command="true"),
    verify=VERIFY,
    mount="/testbed",
)
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": None}


def says(text: str) -> Reply:
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE}
    return Reply(json.dumps(body).encode(), kind="application/json")


def bash(command: str) -> Reply:
    return says(f"THOUGHT: so be it\n```mswea_bash_command\n{command}\n```")


FIX = bash("sed -i 's/a - b/a + b/' calc.py")
SUBMIT = bash("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
LOOK = bash("pwd; echo $PAGER; id -u; ls /testbed; exit 3")


@pytest.fixture(scope="module", name="bed")
def _bed(tmp_path_factory: pytest.TempPathFactory) -> Testbed:
    return asyncio.run(prepare(INSTANCE, tmp_path_factory.mktemp("cache"), print))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


class Trial:
    """One run of a stand-in, and what it left."""

    def __init__(self, bed: Testbed, out: Path) -> None:
        self.bed = bed
        self.out = out
        self.hooks = Hooks(run=f"peers-{os.getpid()}")

    def go(self, agent: str, url: str, mode: str = "", **more: Any) -> Solution:
        self.out.mkdir()
        words = f"{STAND_IN} {'mini' if agent == 'mini-swe-agent' else agent} {mode}"
        given: dict[str, Any] = {"agent": agent, "agent_command": words, "max_wall_time": 50.0}
        settings = Settings(model=MODEL, base_url=url, **{**given, **more})
        job = jobs_of([INSTANCE], settings)[0]
        try:
            return asyncio.run(solver(agent).solve(self.bed, job, self.out, self.hooks))
        finally:
            self.require_nothing_left()

    @property
    def log(self) -> str:
        return next(self.out.glob("*.log")).read_text()

    @property
    def events(self) -> list[ev.Event]:
        return list(read_events(self.out / "events.jsonl"))

    def require_nothing_left(self) -> None:
        assert containers(self.hooks.run) == []
        assert not (self.out / "peer").exists()
        for log in self.out.glob("*.log"):
            for pid in re.findall(r"pid (\d+)$", log.read_text(), re.MULTILINE):
                assert not Path(f"/proc/{pid}").exists()


@pytest.fixture(name="trial")
def _trial(bed: Testbed, tmp_path: Path) -> Trial:
    return Trial(bed, tmp_path / "out")


@pytest.mark.docker
def test_mini_works_in_our_container_and_the_diff_is_ours(trial: Trial) -> None:
    with served(by_turn(LOOK, FIX, SUBMIT)) as server:
        solution = trial.go("mini-swe-agent", server.url)
    assert "+    return a + b" in solution.patch
    assert solution.reason == "done"
    assert (solution.turns, solution.calls, solution.tool_calls) == (3, 3, 3)
    assert (solution.tool_errors, solution.malformed) == (1, 0)
    assert (solution.tokens.prompt, solution.tokens.completion) == (300, 60)
    assert trial.out.joinpath("calc__calc-1.traj.json").exists()
    looked = next(one for one in trial.events if isinstance(one, ev.ToolFinished))
    assert looked.text.splitlines()[:2] == ["/testbed", "cat"]
    assert looked.text.splitlines()[2] != "0"
    assert "calc.py" in looked.text
    first = server.requests[0]["messages"][0]["content"]
    assert first == f"{INSTANCE.prompt}\n\nIt is solved when this command succeeds: {VERIFY}"
    assert {one["model"] for one in server.requests} == {MODEL}
    assert all(one["max_tokens"] for one in server.requests)
    assert any(f"Bearer {KEY}" in head for head in server.headers)
    assert KEY not in trial.log


@pytest.mark.docker
def test_answers_that_mini_cannot_read_are_counted(trial: Trial) -> None:
    with served(by_turn(says("Hello."), says("Well."), SUBMIT)) as server:
        solution = trial.go("mini-swe-agent", server.url)
    assert (solution.malformed, solution.patch, solution.reason) == (2, "", "done")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("limits", "reason", "calls"),
    [
        ({"max_turns": 2}, "turn_limit", 2),
        ({"max_tokens": 300}, "token_limit", 3),
    ],
)
def test_limits_hold_for_an_agent_that_heeds_none(
    trial: Trial, limits: dict[str, int], reason: str, calls: int
) -> None:
    with served(by_turn(FIX, LOOK)) as server:
        solution = trial.go("mini-swe-agent", server.url, "obstinate", **limits)
    assert (solution.reason, solution.calls, len(server.requests)) == (reason, calls, calls)
    assert "+    return a + b" in solution.patch


@pytest.mark.docker
def test_its_own_limit_ends_mini_in_good_order(trial: Trial) -> None:
    with served(by_turn(LOOK)) as server:
        solution = trial.go("mini-swe-agent", server.url, max_turns=2)
    assert (solution.reason, solution.calls) == ("turn_limit", 2)


@pytest.mark.docker
def test_time_holds_while_the_model_is_silent(trial: Trial) -> None:
    with served([Reply(end="hang", kind="application/json")]) as server:
        solution = trial.go("mini-swe-agent", server.url, max_wall_time=2.0)
        wait_until(server.left.is_set, "the request was given up")
    assert (solution.reason, solution.patch, solution.calls) == ("time_limit", "", 0)


@pytest.mark.docker
def test_a_stopped_run_ends_it(trial: Trial) -> None:
    stop = trial.hooks.stop

    def script(request: dict[str, Any]) -> Reply:
        loop.call_soon_threadsafe(stop.stop, "enough")
        return Reply(end="hang", kind="application/json")

    with served(script) as server:
        loop = asyncio.new_event_loop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            solution = runner.run(solving(trial, server.url))
    assert solution.reason == "interrupted"
    trial.require_nothing_left()


async def solving(trial: Trial, url: str) -> Solution:
    trial.out.mkdir()
    settings = Settings(
        model=MODEL, base_url=url, agent="mini-swe-agent", agent_command=f"{STAND_IN} mini"
    )
    job = jobs_of([INSTANCE], settings)[0]
    return await solver("mini-swe-agent").solve(trial.bed, job, trial.out, trial.hooks)


@pytest.mark.docker
def test_aider_edits_a_copy_and_its_tests_run_in_a_container(trial: Trial) -> None:
    wrong = says("calc.py\n```\ndef add(a, b):\n    return a * b\n```")
    right = says("calc.py\n```\ndef add(a, b):\n    return a + b\n```")
    with served(by_turn(wrong, says("I think it is fine."), right)) as server:
        solution = trial.go("aider", server.url)
    assert "+    return a + b" in solution.patch
    assert solution.patch.count("diff --git") == 1
    assert (solution.reason, solution.verified, solution.calls) == ("done", True, 3)
    assert (solution.edit_calls, solution.edit_errors, solution.malformed) == (3, 1, 1)
    runs = [one.exit_code for one in trial.events if isinstance(one, ev.VerifyFinished)]
    assert runs == [1, 1, 0]
    assert "works in ['.git', 'calc.py']" in trial.log
    assert "AssertionError" in server.requests[1]["messages"][-1]["content"]
    assert KEY not in trial.log


@pytest.mark.docker
@pytest.mark.parametrize(
    ("reply", "expected", "said"),
    [
        (error(500, "out of order"), ModelError, "answered 500"),
        (error(401, "no such key"), ModelAuthError, "refused the key"),
        (error(404, "no such model"), ModelError, "answered 404"),
    ],
)
def test_a_server_that_fails_is_no_failure_of_the_agent(
    trial: Trial, reply: Reply, expected: type[Exception], said: str
) -> None:
    with served([reply]) as server, pytest.raises(expected, match=said):
        trial.go("aider", server.url)


@pytest.mark.docker
def test_a_program_that_does_not_ask_ends_the_run(trial: Trial) -> None:
    with served(by_turn(LOOK)) as server, pytest.raises(ConfigError) as told:
        trial.go("aider", server.url, "silent")
    assert str(told.value) == "aider ended without asking the model: no model, no work"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"agent_command": "no-such-program --flag"}, "there is no program no-such-program;"),
        ({"agent_command": None}, "there is no program mini; install it, or name it with --agent"),
        ({"agent_command": "mini 'x"}, "has a quote without its end"),
        ({"attempts": 4}, "mini-swe-agent has no --attempts: leave it out"),
        ({"effort": "low"}, "mini-swe-agent has no --effort"),
    ],
)
def test_what_cannot_be_is_refused(
    trial: Trial, given: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "require_nothing_left", lambda: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=said):
        trial.go("mini-swe-agent", "http://127.0.0.1:9/v1", **given)


OF_A_RUN = """
import asyncio, sys
from pathlib import Path
from qwright.evals.peers.process import environment, run_program
sleeps = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
folder = Path(sys.argv[1])
argv = [sys.executable, "-c", sleeps]
asyncio.run(run_program(argv, folder, environment(folder, {}), folder / "log"))
"""


def test_a_killed_run_takes_the_program_with_it(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": import_root()}
    run = subprocess.Popen([sys.executable, "-c", OF_A_RUN, str(tmp_path)], env=variables)
    log = tmp_path / "log"
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"), "the program started")
    run.kill()
    run.wait()
    wait_until(lambda: not Path(f"/proc/{log.read_text().strip()}").exists(), "its end", 10)


def test_an_agent_that_is_not_known() -> None:
    with pytest.raises(ConfigError, match="there are qwright, aider, mini-swe-agent"):
        solver("codex")


def test_the_gateway_serves_its_own_agent_only() -> None:
    ran: list[CommandRequest] = []
    failures: list[Exception] = []

    async def ask(request: dict[str, Any]) -> Answer:
        return Answer(200, json.dumps(request).encode())

    async def run(request: CommandRequest) -> CommandResult:
        ran.append(request)
        return CommandResult("out", 7, 0.1)

    async def talk(requests: Callable[[Gateway], list[bytes]]) -> list[bytes]:
        gateway = Gateway(["m"], ask, run, failures.append)
        async with gateway.open():
            return [await send(gateway, one) for one in requests(gateway)]

    def requests(gateway: Gateway) -> list[bytes]:
        good = f"Authorization: Bearer {gateway.token}\r\n"
        return [
            b"POST /run HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
            post("/run", "Authorization: Bearer x\r\n", "{}"),
            post("/run", good, '{"argv": ["ls"]}'),
            post("/run", good, "[]"),
            post("/v1/chat/completions", good, "no json"),
            post("/v1/chat/completions", good, '{"a": 1}'),
            post("/elsewhere", good, "{}"),
            f"GET /v1/models HTTP/1.1\r\n{good}\r\n".encode(),
            b"\x00" * 200_000,
            b"POST /run HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        ]

    answers = asyncio.run(talk(requests))
    codes = [one.split(b" ", 2)[1:2] for one in answers]
    expected = [401, 401, 200, 400, 400, 200, 404, 200]
    assert codes == [[str(code).encode()] for code in expected] + [[], []]
    assert ran == [CommandRequest(argv=("ls",))]
    assert failures == []
    assert answers[2].endswith(b'{"output": "out", "exit_code": 7}')


async def send(gateway: Gateway, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def post(path: str, more: str, body: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_what_the_real_ones_left_is_read(tmp_path: Path) -> None:
    assert read_trajectory(RECORDED / "mini-2.4.6.traj.json") == ("LimitsExceeded", 1)
    assert read_trajectory(tmp_path / "none") == ("no trajectory", 0)
    assert count_edits(RECORDED / "aider-0.86.2.log") == (3, 0)
    (torn := tmp_path / "torn").write_text('{"info": {"exit')
    assert read_trajectory(torn) == ("no trajectory", 0)
