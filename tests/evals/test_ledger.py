"""The folder of a run: what counts as done, and that a kill between any two steps loses nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from qwright.agent.embedded.fetch import import_root
from qwright.agent.errors import ConfigError
from qwright.evals.instance import CommandGrading, FilesSource, Instance
from qwright.evals.result import Result, Solution, Verdict
from qwright.evals.run import settings
from qwright.evals.run.hooks import Spent
from qwright.evals.run.ledger import Ledger, folder_name, read_result, sample_folder
from qwright.evals.run.meter import Meter
from qwright.evals.run.settings import Job, Settings, Total, jobs_of
from qwright.sandbox.durable import write_json

SETTINGS = Settings(model="m")


def instance(name: str, *, text: str = "1\n") -> Instance:
    return Instance(
        id=name,
        prompt="Fix it.",
        source=FilesSource(files={"a.txt": text}),
        grading=CommandGrading(command="true"),
    )


def jobs(*names: str, settings: Settings = SETTINGS, repeat: int = 1) -> list[Job]:
    return jobs_of([instance(name) for name in names], settings, repeat=repeat)


def opened(out: Path) -> Ledger:
    return Ledger(out, cache=out / "cache", model="m")


def result_of(job: Job, **more: object) -> Result:
    values: dict[str, object] = {
        "state": "done",
        "solution": Solution(patch=f"patch of {job.name}\n"),
        "verdict": Verdict(kind="resolved"),
    }
    base = {"key": job.key, "instance": job.instance.id, "sample": job.sample}
    return Result.model_validate({**base, **values, **more})


def keep(ledger: Ledger, job: Job, **more: object) -> Path:
    place = ledger.place(job)
    result = result_of(job, **more)
    write_json(place.folder / "result.json", result.model_dump(mode="json"))
    ledger.add(job, result, place.folder)
    return sample_folder(ledger.out, job.instance.id, job.sample)


def test_first_samples_of_all_instances_come_before_any_second_one() -> None:
    order = [(job.instance.id, job.sample) for job in jobs("a", "b", repeat=2)]
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_keys_tell_instances_settings_and_samples_apart() -> None:
    (first,) = jobs("a")
    (again,) = jobs("a")
    others = [
        *jobs("b"),
        *jobs("a", settings=Settings(model="m", max_turns=3)),
        *jobs("a", repeat=2)[1:],
        *jobs_of([instance("a", text="2\n")], SETTINGS),
    ]
    assert again.key == first.key
    assert len({first.key, *(job.key for job in others)}) == 5
    assert Job.model_validate_json(first.model_dump_json()) == first


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, True),
        ({"state": "failed", "fault": "model", "solution": None}, False),
        ({"state": "stopped", "solution": Solution(patch="", reason="interrupted")}, False),
        ({"key": "of other settings"}, False),
    ],
    ids=["done", "failed", "stopped", "other settings"],
)
def test_only_what_is_done_with_the_same_key_counts(
    tmp_path: Path, more: Mapping[str, object], counts: bool
) -> None:
    wanted = jobs("a")
    ledger = opened(tmp_path)
    folder = keep(ledger, wanted[0], **more)
    ledger.close()

    again = opened(tmp_path)
    assert list(again.done(wanted)) == [job.key for job in wanted if counts]
    assert folder.exists() == counts
    kept = list(tmp_path.glob("results/.old/*/a/0/result.json"))
    assert len(kept) == (0 if counts else 1), "what does not count is put away, not lost"
    again.close()


@pytest.mark.parametrize(
    "more",
    [{"verdict": None}, {"state": "failed", "fault": "engine", "verdict": None}],
    ids=["not graded", "its grader failed"],
)
def test_an_answer_that_lacks_its_grade_outlives_every_interruption(
    tmp_path: Path, more: Mapping[str, object]
) -> None:
    wanted = jobs("a", "b")
    ledger = opened(tmp_path)
    for job in wanted:
        (keep(ledger, job, **more) / "events.jsonl").write_text("what led to it")
    ledger.close()
    for _ in range(2):  # nothing is graded before the first of them ends
        ledger = opened(tmp_path)
        assert ledger.done(wanted) == {}
        answers = [job.solved for job in ledger.with_answers(wanted)]
        assert answers == [result_of(job).solution for job in wanted]
        ledger.close()
    ledger = opened(tmp_path)
    ledger.done(wanted)
    folder = keep(ledger, wanted[0])
    assert (folder / "events.jsonl").read_text() == "what led to it"
    assert list(ledger.done(wanted)) == [wanted[0].key]
    ledger.close()


def test_without_grading_a_result_without_a_verdict_counts(tmp_path: Path) -> None:
    ungraded = jobs_of([instance("a")], SETTINGS, grade=False)
    ledger = opened(tmp_path)
    keep(ledger, ungraded[0], verdict=None)
    assert len(ledger.done(ungraded)) == 1
    assert ledger.done(ungraded, redo=True) == {}
    ledger.close()


def test_another_grader_makes_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = settings.code_version.__wrapped__
    before = plain()
    monkeypatch.setattr(settings, "version", str.upper)
    assert plain() != before


def test_predictions_are_those_of_what_is_done(tmp_path: Path) -> None:
    wanted = jobs("b", "a", "c", repeat=2)
    ledger = opened(tmp_path)
    for job in wanted[:2]:
        keep(ledger, job)
    keep(ledger, wanted[2], state="failed", fault="engine")
    keep(ledger, wanted[3])
    ledger.close()

    lines = (tmp_path / "preds.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["instance_id"] for row in rows] == ["a", "b"]
    assert rows[0] == {
        "instance_id": "a",
        "model_name_or_path": "m",
        "model_patch": "patch of a\n",
    }
    assert json.loads((tmp_path / "preds.json").read_text()) == {
        row["instance_id"]: row for row in rows
    }
    second = json.loads((tmp_path / "preds.1.jsonl").read_text())
    assert second["model_patch"] == "patch of b #1\n"


def test_predictions_of_other_settings_do_not_stay(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    for job in jobs("a", repeat=2):
        keep(ledger, job)
    ledger.close()
    assert (tmp_path / "preds.1.jsonl").exists()
    ledger = opened(tmp_path)
    ledger.done(jobs("a", settings=Settings(model="other")))
    assert (tmp_path / "preds.jsonl").read_text() == ""
    assert (tmp_path / "preds.json").read_text() == "{}"
    assert not list(tmp_path.glob("preds.1.*"))
    ledger.close()


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    with pytest.raises(ConfigError, match="another run works in"):
        opened(tmp_path)
    ledger.close()
    opened(tmp_path).close()


@pytest.mark.parametrize("name", ["../../etc", ".hidden", "a/b", "a\nb", "ü" * 300, "org__repo-1"])
def test_no_id_leaves_the_folder_or_hides_in_it(tmp_path: Path, name: str) -> None:
    wanted = jobs(name)
    ledger = opened(tmp_path)
    folder = keep(ledger, wanted[0])
    ledger.close()
    assert folder.parent.parent == tmp_path / "results"
    assert folder.resolve().is_relative_to(tmp_path.resolve())
    found = read_result(folder)
    assert found is not None
    assert found.instance == name
    assert not folder.parent.name.startswith(".")
    assert folder_name("org__repo-1") == "org__repo-1"


KILLED = """
import sys
from pathlib import Path
from tests.evals.test_ledger import jobs, keep, opened

