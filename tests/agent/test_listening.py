from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from qwright.agent import listening
from qwright.agent.listening import is_another_persons, is_stranger, owners

ROWS = """\
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001 0 11 1 0 100 0
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1002 0 12 1 0 100 0
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998 0 13 1 0 100 0
   3: 00000000000000000000000001000000:1F40 00000000000000000000000000000000:0000 0A 0:0 0:0 0 7 0
   4: short row
""".splitlines()


@pytest.mark.parametrize(("port", "uids"), [(8000, {1001, 7}), (8080, {998}), (1234, set[int]())])
def test_who_listens(port: int, uids: set[int]) -> None:
    assert owners(ROWS, port) == uids


@pytest.mark.parametrize(
    ("uid", "own", "stranger"),
    [
        (1001, 1000, True),
        (1000, 1000, False),
        (0, 1000, False),
        (998, 1000, False),
        (1000, 0, True),
    ],
)
def test_who_is_a_stranger(uid: int, own: int, stranger: bool) -> None:
    assert is_stranger(uid, own) is stranger


def test_the_kernel_knows_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert owners(Path("/proc/net/tcp").read_text().splitlines()[1:], port) == {os.getuid()}
        assert not is_another_persons(port)
        monkeypatch.setattr(listening, "_FIRST_PERSON", 0)
        monkeypatch.setattr(os, "getuid", lambda: -1)
        assert is_another_persons(port)
