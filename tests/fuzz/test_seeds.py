"""The inputs a fuzzer found worth keeping, run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.invariants import check

_FOLDER = Path(__file__).parent / "seeds"
SEEDS = sorted(path for path in _FOLDER.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_kept_input_holds(seed: Path) -> None:
    check(seed.read_bytes())


def test_there_are_seeds_and_not_too_many() -> None:
    assert 50 <= len(SEEDS) < 300