out = Path(sys.argv[1])
for job in jobs("a", "b"):
    ledger = opened(out)
    ledger.done(jobs("a", "b"))
    keep(ledger, job)
    ledger.close()
"""


@pytest.mark.parametrize("point", ["ledger-moving", "ledger-moved", "ledger-predictions:3"])
def test_a_kill_between_any_two_steps_loses_no_finished_sample(tmp_path: Path, point: str) -> None:
    wanted = jobs("a", "b")
    ledger = opened(tmp_path)
    keep(ledger, wanted[0], state="failed", fault="model")
    ledger.close()

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={"PYTHONPATH": f"{import_root()}:.", "QWRIGHT_FAILPOINT": point},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL

    again = opened(tmp_path)
    done = again.done(wanted)
    assert wanted[0].key in done, "its files were whole when the process died"
    assert not (tmp_path / ".work").exists()
    again.close()
    assert "patch of a" in (tmp_path / "preds.jsonl").read_text()


def test_totals_count_what_killed_processes_spent(tmp_path: Path) -> None:
    journal = tmp_path / "spent.jsonl"
    with closing(Meter(Total(tokens=100), journal, "same")) as meter:
        meter.spend(Spent(tokens=60, calls=1, cost=0.5))
    with closing(Meter(Total(), journal, "other settings")) as meter:
        meter.spend(Spent(tokens=1_000, calls=1, cost=9))
    with journal.open("a") as log:
        log.write('{"tag": "same", "tok')  # the line a kill has cut

    with closing(Meter(Total(tokens=100), journal, "same")) as meter:
        assert meter.spent == Spent(tokens=60, calls=1, cost=0.5)
        assert not meter.stop.why
        meter.spend(Spent(tokens=50, calls=1, cost=0.5))
        assert meter.limit == "--total-tokens"
        assert meter.stop.why == "stopped after 110 tokens (--total-tokens)"
    with closing(Meter(Total(tokens=100), journal, "same")) as meter:
        assert meter.stop.why, "a line after the cut one counts too"


@pytest.mark.parametrize(
    ("total", "spent", "limit"),
    [
        (Total(calls=1), Spent(calls=1), "--total-calls"),
        (Total(cost=0.5), Spent(cost=0.5), "--total-cost"),
        (Total(cost=0.5), Spent(cost=None), "--total-cost"),
        (Total(calls=2, cost=1, tokens=2), Spent(calls=1, cost=0.9, tokens=1), ""),
    ],
    ids=["calls", "cost", "unknown cost", "none"],
)
def test_every_total_stops_the_run(tmp_path: Path, total: Total, spent: Spent, limit: str) -> None:
    with closing(Meter(total, tmp_path / "spent.jsonl", "same")) as meter:
        meter.spend(spent)
    assert meter.limit == limit
    assert bool(meter.stop.why) == bool(limit)
    assert not meter.stop.at_once, "what costs nothing goes on"
