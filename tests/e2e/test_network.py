"""What a task's commands reach, and what they see of the user's environment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from qwright.agent.events import ToolFinished
from tests.e2e.house import KEY, House
from tests.e2e.scripted_server import call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

GATEWAY = """
import socket, struct
for line in open("/proc/net/route").read().splitlines()[1:]:
    fields = line.split()
    if fields[1] == "00000000":
        print(socket.inet_ntoa(struct.pack("<L", int(fields[2], 16))))
"""
PROBE = """
import socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=3) as made:
            print(place, "reached", made.recv(100).decode())
    except OSError as error:
        print(place, "failed", type(error).__name__)
"""


@dataclass
class Listener:
    """A service of the host's, on every address it has."""

    port: int
    visitors: list[str] = field(default_factory=list[str])


@pytest.fixture
def listener() -> Iterator[Listener]:
    with socket.create_server(("0.0.0.0", 0)) as server:
        heard = Listener(server.getsockname()[1])

        def answer() -> None:
            while True:
                try:
                    made, where = server.accept()
                except OSError:
                    return
                with made:
                    heard.visitors.append(where[0])
                    made.sendall(b"welcome")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def outputs(house: House, *flags: str, commands: list[str], **variables: str) -> list[str]:
    """What the commands print in a run with these flags."""
    steps = [says(call("run_shell_command", command=command)) for command in commands]
    with scripted(*steps, says(text="Done.")) as server:
        done = house.run("-o", "stream-json", *flags, "look", server=server, env=variables)
    found = [event for event in done.events if isinstance(event, ToolFinished)]
    return [str(event.details["output"]) for event in found]


def probe(*places: str) -> str:
    return f"cat > /tmp/probe.py <<'END'\n{PROBE}\nEND\npython /tmp/probe.py {' '.join(places)}"


def test_network_only_when_it_is_granted(house: House, listener: Listener) -> None:
    """The same listener of the host's is reached with the grant, and by nothing without it."""
    gateway = f"python - <<'END'\n{GATEWAY}\nEND"
    [found] = outputs(house, "--network", "full", commands=[gateway])
    assert found, "with the network there is a gateway"
    host = f"{found}:{listener.port}"
    [granted] = outputs(house, "--network", "full", commands=[probe(host)])
    assert granted == f"{host} reached welcome"
    assert len(listener.visitors) == 1

    places = [host, f"127.0.0.1:{listener.port}", "1.1.1.1:53", "[2606:4700:4700::1111]:53"]
    places += ["example.com:80", "localhost:80", f"{socket.gethostname()}:{listener.port}"]
    none, gone, names = outputs(
        house,
        commands=[
            probe(*(place.replace("[", "").replace("]", "") for place in places)),
            gateway,
            "getent hosts example.com || echo no name; ls /sys/class/net",
        ],
    )
    lines = none.splitlines()
    assert len(lines) == len(places)
    assert all(" failed " in line for line in lines), none
    assert gone == ""
    assert names.split() == ["no", "name", "lo"]
    assert len(listener.visitors) == 1


def test_no_key_and_nothing_of_the_user_s_environment(house: House) -> None:
    canary = "canary-in-a-variable"
    variables = {
        "DASHSCOPE_API_KEY": canary,
        "GITHUB_TOKEN": canary,
        "AWS_SECRET_ACCESS_KEY": canary,
        "HTTPS_PROXY": f"http://user:{canary}@proxy.invalid:1",
        "SOMETHING": canary,
    }
    look = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"
    for flags in ([], ["--network", "full"]):
        [seen] = outputs(house, *flags, commands=[look], **variables)
        assert "HOME=/tmp/home" in seen
        assert KEY not in seen
        assert canary not in seen
        assert "QWRIGHT" not in seen
        assert str(house.repo) not in seen
