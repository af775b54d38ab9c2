from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from qwright.sandbox import hardening
from qwright.sandbox.engine import connect
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.hardening import Limits
from qwright.sandbox.probe import look_inside, probe
from qwright.sandbox.probe_inside import CALLS, SOCKETS


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_everything_is_in_force_inside(image: str) -> None:
    checks = asyncio.run(probe(image))
    assert [check for check in checks if not check.ok] == []
    assert {check.name for check in checks} >= {"container engine", "sandbox image", "no network"}


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_a_missing_flag_is_seen(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe would be worth nothing if it could not fail."""

    def open_options(*arguments: object) -> dict[str, object]:
        return {"security_opt": ["seccomp=unconfined"], "cap_add": ["SYS_ADMIN"]}

    monkeypatch.setattr(hardening, "host_options", open_options)
    inside = asyncio.run(look_inside(image, Limits()))
    assert set(inside.errors) == {*CALLS, *SOCKETS}
    assert inside.errors["io_uring_setup"] not in ("EPERM", "ENOSYS")
    assert inside.errors["ptrace"] == ""
    bad = {check.name for check in asyncio.run(probe(image)) if not check.ok}
    assert bad == {
        "no new privileges",
        "system call filter",
        "denied operations",
        "read-only root",
        "no network",
        "memory limit",
        "process limit",
        "cpu limit",
    }


@pytest.mark.docker
def test_a_missing_image_has_a_remedy() -> None:
    checks = asyncio.run(probe("qwright-no-such-image:x"))
    assert [check.ok for check in checks] == [True, False]
    assert "qwright sandbox build" in checks[1].remedy


def test_no_engine_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    (check,) = asyncio.run(probe())
    assert not check.ok
    assert check.remedy.startswith(f"No container engine: there is no socket at unix://{tmp_path}")
    assert "\n" not in check.remedy


def test_a_dead_socket_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    with pytest.raises(SandboxError, match=r"No container engine answers at .*Start Docker"):
        asyncio.run(connect())


def test_a_forbidden_socket_says_which_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "closed.sock"

    def refuse(_self: socket.socket, address: str) -> None:
        raise PermissionError(13, "Permission denied", address)

    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
        closed.listen()
        # Root may connect to anything, so the kernel's refusal is played.
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(SandboxError, match=r"You may not use .*usermod -aG docker"):
            asyncio.run(connect())
