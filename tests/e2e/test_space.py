"""A full disk under the state directory: one clear line, and the user's files as they were."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from qwright.agent.events import ToolFinished
from tests.e2e.house import House, containers
from tests.e2e.scripted_server import call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
# Python's caches are not recorded, so this fills the disk and no more.
FILL = call(
    "run_shell_command", command="mkdir __pycache__; head -c 5M /dev/urandom > __pycache__/noise"
)
Mount = Callable[[str], Path]


@pytest.fixture
def small_disk(house: House) -> Iterator[Mount]:
    """Mounts a file system of a size, such as "64k", as the state directory. Needs root."""
    state = house.home / "state"
    state.mkdir(mode=0o700)
    with ExitStack() as undo:

        def mount(size: str) -> Path:
            options = f"size={size},mode=0700"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", state], check=True)
            undo.callback(subprocess.run, ["umount", "--lazy", state], check=True)
            return state

        yield mount


@pytest.mark.parametrize("size", ["4k", "8k", "100k", "3m"])
def test_it_is_too_small_for_a_session(house: House, small_disk: Mount, size: str) -> None:
    small_disk(size)
    before = house.files
    with scripted(says(FIX), says(text="Done.")) as server:
        done = house.run("do", server=server, code=44)
    said = (done.out + done.err).lower()
    assert "no space" in said or "are free" in said
    assert len(done.err.splitlines()) <= 1
    assert house.files == before


def test_it_fills_while_the_model_works(house: House, small_disk: Mount) -> None:
    """A write that does not fit is a result for the model; a step that does not fit ends it."""
    small_disk("6m")
    before = house.files
    steps = (
        says(FIX),
        says(FILL),
        says(call("run_shell_command", command="head -c 3M /dev/urandom > more.bin; rm more.bin")),
        says(call("run_shell_command", command="mv __pycache__/noise noise.bin")),
        says(text="Done."),
    )
    with scripted(*steps) as server:
        done = house.run("-o", "stream-json", "do", server=server, code=44)
    results = [event.text for event in done.events if isinstance(event, ToolFinished)]
    assert "No space left on device" in results[2]
    assert len(results) == 4
    assert "no space left" in done.report["text"]
    assert "QWRIGHT_HOME" in done.report["text"]
    assert house.files == before
    assert containers(house.session) == []
    assert "edit" in house.shown()
    (house.sessions[-1] / "ws/noise.bin").unlink()
    house.run("apply", house.session)
    assert b"a + b" in (house.repo / "calc.py").read_bytes()


def test_it_is_too_full_for_the_log(house: House, small_disk: Mount) -> None:
    small_disk("6m")
    before = house.files
    large = call("write_file", path="large.txt", content="".join(map(str, range(250_000))))
    with scripted(says(FIX), says(FILL), says(large), says(text="Done.")) as server:
        done = house.run("do", server=server, code=44)
    assert "No space left" in done.line
    assert house.files == before
    assert containers(house.session) == []
    assert "edit" in house.shown()
