from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from qwright.evals.bench import peers
from qwright.evals.bench.peers import AIDER, QWEN_CODE, Peer, install, installed_peers

FAKE = Peer("fake", "pip", ["no-such-thing"], "fake", ["--task", "{task}"], {})


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("hint: wait\nERROR: no such package\nERROR: see the log", "ERROR: no such package"),
        ("npm warn old\nnpm error code E404\nnpm error a log lies in x", "npm error code E404"),
        ("cannot\n\nreach it\n", "reach it"),
        ("", "{python} ended with 3"),
    ],
)
def test_a_peer_that_cannot_be_had_is_reported_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, reason: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{printed}' >&2\nexit 3\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(peers, "PEERS", (FAKE,))

    clients, notes = installed_peers(tmp_path)

    assert clients == []
    assert notes == [f"fake could not be installed: {reason.format(python=python)}"]


def test_a_half_done_installation_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    program = tmp_path / "bin" / "fake"
    program.parent.mkdir()
    program.touch()

    assert install(FAKE, tmp_path) == "/bin/false ended with 1"


def test_an_installed_peer_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PEERS", (FAKE,))
    program = tmp_path / "fake" / "bin" / "fake"
    program.parent.mkdir(parents=True)
    program.touch(stat.S_IRWXU)
    (tmp_path / "fake" / "no-such-thing.complete").touch()

    clients, notes = installed_peers(tmp_path)

    assert [client.argv for client in clients] == [[str(program), "--task", "{task}"]]
    assert notes == ["fake of an unknown version: fake --task {task}"]


@pytest.mark.parametrize("peer", [AIDER, QWEN_CODE])
def test_peers_are_told_of_the_server_and_the_task(peer: Peer) -> None:
    told = [*peer.arguments, *peer.environment.values()]

    assert "{task}" in told
    assert "{url}" in told
