"""Coverage-guided fuzzing of the readers: `python -m tests.fuzz.fuzz_readers tests/fuzz/seeds`.

Needs the extra `fuzz` (atheris), which has no types and is not installed for a plain test run. The
options are libFuzzer's: `-max_total_time=3600` for an hour.
"""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["qwright.agent.dialects"]):
        invariants = import_module("tests.fuzz.invariants")
    atheris.Setup(sys.argv, invariants.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
