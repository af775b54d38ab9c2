from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.sandbox import owners
from qwright.sandbox.base import CommandResult
from qwright.sandbox.container import MOST_OUTPUT, DockerSandbox, sweep_orphans
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.errors import SandboxError

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

PROCESSES = "ps -eo user:20,args --no-headers | grep -v -e '^root ' -e 'ps -eo' -e bash -e grep"


def run(sandbox: DockerSandbox, command: str, timeout: float = 30.0) -> CommandResult:
    return asyncio.run(sandbox.run(command, timeout=timeout, output_limit=4000))


def leftovers(sandbox: DockerSandbox) -> str:
    return run(sandbox, PROCESSES).output


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.02)


def containers(label: str) -> list[str]:
    found = connect_blocking().api.containers(all=True, filters={"label": label})
    return [one["Id"] for one in found]


def test_a_command_runs_in_the_checkout_as_a_user_with_a_name(
    sandbox: DockerSandbox, checkout: Path
) -> None:
    result = run(
        sandbox, "whoami; id -u; pwd; echo $HOME; touch $HOME/x made; echo oops >&2; exit 7"
    )
    assert result.output == "qwright\n1234\n/workspace\n/tmp/home\noops\n"
    assert result.exit_code == 7
    assert not result.timed_out
    assert (checkout / "made").stat().st_uid == 1234


def test_both_streams_come_in_order(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "for i in $(seq 200); do echo $i; echo $i >&2; done")
    assert result.output.split() == [str(number) for number in range(1, 201) for _ in "oe"]


def test_a_syntax_error_shows_the_command_alone(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "echo (")
    assert result.exit_code == 2
    assert "bash: -c: line 1: syntax error" in result.output
    assert "exec" not in result.output


def test_the_toolchain_works(sandbox: DockerSandbox) -> None:
    result = run(
        sandbox,
        "set -e; cd /tmp; git init -q repo; cd repo; echo 'int main(){return 0;}' > a.cc; g++ a.cc;"
        "./a.out; git add .; git commit -qm x; rg -q main a.cc; python -c 'import sys';"
        "echo 'def test_x(): assert 1' > test_x.py; pytest -q; pip --version; patch --version",
    )
    assert result.exit_code == 0, result.output
    assert "1 passed" in result.output


def test_stdin_is_at_its_end(sandbox: DockerSandbox) -> None:
    assert run(sandbox, "cat; echo $?").output == "0\n"


def test_nothing_of_the_host_environment_gets_in(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "env; cat /proc/*/environ | tr '\\0' '\\n'")
    assert "PATH=" in result.output
    assert "canary" not in result.output
    assert "PROXY" not in result.output.upper()


def test_root_is_out_of_reach(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "su -c id; touch /etc/x /usr/x; test -w /etc/passwd; echo $?")
    assert "uid=0" not in result.output
    assert result.output.count("Read-only file system") == 2
    assert result.output.endswith("1\n")


def test_a_timeout_leaves_no_process(sandbox: DockerSandbox) -> None:
    command = "trap '' TERM INT; echo begun; setsid sleep 1000 & (sleep 1001 &) ; sleep 1002"
    result = run(sandbox, command, timeout=1.0)
    assert (result.timed_out, result.exit_code) == (True, 124)
    assert result.output == "begun\n"
    assert leftovers(sandbox) == ""


def test_cancelling_kills_the_command(sandbox: DockerSandbox, checkout: Path) -> None:
    async def interrupted() -> None:
        task = asyncio.create_task(sandbox.run("touch cancel-me; sleep 1003"))
        await until(checkout.joinpath("cancel-me").exists)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert leftovers(sandbox) == ""


def test_killing_everything_inside_leaves_the_sandbox(sandbox: DockerSandbox) -> None:
    run(sandbox, "sleep 1004 & kill -9 -1")
    assert run(sandbox, "echo alive").output == "alive\n"
    assert leftovers(sandbox) == ""


def test_a_fork_bomb_stays_inside(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "bomb() { bomb | bomb & }; bomb; sleep 1005", timeout=2.0)
    assert result.timed_out
    assert "Resource temporarily unavailable" in result.output
    assert leftovers(sandbox) == ""


@pytest.mark.parametrize("tail", ["", "; echo rest", " 2>&1 | tail -1"])
def test_a_memory_bomb_is_called_one(sandbox: DockerSandbox, tail: str) -> None:
    result = run(sandbox, f"bash -c 'python -c \"x = bytearray(2**30)\"; exit $?'{tail}")
    assert result.out_of_memory
    later = run(sandbox, "exit 137")
    assert (later.exit_code, later.out_of_memory) == (137, False)


