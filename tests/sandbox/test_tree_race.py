from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree

TRIES = 5_000
SECRET = b"the user's secret"

# The attacker: a separate process that swaps a directory with a link as fast as it can.
SWAPPER = """
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (p.encode() for p in sys.argv[1:])
print("ready", flush=True)
while True:
    libc.renameat2(-100, a, -100, b, 2)
"""


@pytest.fixture
def swapped(tmp_path: Path) -> Iterator[Path]:
    """A workspace where `d` is a directory one moment and a link to the outside the next."""
    root = tmp_path / "ws"
    (root / "d").mkdir(parents=True)
    (root / "d/secret").write_bytes(b"harmless")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(SECRET)
    (root / "link").symlink_to(tmp_path / "outside")
    arguments = [sys.executable, "-c", SWAPPER, str(root / "d"), str(root / "link")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as attacker:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        yield root
        attacker.kill()


def naive_read(root: Path) -> bytes:
    path = root / "d/secret"
    if not path.resolve().is_relative_to(root):
        raise PathError("outside")
    return path.read_bytes()


def escapes(attempt: Callable[[], bytes]) -> int:
    count = 0
    for _ in range(TRIES):
        try:
            count += attempt() == SECRET
        except (PathError, OSError):
            continue
    return count


def test_a_swapped_directory_never_leads_outside(
    swapped: Path, record_property: Callable[[str, object], None]
) -> None:
    tree = Tree(swapped)
    ours = escapes(lambda: tree.read("d/secret"))
    naive, rounds = 0, 0
    while naive == 0 and rounds < 10:  # on a busy machine the attacker may not get its turn
        naive, rounds = escapes(lambda: naive_read(swapped)), rounds + 1
    record_property("escapes of openat2", ours)
    record_property("escapes of resolve()", naive)
    print(f"\nescapes: openat2 {ours} of {TRIES}, resolve() and open {naive} of {rounds * TRIES}")
    assert ours == 0
    assert naive > 0, "the attack did not work, so the test proves nothing"


def test_a_swapped_directory_never_takes_a_write_outside(swapped: Path) -> None:
    tree = Tree(swapped)
    written = 0
    for number in range(300):
        try:
            tree.write(f"d/new{number}", b"x")
            written += 1
        except PathError:
            continue
    assert os.listdir(swapped.parent / "outside") == ["secret"]
    assert written > 0
