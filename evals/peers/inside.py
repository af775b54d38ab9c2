"""Runs one command where the tests can run: in the container, through the gateway.

Started by another agent, as the whole of a program of its own, so it imports no other part of
qwright. Its words are those of the docker command line that mini-swe-agent uses, or none: then what
runs is what the adapter has ready.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Sequence

ADDRESS, TOKEN = "QWRIGHT_GATEWAY", "QWRIGHT_GATEWAY_TOKEN"
"""Variables: port on loopback, and the run's token."""


def main(words: Sequence[str]) -> int:
    """The exit code of the command."""
    if words and words[0] != "exec":
        print("qwright")  # `run`: the name of the container, which is up already; or its removal
        return 0
    return _post(_parse(words[1:]) if words else {})


def _parse(words: Sequence[str]) -> dict[str, object]:
    """`[-w DIRECTORY] [-e NAME=VALUE]... CONTAINER ARGV...`"""
    directory, environment = "", dict[str, str]()
    rest = list(words)
    while rest and rest[0] in ("-w", "-e"):
        flag, value, *rest = rest
        if flag == "-w":
            directory = value
        else:
            name, _, text = value.partition("=")
            environment[name] = text
    return {"argv": rest[1:], "directory": directory, "environment": environment}


def _post(command: dict[str, object]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ[ADDRESS]))
    headers = {"Authorization": f"Bearer {os.environ[TOKEN]}"}
    try:
        connection.request("POST", "/run", json.dumps(command), headers)
        reply = connection.getresponse()
        result = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError):
        result = {"output": "the container is gone\n", "exit_code": 125}
    sys.stdout.buffer.write(str(result.get("output", result)).encode(errors="replace"))
    sys.stdout.buffer.flush()
    return int(result.get("exit_code", 125))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
