from __future__ import annotations

from pathlib import Path

import pytest

from qwright.sandbox.errors import SandboxError
from qwright.sandbox.hardening import environment, proxies, require_mountable


@pytest.mark.parametrize(
    "checkout", ["/", "/proc", "/proc/self", "/sys/fs", "/dev/shm", "/run", "~", "~/.."]
)
def test_what_would_expose_the_host_is_not_mounted(checkout: str) -> None:
    with pytest.raises(SandboxError, match="never mounted"):
        require_mountable(Path(checkout).expanduser())


def test_a_link_does_not_hide_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/")
    with pytest.raises(SandboxError, match="never mounted"):
        require_mountable(tmp_path / "innocent")


def test_the_folder_of_the_engine_socket_is_not_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert require_mountable(tmp_path) == tmp_path.resolve()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/run/my.sock")
    with pytest.raises(SandboxError, match=r"contains .*my\.sock"):
        require_mountable(tmp_path)


def test_a_missing_checkout_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="is not a directory"):
        require_mountable(tmp_path / "no")


def test_proxies_lose_their_passwords() -> None:
    host = {
        "HTTP_PROXY": "http://me:secret@proxy.example:3128/x",
        "https_proxy": "me:secret@proxy.example:3128",
        "NO_PROXY": "localhost,.example",
        "API_KEY": "secret",
    }
    assert proxies(host) == {
        "HTTP_PROXY": "http://proxy.example:3128/x",
        "http_proxy": "http://proxy.example:3128/x",
        "HTTPS_PROXY": "proxy.example:3128",
        "https_proxy": "proxy.example:3128",
        "NO_PROXY": "localhost,.example",
        "no_proxy": "localhost,.example",
    }


def test_proxies_go_in_only_with_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "HTTP_PROXY" in environment("full", [], False)
    closed = environment("none", ["PATH=/opt/go/bin", "GOPATH=/go"], False)
    assert "HTTP_PROXY" not in closed
    assert closed["PATH"].split(":")[0] == "/opt/go/bin"
    assert "secret" not in closed.values()
    assert "GOPATH" not in closed
