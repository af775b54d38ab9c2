"""SWE-bench's own programs on what qwright writes: the same verdicts, test by test."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.errors import ConfigError
from qwright.evals.export.swebench_rows import export_rows, image_name
from qwright.evals.grade.grade import grade
from qwright.evals.instance import CommandGrading
from qwright.evals.testbed.prepare import Testbed
from qwright.sandbox.engine import connect_blocking
from tests.evals.graded import FIXED, Beds

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
MODEL = "qwright-test"
RIGHT, WRONG = "tests__official-1", "tests__Official-2"


def swebench(folder: Path, *arguments: str) -> None:
    program = Path(sys.executable).with_name("swebench")
    done = subprocess.run(
        [str(program), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", name="beds")
def _beds(tmp_path_factory: pytest.TempPathFactory) -> Beds:
    return Beds(tmp_path_factory.mktemp("beds"))


@pytest.fixture(scope="module", name="testbeds")
def _testbeds(beds: Beds) -> Iterator[list[Testbed]]:
    yield [beds.make(identity=RIGHT), beds.make(identity=WRONG)]
    for identity in (RIGHT, WRONG):
        connect_blocking().api.remove_image(image_name(identity), force=True)


def reports(folder: Path, run: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in (folder / "logs" / "run_evaluation" / run).glob("*/*/report.json"):
        found |= json.loads(file.read_text())
    return found


def test_swebench_says_what_we_say(testbeds: list[Testbed], beds: Beds, tmp_path: Path) -> None:
    rows = asyncio.run(export_rows(testbeds, tmp_path / "rows"))
    patches = {
        RIGHT: beds.patch(testbeds[0], {"lib.py": FIXED}),
        WRONG: beds.patch(testbeds[1], {"lib.py": "def add(a, b):\n    return 1\n"}),
    }
    predictions = [
        {"instance_id": name, "model_name_or_path": MODEL, "model_patch": patch}
        for name, patch in patches.items()
    ]
    (tmp_path / "preds.jsonl").write_text("".join(json.dumps(one) + "\n" for one in predictions))
    run = ["-p", "preds.jsonl", "-j", "2", "--run-id"]
    swebench(tmp_path, "eval", str(rows), *run, "theirs")
    theirs = reports(tmp_path, "theirs")
    assert {name: report["resolved"] for name, report in theirs.items()} == {
        RIGHT: True,
        WRONG: False,
    }
    # Ours, where `swebench report` looks for logs: below "gold", whatever the model was.
    ours = tmp_path / "logs" / "run_evaluation" / "ours"
    for testbed in testbeds:
        name = testbed.instance.id
        verdict = asyncio.run(grade(testbed, patches[name], ours / "gold" / name))
        assert verdict.resolved is theirs[name]["resolved"]
    mine = reports(tmp_path, "ours")
    assert mine == theirs
    for file in ours.glob("*/*/report.json"):
        file.unlink()
    (ours / "run.json").write_text((ours.parent / "theirs" / "run.json").read_text())
    swebench(tmp_path, "report", "ours")
    assert reports(tmp_path, "ours") == mine


def test_an_exported_image_has_one_commit_and_the_row_names_it(
    testbeds: list[Testbed], tmp_path: Path
) -> None:
    rows = asyncio.run(export_rows(testbeds[:1], tmp_path / "rows"))
    row = json.loads(rows.read_text())
    assert row["image"] == row["image_name"] == image_name(RIGHT)
    assert row["base_commit"] == testbeds[0].commit
    engine = connect_blocking()
    made = engine.api.create_container(
        row["image"], entrypoint=["true"], use_config_proxy=False, labels={}
    )["Id"]
    try:
        chunks, _ = engine.api.get_archive(made, "/testbed/.git/refs")
        names = b"".join(chunks)
    finally:
        engine.api.remove_container(made, force=True, v=True)
    assert b"refs/heads/main" in names
    assert b"remotes" not in names


def test_image_names_are_valid_and_differ() -> None:
    names = [image_name(one) for one in ("a__b-1", "A__b-1", "a b", "a/b", "é", "a___b")]
    assert names[0] == "sweb.eval.x86_64.a__b-1:latest"
    assert len(set(names)) == len(names)


def test_what_swebench_has_no_form_for_is_refused(beds: Beds, tmp_path: Path) -> None:
    testbed = beds.make(CommandGrading(command="true"))
    with pytest.raises(ConfigError, match="not graded by a list of tests"):
        asyncio.run(export_rows([testbed], tmp_path))
