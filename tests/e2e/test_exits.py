"""Every way a run can end: its exit code, one clear line, no traceback, nothing lost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qwright.sandbox.engine import connect_blocking
from tests.e2e.house import (
    COMMAND,
    FILES,
    FIXED,
    KEY,
    MODEL,
    VERIFY,
    House,
    containers,
    finish,
    plain,
)
from tests.e2e.scripted_server import call, error, says, scripted, wait_until
from tests.sandbox.repos import git, put

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

TASK = "test_calc.py fails; fix calc.py"
WRONG = call("edit", path="calc.py", old_string="a - b", new_string="a * b")
FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
LOOK = call("read_file", path="calc.py")
SLOW = call("run_shell_command", command="sleep 100")


def test_3_when_it_is_not_verified(house: House) -> None:
    before = house.files
    with scripted(says(WRONG), says(text="Fixed.")) as server:
        done = house.run("--verify", VERIFY, TASK, server=server, code=3)
    assert house.files == before
    assert "verify fails" in done.out
    assert f"qwright apply {house.session}" in done.out
    assert "edit" in house.shown()


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--max-turns", "2"], 53, "--max-turns"),
        (["--max-tokens", "200"], 55, "--max-tokens"),
        (["--max-wall-time", "4s"], 55, "--max-wall-time"),
        ([], 55, "the same call"),
    ],
)
def test_limits(house: House, flags: list[str], code: int, said: str) -> None:
    before = house.files
    second = SLOW if "--max-wall-time" in flags else LOOK
    with scripted(says(FIX), says(second)) as server:
        done = house.run(*flags, "-o", "json", TASK, server=server, code=code)
    assert said in done.report["text"]
    assert done.report["is_error"] is True
    assert done.report["files"] == ["calc.py"]
    assert house.files == before
    assert containers(house.session) == []
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED


@pytest.mark.parametrize("status", [401, 403])
def test_41_when_the_key_is_refused(house: House, status: int) -> None:
    before = house.files
    with scripted(error(status, f"Incorrect API key provided: {KEY}")) as server:
        done = house.run(TASK, server=server, code=41)
    assert str(status) in done.out
    assert "OPENAI_API_KEY" in done.out
    assert house.files == before
    assert KEY not in (house.sessions[-1] / "events.jsonl").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no task"),
        (["--no-such-flag", "x"], "--no-such-flag"),
        (["-C", "missing", "x"], "missing"),
        (["--patch", "missing/x.patch", "x"], "missing"),
        (["--patch", ".", "x"], "folder"),
        (["--branch", "no good", "x"], "branch"),
        (["--branch", "main", "x"], "exists"),
        (["--patch", "-", "-o", "json", "x"], "stdout"),
        (["--base-url", "ftp://x", "x"], "base URL"),
        (["one", "--prompt", "two"], "twice"),
    ],
)
def test_42_for_what_makes_no_sense(house: House, arguments: list[str], said: str) -> None:
    done = house.run(*arguments, server="http://127.0.0.1:9/v1", code=42)
    assert said in done.line
    assert done.out == ""
    assert house.sessions == []


def test_42_for_a_wrong_configuration_or_missing_weights(house: House) -> None:
    put(house.home, {"config/config.toml": b"modell = 1\n"})
    assert "modell" in house.run("x", server="http://127.0.0.1:9/v1", code=42).line
    (house.home / "config/config.toml").unlink()
    missing = house.run("x", code=42).line
    assert "qwright models pull" in missing
    assert "no server is known" in house.run("-m", "qwen9-coder", "x", code=42).line


def test_43_when_nobody_listens(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    done = house.run(TASK, server=url, code=43)
    assert f"no connection to {url}" in done.out
    assert "trying again" in done.out
    assert house.record()["status"] == "model_error"


def test_43_when_there_is_no_such_model(house: House) -> None:
    with scripted(error(404, "The model does not exist"), models=["right-one"]) as server:
        done = house.run(TASK, server=server, code=43)
    assert MODEL in done.out
    assert "right-one" in done.out
    assert len(server.requests) == 1


def test_43_keeps_the_steps_before(house: House) -> None:
    with scripted(says(FIX), error(400, "context length exceeded")) as server:
        done = house.run(TASK, server=server, code=43)
    assert "context length exceeded" in done.out
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED


def test_44_without_an_engine(house: House) -> None:
    """Also while the model is still thinking: nobody waits for it in vain."""
    missing = house.home / "missing.sock"
    with scripted(says(text="Let me", hang=True)) as server:
        done = house.run(TASK, server=server, code=44, env={"DOCKER_HOST": f"unix://{missing}"})
    assert str(missing) in done.out
    assert "Start Docker" in done.out
    assert house.record()["status"] == "sandbox_error"
    for command in (["sandbox", "clean"], ["sandbox", "build"]):
        told = house.run(*command, code=44, env={"DOCKER_HOST": f"unix://{missing}"})
        assert str(missing) in told.line


def test_44_without_the_image(house: House) -> None:
    with scripted(says(call("run_shell_command", command="true"))) as server:
        done = house.run("--image", "localhost:9/none:1", TASK, server=server, code=44)
    assert "localhost:9/none:1" in done.out


def test_44_when_the_container_is_lost(house: House) -> None:
    """The engine's user removes it in the middle; the work before is kept."""
    lose = call("run_shell_command", command="touch going; sleep 100")
    with scripted(says(FIX), says(lose)) as server:
        process = house.start(TASK, server=server)
        wait_until(lambda: [*house.home.glob("state/sessions/*/ws/going")], "the command")
        for container in containers(house.session):
            connect_blocking().api.remove_container(container, force=True, v=True)
        done = finish(process, 44)
    assert "sandbox" in done.out
    house.run("apply", house.session)
    assert (house.repo / "calc.py").read_bytes() == FIXED


