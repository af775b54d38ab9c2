"""Validating instances: what is right, what is wrong, what is flaky, each by name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qwright.agent.errors import ConfigError
from qwright.evals.grade.validate import Check, Validation, validate
from qwright.evals.instance import CommandGrading, FilesSource, Instance
from qwright.evals.result import Verdict
from tests.evals.graded import FIXED, by_tests

GOOD = Verdict(kind="resolved", tests={"FAIL_TO_PASS": {"success": ["a"], "failure": []}})
BAD = Verdict(kind="unresolved", tests={"FAIL_TO_PASS": {"success": [], "failure": ["a"]}})


def command(identity: str, text: str, gold: str | None) -> Instance:
    files = FilesSource(files={"lib.py": "def add(a, b):\n    return a - b\n"})
    grading = CommandGrading(command=text)
    return Instance(id=identity, prompt="p", source=files, grading=grading, gold=gold)


def test_a_check_says_what_it_found() -> None:
    right = Check("a", (BAD, BAD), (GOOD, GOOD))
    assert (right.ok, right.wrong, right.flaky) == (True, False, False)
    assert right.words == "a: ok (empty unresolved x2, gold resolved x2)"
    solved = Check("b", (GOOD, GOOD), (GOOD, GOOD))
    assert solved.wrong
    assert solved.words == "b: wrong (empty resolved x2, gold resolved x2)"
    broken = BAD.model_copy(update={"kind": "tests_broken", "note": "no results"})
    sometimes = Check("c", (BAD, BAD), (GOOD, broken))
    assert (sometimes.ok, sometimes.wrong, sometimes.flaky) == (False, True, True)
    assert sometimes.words == (
        "c: wrong, flaky (empty unresolved x2, gold resolved x1 tests_broken x1): no results"
    )
    other = BAD.model_copy(update={"tests": {}})
    assert Check("d", (BAD, other), (GOOD, GOOD)).flaky
    lost = Check("e", error="no image")
    assert (lost.ok, lost.words) == (False, "e: cannot be checked: no image")
    found = Validation((right, solved, sometimes, lost))
    assert not found.ok
    assert [check.instance for check in found.wrong] == ["b", "c"]
    assert [check.instance for check in found.flaky] == ["c"]
    assert [check.instance for check in found.failed] == ["e"]


@pytest.mark.docker
@pytest.mark.timeout(240)
def test_each_instance_is_named_as_it_is(tmp_path: Path) -> None:
    gold = (
        "diff --git a/lib.py b/lib.py\n--- a/lib.py\n+++ b/lib.py\n@@ -1,2 +1,2 @@\n"
        " def add(a, b):\n-    return a - b\n+    return a + b\n"
    )
    assert FIXED.splitlines()[1] in gold
    works = "python3 -c 'import lib, sys; sys.exit(lib.add(1, 2) != 3)'"
    instances = [
        command("right/one", works, gold),
        command("always", "true", gold),
        command("never", "false", gold),
        command("no-solution", "false", None),
        command("lost", works, gold).model_copy(update={"image": "qwright-no-such-image:1"}),
    ]
    reported: list[str] = []

    async def work() -> Validation:
        return await validate(
            instances,
            times=1,
            workers=3,
            cache=tmp_path / "cache",
            out=tmp_path / "out",
            report=lambda check: reported.append(check.instance),
        )

    found = asyncio.run(work())
    assert sorted(reported) == sorted(one.id for one in instances)
    states = [(check.instance, check.ok, check.wrong, bool(check.error)) for check in found.checks]
    assert states == [
        ("right/one", True, False, False),
        ("always", False, True, False),
        ("never", False, True, False),
        ("no-solution", True, False, False),
        ("lost", False, False, True),
    ]
    assert (tmp_path / "out" / "right%2Fone" / "gold.0" / "report.json").exists()


def test_what_cannot_be_graded_is_refused_before_anything_runs(tmp_path: Path) -> None:
    grading = by_tests().model_copy(update={"eval_script": ""})
    instance = command("a", "true", None).model_copy(update={"grading": grading})

    async def work() -> None:
        folder = tmp_path / "cache"
        await validate([instance], times=1, workers=1, cache=folder, out=folder, report=print)

    with pytest.raises(ConfigError, match="1 of 1 instances cannot be graded"):
        asyncio.run(work())
