"""Counts read from what test runners print; the outputs are those of the runners themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.suites import Suite, is_test, suite_of
from qwright.agent.tally import Tally, tally
from qwright.sandbox.tree import Tree
from tests.sandbox.repos import put

PYTEST = """\
F.E                                                                      [100%]
=================================== FAILURES ===================================
E       assert 3 == 5
=========================== short test summary info ============================
FAILED test_a.py::test_two - assert 3 == 5
ERROR test_a.py::test_three - ValueError: 7 passed
"""
UNITTEST = """\
F.E
----------------------------------------------------------------------
Ran 5 tests in 0.002s

"""
GO = """\
=== RUN   TestAdd
--- PASS: TestAdd (0.00s)
=== RUN   TestSub
    --- PASS: TestSub/zero (0.00s)
--- FAIL: TestSub (0.00s)
FAIL
FAIL\texample.com/calc\t0.002s
"""
CARGO = """\
test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
OUTPUTS = [
    (PYTEST + "1 failed, 1 passed, 1 error in 0.02s\n", Tally(1, 2)),
    ("\x1b[32m===== \x1b[1m12 passed\x1b[0m, 2 warnings in 1.24s =====\x1b[0m\n", Tally(12, 0)),
    ("!!! Interrupted: 1 error during collection !!!\n1 error in 0.1s\n", Tally(0, 1)),
    (UNITTEST + "FAILED (failures=1, errors=2)\n", Tally(2, 3)),
    (UNITTEST + "OK (skipped=1)\n", Tally(5, 0)),
    (UNITTEST + "OK\n", Tally(5, 0)),
    ("Test Suites: 1 failed, 1 total\nTests:       1 failed, 2 passed, 3 total\n", Tally(2, 1)),
    (" Test Files  1 failed (1)\n      Tests  1 failed | 2 passed (3)\n", Tally(2, 1)),
    ("  3 passing (5ms)\n  1 failing\n", Tally(3, 1)),
    ("# tests 4\n# pass 3\n# fail 1\n", Tally(3, 1)),
    (GO, Tally(2, 1)),
    (CARGO, Tally(5, 1)),
    ("FAIL\texample.com/calc [build failed]\n", Tally(0, 1)),
    ("1..3\nok 1 - adds\nnot ok 2 - subtracts\nok 3\n", Tally(2, 1)),
    ("PASS: tests/one\nFAIL: tests/two\n", Tally(1, 1)),
    ("make: *** [Makefile:3: test] Error 1\n", None),
    ("I passed 3 exams in 2020\n", None),
    ("", None),
]


@pytest.mark.parametrize(("output", "counts"), OUTPUTS)
def test_counts(output: str, counts: Tally | None) -> None:
    assert tally(output) == counts
    assert tally(output.replace("\n", "\r\n")) == counts


SUITES = [
    ({"pyproject.toml": b""}, "-m pytest"),
    ({"lib/a.py": b"", "tests/test_a.py": b""}, "-m pytest"),
    ({"test_a.py": b"", "Makefile": b"test:\n"}, "-m pytest"),
    ({"package.json": b'{"scripts": {"test": "jest"}}'}, "npm test"),
    ({"package.json": b'{"scripts": {"test": "echo no test specified"}}'}, None),
    ({"package.json": b"[1", "Makefile": b"all:\n\ttrue\ncheck: all\n"}, "make check"),
    ({"go.mod": b""}, "go test"),
    ({"Cargo.toml": b""}, "cargo test"),
    ({"Makefile": b"test := 1\n.PHONY: test\ntest: all\n"}, "make test"),
    ({"main.c": b"", "tests/run.sh": b""}, None),
]


@pytest.mark.parametrize(("files", "command"), SUITES)
def test_the_command_of_a_suite(
    tmp_path: Path, files: dict[str, bytes], command: str | None
) -> None:
    put(tmp_path / "in" / "here", files)
    found = suite_of(Tree(tmp_path), "in/here")
    if command is None:
        assert found is None
        return
    assert found
    assert found.command.startswith("cd in/here && ")
    assert command in found.command
    below = suite_of(Tree(tmp_path / "in" / "here"), "not/there")
    assert below == Suite(".", found.shell)
    assert suite_of(Tree(tmp_path), ".") is None


def test_some_files_of_a_suite(tmp_path: Path) -> None:
    put(tmp_path, {"in/setup.py": b"", "go.mod": b""})
    python, go = suite_of(Tree(tmp_path), "in"), suite_of(Tree(tmp_path), ".")
    assert python
    assert go
    some = python.some(["in/tests/test_b c.py", "in/a.py", "in/tests/data.txt"]) or ""
    assert "-m pytest -q --continue-on-collection-errors 'tests/test_b c.py';" in some
    assert python.some(["in/a.py"]) is None
    assert go.some(["a_test.go"]) is None


def test_what_a_test_is() -> None:
    for path in ("test_a.py", "a/a_test.go", "src/x.spec.ts", "tests/data/x.json", "test.sh"):
        assert is_test(path), path
    for path in ("attest.py", "latest/x.py", "contest_a.py", "src/testing.c"):
        assert not is_test(path), path