@pytest.mark.parametrize(
    "arguments", [["sessions", "show", "nothing"], ["apply", "nothing"], ["undo", "nothing"]]
)
def test_44_for_a_session_there_is_not(house: House, arguments: list[str]) -> None:
    assert "no session nothing" in house.run(*arguments, code=44).line


BUG = """
import sys
from qwright.agent import oneshot
from qwright.agent.cli import main
def broken(*arguments, **options):
    raise ZeroDivisionError("a \\x1b[31m bug")
{where}
sys.exit(main())
"""
PLACES = [
    "oneshot._prompt = broken",
    "from qwright.agent import run; run.open_workspace = broken",
    "oneshot.deliver.deliver = broken",
    "from qwright.tools.read_file import ReadFile; ReadFile.run = broken",
]


@pytest.mark.parametrize("where", PLACES)
def test_1_for_a_bug_with_a_report_and_no_traceback(house: House, where: str) -> None:
    before = house.files
    command = [sys.executable, "-c", BUG.format(where=where)]
    edit = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
    with scripted(says(LOOK), says(edit), says(text="Done.")) as server:
        done = house.run(TASK, server=server, command=command, code=1)
    line = done.err.splitlines()[-1]
    assert "bug in qwright (ZeroDivisionError)" in line
    report = Path(line.rpartition(" ")[2])
    assert report.is_relative_to(house.home)
    text = report.read_text()
    assert "Traceback" in text
    assert KEY not in text
    assert house.files == before
    if house.sessions:
        assert containers(house.session) == []
        assert "running" not in house.run("sessions").out


def test_nothing_is_said_to_a_reader_who_has_left(house: House) -> None:
    command = ["sh", "-c", f'"{sys.executable}" -m qwright.agent sessions list | true']
    assert house.run(command=command).err == ""