def test_endless_output_is_stopped(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "yes")
    assert result.dropped_bytes > MOST_OUTPUT // 2
    assert len(result.output) < 4200
    assert "stopped: more than 64 MiB" in result.output
    assert not result.out_of_memory
    assert leftovers(sandbox) == ""


def test_one_long_line_is_cut_in_the_middle(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "printf begin; head -c 30000000 /dev/zero | tr '\\0' x; printf end")
    assert result.output.startswith("beginxxx")
    assert result.output.endswith("xxxend")
    assert result.dropped_bytes == 30_000_008 - 4000
    assert f"[... {result.dropped_bytes} bytes cut ...]" in result.output


def test_a_daemon_left_behind_does_not_hold_the_command(sandbox: DockerSandbox) -> None:
    result = run(sandbox, "sleep 1006 & echo up", timeout=20.0)
    assert (result.output, result.timed_out) == ("up\n", False)
    assert "sleep 1006" in leftovers(sandbox)
    asyncio.run(sandbox.reap())
    assert leftovers(sandbox) == ""


def test_host_services_are_out_of_reach(sandbox: DockerSandbox) -> None:
    listener = (
        "import socket\n"
        "for host in ('172.17.0.1', '127.0.0.1', '169.254.169.254'):\n"
        "    s = socket.socket(); s.settimeout(2)\n"
        "    print(s.connect_ex((host, PORT)))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "0.0.0.0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        code = listener.replace("PORT", port)
        inside = run(sandbox, f"python - <<'E'\n{code}E").output.split()
        host = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        server.terminate()
    assert host[1] == "0", "the listener must be reachable from the host, or this proves nothing"
    assert "0" not in inside
    assert len(inside) == 3


def test_pause_stops_the_clock_of_a_command(sandbox: DockerSandbox, checkout: Path) -> None:
    async def paused() -> tuple[int, int]:
        task = asyncio.create_task(
            sandbox.run("while :; do echo >> beat; sleep 0.02; done", timeout=20)
        )
        beat = checkout / "beat"
        await until(lambda: beat.exists() and beat.stat().st_size > 3)
        await sandbox.pause()
        before = beat.stat().st_size
        await asyncio.sleep(0.3)
        after = beat.stat().st_size
        await sandbox.resume()
        await until(lambda: beat.stat().st_size > after)
        task.cancel()
        await asyncio.wait([task])
        return before, after

    before, after = asyncio.run(paused())
    assert before == after


def test_a_lost_container_is_an_unknown_outcome(image: str, tmp_path: Path) -> None:
    async def lost() -> None:
        sandbox = await DockerSandbox.start(image, tmp_path, session="lost")
        task = asyncio.create_task(sandbox.run("sleep 1007"))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(
            connect_blocking().api.remove_container, sandbox.name, force=True, v=True
        )
        with pytest.raises(SandboxError, match="outcome is unknown"):
            await task
        with pytest.raises(SandboxError, match="is gone, so the command was not run"):
            await sandbox.run("true")
        # Nothing can write any more, so what waits for stillness goes on.
        await sandbox.pause()
        await sandbox.resume()
        await sandbox.close()
        await sandbox.close()

    asyncio.run(lost())


def test_commands_as_root_cannot_kill_the_sandbox(image: str, tmp_path: Path) -> None:
    async def as_root() -> CommandResult:
        sandbox = await DockerSandbox.start(image, tmp_path, session="root", uid=0, gid=0)
        try:
            await sandbox.run("sleep 1008 & sleep 1009", timeout=0.5)
            await sandbox.run("kill -9 -1")
            return await sandbox.run(
                "id -u; pgrep -c '^sleep 10' ; chown 5 . ; mount -t tmpfs x /mnt"
            )
        finally:
            await sandbox.close()

    result = asyncio.run(as_root())
    assert result.output.startswith("0\n0\n")
    assert result.output.count("Operation not permitted") + result.output.count("denied") == 2


def test_containers_of_dead_processes_are_swept(image: str, tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from qwright.sandbox.container import DockerSandbox\n"
        "asyncio.run(DockerSandbox.start(sys.argv[1], Path(sys.argv[2]), session='orphan'))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", script, image, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": source},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (orphan,) = containers(f"{owners.SESSION}=orphan")

    async def sweep() -> tuple[list[str], str]:
        alive = await DockerSandbox.start(image, tmp_path, session="alive")
        removed = await sweep_orphans()
        result = await alive.run("echo still here")
        await alive.close()
        return removed, result.output

    removed, output = asyncio.run(sweep())
    assert orphan in removed
    assert output == "still here\n"
    assert containers(f"{owners.SESSION}=orphan") == []
    assert containers(f"{owners.SESSION}=alive") == []


def test_an_image_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="No such image: qwright-no-such-image") as caught:
        asyncio.run(DockerSandbox.start("qwright-no-such-image", tmp_path, session="x"))
    assert "\n" not in str(caught.value)
