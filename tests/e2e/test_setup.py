"""Projects with dependencies: installed once, with network, into an image of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.sandbox.engine import connect_blocking
from tests.e2e.house import House, make_house
from tests.e2e.scripted_server import Server, call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

SETUP = "pip install -r requirements.txt"
VERIFY = "python -m pytest -q"
TASK = "test_calc.py fails; fix calc.py"
CALC = b"import six\nfrom toolz import compose\n\n\ndef twice(f):\n    return compose(f)\n"
TEST = (
    b"import six\nfrom calc import twice\n\n\n"
    b"def test_twice():\n    assert six.text_type(twice(lambda n: n + 1)(1)) == '3'\n"
)
FIX = call("edit", path="calc.py", old_string="compose(f)", new_string="compose(f, f)")


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Iterator[House]:
    """A repository with two pinned dependencies, in a requirements file no run has seen."""
    requirements = f"# {tmp_path}\nsix==1.17.0\ntoolz==1.0.0\n".encode()
    files = {"calc.py": CALC, "test_calc.py": TEST, "requirements.txt": requirements}
    before = images()
    house = make_house(tmp_path, files)
    (house.home / "cache").symlink_to(cache)
    yield house
    for image in images() - before:
        connect_blocking().api.remove_image(image, force=True)


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with scripted(says(FIX), says(text="Fixed.")) as server:
        yield server


def images() -> set[str]:
    """The set-up images there are, each with its id."""
    command = ["docker", "images", "--no-trunc", "--format", "{{.ID}}", "qwright-setup"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_dependencies_are_installed_once(project: House, server: Server) -> None:
    before = images()
    first = project.run("--setup", SETUP, "--verify", VERIFY, TASK, server=server)
    assert "verified" in first.out
    assert f"Set-up 1/1: {SETUP}" in first.err
    assert "toolz" in first.err
    made = images() - before
    assert len(made) == 1
    project.run("undo")

    second = project.run("--setup", SETUP, "--verify", VERIFY, TASK, server=server)
    assert "verified" in second.out
    assert second.err == ""
    assert images() - before == made
    assert b"compose(f, f)" in (project.repo / "calc.py").read_bytes()


def test_a_failing_set_up_says_which_and_loses_nothing(project: House, server: Server) -> None:
    before = project.files
    flags = ("--setup", "echo first; exit 3", "--verify", VERIFY)
    done = project.run(*flags, TASK, server=server, code=44)
    assert "`echo first; exit 3` failed (exit 3): first" in done.out
    assert project.files == before


def test_a_missing_module_comes_with_advice(project: House) -> None:
    run = call("run_shell_command", command=VERIFY)
    with scripted(says(FIX), says(run), says(text="Fixed.")) as server:
        done = project.run("--verify", VERIFY, TASK, server=server, code=3)
    last = done.out.splitlines()[-3:]
    assert any("--setup 'pip install -r requirements.txt'" in line for line in last), done.out


def test_the_project_s_own_set_up_needs_trust(project: House, server: Server) -> None:
    """`.qwright/config.toml` counts once it is trusted, and until it changes."""
    config = project.repo / ".qwright" / "config.toml"
    config.parent.mkdir()

    def write(marker: str) -> None:
        config.write_text(f'setup = ["touch /opt/{marker}"]\nverify = "test -e /opt/{marker}"\n')

    write("one")
    ignored = project.run("--no-apply", TASK, server=server)
    assert "qwright trust" in ignored.err
    assert "Set-up" not in ignored.err
    assert "verified" not in ignored.out
    trusted = project.run("trust").out
    assert "touch /opt/one" in trusted
    counted = project.run("--no-apply", TASK, server=server)
    assert "Set-up 1/1: touch /opt/one" in counted.err
    assert "qwright trust" not in counted.err
    assert "verified" in counted.out
    write("two")
    changed = project.run("--no-apply", TASK, server=server)
    assert "qwright trust" in changed.err
    assert "verified" not in changed.out
