from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwright.sandbox.base import CommandResult
from qwright.sandbox.container import DockerSandbox
from qwright.sandbox.dependencies import dependency_files
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.setup_image import REPOSITORY, ensure_setup_image
from qwright.sandbox.tree import Tree

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(name="home", autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir(mode=0o777)
    path.chmod(0o777)
    # Unique, so that no earlier run's image is found.
    path.joinpath("requirements.txt").write_text(f"# {path}\n")
    return path


@pytest.fixture(name="prepare")
def _prepare(image: str, project: Path) -> Iterator[Callable[..., tuple[str, list[str]]]]:
    """Makes the set-up image of the project; its name and what was shown meanwhile."""
    made: set[str] = set()

    def prepare(*commands: str) -> tuple[str, list[str]]:
        shown: list[str] = []
        name = asyncio.run(ensure_setup_image(image, commands, project, shown.append))
        made.add(name)
        return name, shown

    yield prepare
    for name in made:
        connect_blocking().api.remove_image(name, force=True)


def run_in(image: str, checkout: Path, command: str) -> CommandResult:
    async def once() -> CommandResult:
        sandbox = await DockerSandbox.start(image, checkout, session="tests-setup")
        try:
            return await sandbox.run(command)
        finally:
            await sandbox.close()

    return asyncio.run(once())


def test_a_set_up_runs_once_until_its_files_change(
    prepare: Callable[..., tuple[str, list[str]]], project: Path
) -> None:
    command = "date +%N > /opt/when; id -u; cat requirements.txt > /opt/copy"
    first, shown = prepare(command)
    assert any(command[:20] in line for line in shown)
    assert "  0" in shown
    again, silence = prepare(command)
    assert (again, silence) == (first, [])

    project.joinpath("requirements.txt").write_text(f"# other {project}\n")
    changed, shown = prepare(command)
    assert changed != first
    assert shown
    inside = run_in(changed, project, "cat /opt/copy; whoami; echo $HOME; touch made; ls")
    assert inside.output.startswith(f"# other {project}\nqwright\n/tmp/home\n")
    assert inside.output.endswith("made\nrequirements.txt\n")


def test_a_package_is_installed_from_the_network_and_used_without(
    prepare: Callable[..., tuple[str, list[str]]], project: Path
) -> None:
    with project.joinpath("requirements.txt").open("a") as file:
        file.write("six\n")
    name, _ = prepare("pip install -r requirements.txt")
    inside = run_in(name, project, "python -c 'import six; print(six.__name__)'; pip download six")
    assert inside.output.startswith("six\n")
    assert inside.exit_code != 0
    # What the set-up had for the network, and the copy of the project, are not in the image.
    config = connect_blocking().api.inspect_image(name)["Config"]["Env"] or []
    assert not [line for line in config if "PROXY" in line.upper() or "CERT" in line]


def test_a_failing_command_says_which_and_leaves_no_image(
    prepare: Callable[..., tuple[str, list[str]]], home: Path
) -> None:
    with pytest.raises(SandboxError) as caught:
        prepare("true", "echo first; echo the last words >&2; exit 5")
    message = str(caught.value)
    assert "\n" not in message
    assert (
        "`echo first; echo the last words >&2; exit 5` failed (exit 5): the last words" in message
    )
    log = Path(message.rpartition("full log: ")[2])
    assert log.is_relative_to(home)
    assert "first\nthe last words\n" in log.read_text()
    found = connect_blocking().api.containers(all=True, filters={"label": "qwright.session=setup"})
    assert found == []
    with pytest.raises(SandboxError, match="No such image"):
        run_in(f"{REPOSITORY}:{log.stem}", home, "true")


def test_hostile_files_neither_hang_nor_leak(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "requirements").mkdir(parents=True)
    os.mkfifo(root / "poetry.lock")
    (root / "uv.lock").symlink_to("../outside")
    (root / "requirements/dev.txt").write_text("-r ../base.in\n-c /etc/passwd\n-r ../../outside\n")
    (root / "base.in").write_text("six")
    (root / "deps.cfg").write_text("x")
    (root / "README.md").write_text("y")
    found = dependency_files(Tree(root), ["pip install -rbase.in; ./tool --from=deps.cfg 'open"])
    assert found == {
        "base.in": b"six",
        "deps.cfg": b"x",
        "requirements/dev.txt": b"-r ../base.in\n-c /etc/passwd\n-r ../../outside\n",
    }