def test_a_run_whose_reader_has_left_ends_like_an_interrupted_one(house: House) -> None:
    before = house.files
    read, write = os.pipe()
    os.close(read)
    with scripted(says(FIX), says(text="Done.")) as server, open(write, "wb") as broken:
        done = subprocess.run(
            [*COMMAND, "-o", "stream-json", TASK],
            cwd=house.repo,
            env=house.environment(server),
            stdin=subprocess.DEVNULL,
            stdout=broken,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (130, b"")
    assert house.files == before
    assert containers(house.session) == []


def test_a_silent_stdin_is_explained(house: House) -> None:
    """As under ssh without a terminal: stdin stays open and nothing comes."""
    with scripted(says(text="Done.")) as server:
        read, write = os.pipe()
        with subprocess.Popen(
            [*COMMAND, "-o", "json", TASK],
            cwd=house.repo,
            env=house.environment(server),
            stdin=read,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(read)
            assert process.stderr is not None
            assert "stdin" in process.stderr.readline()
            os.write(write, b"context")
            os.close(write)
            assert process.wait() == 0
    assert server.requests[0]["messages"][1]["content"] == f"{TASK}\n\ncontext"


def test_hostile_names_and_texts_never_reach_the_terminal(house: House) -> None:
    """A file name, a tool's output and the model's text, each with escape sequences."""
    evil = "\x1b]0;owned\x07\x1b[31m\u202e"
    shell = "printf '\\033[2J\\033]52;c;x\\007' | tee 'a\x1b[31mb'; touch \"$(printf 'c\\377d')\""
    steps = (
        says(call("run_shell_command", command=shell), text=f"I do {evil}"),
        says(call(f"tool{evil}", **{evil: evil})),
        says(call("read_file", path=f"no{evil}"), call("list_directory", path=".")),
        says(call("glob", pattern="*"), call("grep_search", pattern=".", path=".")),
        says(text=f"Done {evil} \ud800"),
    )
    put(house.repo, {f"{evil}.pem": b"a secret's name"})
    with scripted(*steps) as server:
        done = house.run(f"do {evil}", server=server)
        assert plain(done.out)
        assert plain(done.err)
        house.run(f"again {evil}", "-o", "stream-json", "--no-apply", server=server)
    for command in (["sessions"], ["sessions", "show", house.session], ["undo"], ["apply"]):
        argument = [house.session] if command == ["apply"] else []
        ended = house.run(*command, *argument)
        assert plain(ended.out), command
        assert plain(ended.err), command


def test_44_when_the_folder_is_gone(house: House) -> None:
    with scripted(says(FIX), says(text="Done.")) as server:
        house.run(TASK, server=server)
    house.repo.rename(house.home / "moved")
    for arguments in (["apply", house.session], ["undo", house.session]):
        done = house.run(*arguments, cwd=house.home, code=44)
        assert str(house.repo) in done.line
    assert house.session in house.run("sessions", cwd=house.home).out


def test_a_patch_is_byte_exact_in_a_pipe(house: House) -> None:
    edit = call("edit", path="latin.txt", old_string="café", new_string="thé")
    with scripted(says(edit), says(text="Done.")) as server:
        house.run("--no-apply", TASK, server=server)
    diff = house.run("sessions", "diff", house.session).out.encode(errors="surrogateescape")
    assert "thé".encode("latin-1") in diff
    git(house.repo, "apply", "-", stdin=diff)
    assert (house.repo / "latin.txt").read_bytes() == "thé\n".encode("latin-1")


def test_a_narrow_encoding_is_no_reason_to_fail(house: House) -> None:
    with scripted(says(text="Done ✓ naïve 日本")) as server:
        done = house.run(TASK, server=server, env={"PYTHONIOENCODING": "ascii"})
    assert "Done" in done.out


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["models", "list"], ["doctor"]])
def test_0_for_what_only_tells(house: House, command: list[str]) -> None:
    done = house.run(*command, server="http://127.0.0.1:9/v1")
    assert done.out
    assert done.err == ""
    assert house.sessions == []


def test_json_of_a_failure_is_json(house: House) -> None:
    with scripted(error(401, "no")) as server:
        done = house.run("-o", "json", TASK, server=server, code=41)
    assert json.loads(done.out)["reason"] == "key_refused"
    assert json.loads(done.out)["exit_code"] == 41
    assert FILES["calc.py"] == (house.repo / "calc.py").read_bytes()
