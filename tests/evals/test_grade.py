"""Grading: SWE-bench's verdicts, its files, and what happens when things are not as they should."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from qwright.evals.grade.grade import examine, grade
from qwright.evals.instance import CommandGrading, RewardGrading
from qwright.evals.result import Verdict
from qwright.sandbox.engine import connect
from qwright.sandbox.image import default_image
from qwright.sandbox.owners import RUN
from tests.evals.graded import FAIL, FILES, FIXED, PASS, Beds, by_tests

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", name="beds")
def _beds(tmp_path_factory: pytest.TempPathFactory) -> Beds:
    return Beds(tmp_path_factory.mktemp("beds"))


def test_the_known_patch_resolves_and_leaves_what_swebench_leaves(
    beds: Beds, tmp_path: Path
) -> None:
    testbed = beds.make()
    patch = beds.patch(testbed, {"lib.py": FIXED})
    verdict = asyncio.run(grade(testbed, patch, tmp_path / "out"))
    assert verdict.kind == "resolved"
    assert verdict.tests == {
        "FAIL_TO_PASS": {"success": [FAIL], "failure": []},
        "PASS_TO_PASS": {"success": [PASS], "failure": []},
    }
    assert verdict.note == ""
    names = {"patch.diff", "eval.sh", "test_output.txt", "report.json", "run_instance.log"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == names
    assert (tmp_path / "out" / "patch.diff").read_text() == patch
    report = json.loads((tmp_path / "out" / "report.json").read_text())[testbed.instance.id]
    assert report["resolved"] is True
    log = (tmp_path / "out" / "test_output.txt").read_text()
    for line in (": '>>>>> Start Test Output'", f"PASSED {FAIL}", ">>>>> Test Exit Code: 0"):
        assert line in log


def test_no_patch_is_not_run_and_run_when_asked(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make()
    assert asyncio.run(grade(testbed, " \n", tmp_path / "not")).kind == "empty_patch"
    assert not (tmp_path / "not" / "test_output.txt").exists()
    verdict = asyncio.run(examine(testbed, "", tmp_path / "run"))
    assert verdict.kind == "unresolved"
    assert verdict.tests["FAIL_TO_PASS"]["failure"] == [FAIL]
    assert verdict.tests["PASS_TO_PASS"]["success"] == [PASS]


def test_a_patch_applies_as_with_swebench_or_not_at_all(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make()
    patch = beds.patch(testbed, {"lib.py": FIXED})
    # Only `patch`, the last of SWE-bench's commands, forgives another line around the change.
    fuzzy = patch.replace(" def add(a, b):", " def add(b, a):")
    assert fuzzy != patch
    assert asyncio.run(grade(testbed, fuzzy, tmp_path / "fuzzy")).kind == "resolved"
    wrong = patch.replace("lib.py", "no_such_file.py")
    assert asyncio.run(grade(testbed, wrong, tmp_path / "wrong")).kind == "patch_failed"
    log = (tmp_path / "wrong" / "run_instance.log").read_text()
    assert ">>>>> Patch Apply Failed" in log
    assert "Failed to apply patch to container: git apply --verbose --3way" in log
    inside = patch.replace("lib.py", ".git/lib.py")
    assert asyncio.run(grade(testbed, inside, tmp_path / "inside")).kind == "patch_failed"


def test_odd_files_arrive_and_changes_to_the_tests_do_not(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make()
    fixed = 'from pathlib import Path\n\nB = Path(__file__).with_name("grün b.bin").read_bytes()\n'
    fixed += 'assert B == b"\\x00\\xff\\r\\n"\n' + FIXED
    changes: dict[str, str | bytes | None] = {
        "lib.py": fixed,
        "grün b.bin": b"\x00\xff\r\n",
        "test_lib.py": "def test_add():\n    pass\n",
        "sub/conftest.py": "1 / 0\n",
        "README": None,
    }
    verdict = asyncio.run(grade(testbed, beds.patch(testbed, changes), tmp_path / "out"))
    assert verdict.kind == "resolved"
    assert verdict.note == "changes to sub/conftest.py, test_lib.py were dropped"


def test_what_does_not_end_is_stopped_and_says_so(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make(timeout=4.0)
    patch = beds.patch(testbed, {"lib.py": "import time\n\ntime.sleep(300)\n"})
    verdict = asyncio.run(grade(testbed, patch, tmp_path / "out"))
    assert verdict.kind == "tests_timed_out"
    log = (tmp_path / "out" / "test_output.txt").read_text()
    assert log.endswith("Timeout error: 4 seconds exceeded.")


def test_an_exit_code_decides_for_a_command(beds: Beds, tmp_path: Path) -> None:
    command = CommandGrading(command="python3 -m pytest -q test_lib.py", restored=("test_lib.py",))
    testbed = beds.make(command)
    patch = beds.patch(testbed, {"lib.py": FIXED, "test_lib.py": "1 / 0\n"})
    verdict = asyncio.run(grade(testbed, patch, tmp_path / "good"))
    assert verdict.kind == "resolved"
    verdict = asyncio.run(examine(testbed, "", tmp_path / "bad"))
    assert (verdict.kind, verdict.note) == ("unresolved", "exit code 1; tests failed")


def test_a_reward_decides_for_harbor_and_its_solution_is_run(beds: Beds, tmp_path: Path) -> None:
    tests, solution = tmp_path / "tests", tmp_path / "solution" / "solve.sh"
    for folder in (tests, solution.parent):
        folder.mkdir()
    score = "python3 -c 'import lib; print(1 if lib.add(1, 2) == 3 else 0.5)'"
    (tests / "test.sh").write_text(f"{score} > /logs/verifier/reward.txt\n")
    solution.write_text("printf 'def add(a, b):\\n    return a + b\\n' > lib.py\n")
    testbed = beds.make(RewardGrading(tests=tests))

    def judged(name: str, solve: Path | None) -> Verdict:
        return asyncio.run(examine(testbed, "", tmp_path / name, solution=solve))

    assert judged("none", None).note == "reward 0.5"
    assert judged("solved", solution).kind == "resolved"
    # Nothing; two, one of which hides the other; one by a program that was killed.
    more = "cd /logs/verifier; mkdir reward.txt; echo 1 > reward.json"
    for number, text in enumerate(("true", more, "echo 1 > /logs/verifier/reward.txt; kill -9 $$")):
        (tests / "test.sh").write_text(f"{text}\n")
        assert judged(f"broken-{number}", solution).kind == "tests_broken"


def test_in_an_image_of_its_own_tests_run_as_root(beds: Beds, tmp_path: Path) -> None:
    command = CommandGrading(command='test "$(id -u)" = 0 && touch /etc/own && test ! -w /proc/sys')
    testbed = beds.make(command, image=default_image())
    assert asyncio.run(examine(testbed, "", tmp_path / "out")).kind == "resolved"
    command = CommandGrading(command='test "$(id -u)" = 1000 && test ! -w /etc')
    assert asyncio.run(examine(beds.make(command), "", tmp_path / "two")).kind == "resolved"


def test_there_is_no_network(beds: Beds, tmp_path: Path) -> None:
    command = CommandGrading(command='test "$(ls /sys/class/net)" = lo')
    assert asyncio.run(examine(beds.make(command), "", tmp_path / "out")).kind == "resolved"


def test_a_cancelled_grading_leaves_no_container(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make(CommandGrading(command="sleep 100"), files=FILES)

    async def work() -> list[object]:
        engine = await connect()
        task = asyncio.ensure_future(examine(testbed, "", tmp_path / "out", run="cancelled"))
        own = {"label": f"{RUN}=cancelled"}
        while not engine.api.containers(all=True, filters=own):
            await asyncio.wait([task], timeout=0.02)
        task.cancel()
        await asyncio.wait([task])
        return list(engine.api.containers(all=True, filters=own))

    assert asyncio.run(work()) == []


def test_a_run_without_end_marker_resolves_nothing(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make(by_tests(f"{'python3 -m pytest -rA test_lib.py'}; kill -9 $$"))
    patch = beds.patch(testbed, {"lib.py": FIXED})
    assert asyncio.run(grade(testbed, patch, tmp_path / "out")).kind == "tests_broken"
