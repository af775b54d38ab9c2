"""`qwright eval …` as it is typed: a data set in, numbers, pages and files for other tools out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from qwright.agent.exits import Exit
from qwright.evals.run.given import given
from tests.e2e.house import MODEL, House, make_house
from tests.e2e.scripted_server import Server, served
from tests.evals.eval_runs import script

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

FIXED = "def add(a, b):\n    return a + b\n"
ROWS = [
    {
        "id": f"calc__{word}",
        "files": {"calc.py": FIXED.replace("+", "-"), "test_calc.py": "import calc\n"},
        "prompt": f"{word}: add() in calc.py subtracts",
        "verify": 'python -c "from calc import add; assert add(2, 3) == 5"',
        "solution_files": {"calc.py": FIXED},
    }
    for word in ("right", "wrong", "idle")
]


class Desk:
    """A house with a data set in its repository, and a model behind a server."""

    def __init__(self, house: House, server: Server) -> None:
        self._house = house
        self._server = server
        self.folder = house.repo
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def type(self, line: str, code: int = 0) -> str:
        """What `qwright eval LINE` prints, errors after the rest."""
        done = subprocess.run(
            [sys.executable, "-m", "qwright.agent", "eval", *line.split()],
            cwd=self.folder,
            env=self._house.environment(self._server),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module", name="desk")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served(script) as server:
        yield Desk(make_house(tmp_path_factory.mktemp("desk")), server)


@pytest.fixture(scope="module", name="run")
def _run(desk: Desk) -> str:
    """What two runs said, in `one` and, with fewer attempts, in `two`."""
    said = desk.type(f"run rows.jsonl -m {MODEL} --max-turns 8 --workers 2 --out one")
    desk.type(f"run rows.jsonl -m {MODEL} --max-turns 1 -w 2 -o two")
    return said


def test_a_run_ends_with_numbers_and_files_for_other_tools(desk: Desk, run: str) -> None:
    assert "33.3 %" in run
    lines = (desk.folder / "one/preds.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in lines]
    patches = {one["instance_id"]: one["model_patch"] for one in answers}
    assert patches["calc__idle"] == ""
    assert "+    return a + b" in patches["calc__right"]
    assert {one["model_name_or_path"] for one in answers} == {MODEL}
    again = desk.type(f"run rows.jsonl -m {MODEL} --max-turns 8 --workers 1 --out one")
    assert "33.3 %" in again


def test_runs_are_compared_and_reported(desk: Desk, run: str) -> None:
    said = desk.type("compare one two")
    assert "calc__right" in said
    assert "not significant" in said
    with_all = desk.type("report one two --output both.html")
    assert "both.html" in with_all
    assert "calc__right" in (desk.folder / "both.html").read_text()
    assert "report.html" in desk.type("report one")


def test_predictions_of_another_tool_are_graded(desk: Desk, run: str) -> None:
    said = desk.type("grade one/preds.json rows.jsonl -o graded")
    assert "33.3 %" in said
    verdicts = {
        file.parent.parent.name: json.loads(file.read_text())["verdict"]["kind"]
        for file in (desk.folder / "graded/results").glob("*/0/result.json")
    }
    assert verdicts == {
        "calc__right": "resolved",
        "calc__wrong": "unresolved",
        "calc__idle": "empty_patch",
    }
    record = json.loads((desk.folder / "graded/run.json").read_text())
    assert (record["agent"], record["model"]) == ("predictions", MODEL)
    answers = json.loads((desk.folder / "one/preds.json").read_text())
    few = {"calc__right": answers["calc__right"]}
    (desk.folder / "few.json").write_text(json.dumps(few))
    said = desk.type("grade few.json rows.jsonl -o few")
    assert "resolved 1 of 3" in said, "what has no prediction counts too"
    assert "2 without a prediction" in said
    (desk.folder / "needy.jsonl").write_text(json.dumps({**ROWS[0], "needs": ["no-such"]}))
    said = desk.type("grade few.json needy.jsonl -o needy", Exit.USAGE)
    assert "the image has no no-such" in said
    settings, _ = given(desk.folder / "few.json", ["calc__right"], image="other:1")
    assert settings.image == "other:1"


def test_a_data_set_is_listed_and_validated(desk: Desk) -> None:
    assert "calc__wrong" in desk.type("list rows.jsonl")
    longer = {**ROWS[0], "id": f"more_{ROWS[0]['id']}"}
    rows = f"{json.dumps(ROWS[0])}\n{json.dumps(longer)}\n"
    (desk.folder / "ends.jsonl").write_text(rows)
    assert "more_" in desk.type("list ends.jsonl -i right")
    assert "more_" not in desk.type("list ends.jsonl -i calc__right"), "an id, not the end of one"
    said = desk.type("validate rows.jsonl --times 1 -i right --out logs")
    assert "1 of 1 instances are sound" in said
    broken = {**ROWS[0], "solution_files": {"calc.py": "def add(a, b):\n    return 0\n"}}
    (desk.folder / "broken.jsonl").write_text(json.dumps(broken))
    assert "wrong" in desk.type("validate broken.jsonl --times 1", Exit.NOT_VERIFIED)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run nowhere.jsonl -o x", "nowhere.jsonl"),
        ("run rows.jsonl -i nobody -o x", "nobody"),
        ("run rows.jsonl", "--out"),
        ("run rows.jsonl -o x --address a:1", "--engine ray"),
        ("run rows.jsonl -o x --agent aider --attempts 2", "aider has no --attempts"),
        ("run rows.jsonl -o x --agent aider --effort low", "aider has no --effort"),
        ("report nowhere", "nowhere"),
        ("compare nowhere one", "nowhere"),
        ("grade rows.jsonl rows.jsonl -o x", "predictions"),
        ("export swebench rows.jsonl -o x", "calc__"),
        ("frobnicate", "frobnicate"),
    ],
)
def test_bad_usage_is_one_line(desk: Desk, line: str, words: str) -> None:
    said = desk.type(line, Exit.USAGE)
    assert words in said
    assert len(said.strip().splitlines()) == 1
    assert not (desk.folder / "x" / "run.json").exists()
