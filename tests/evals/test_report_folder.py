"""Reports of runs that are unfinished, empty, or no runs at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qwright.agent.errors import ConfigError
from qwright.evals.report import read_run, write_report
from qwright.evals.report.plots import plots_of
from tests.evals.made_runs import Made, instances, write_run


def test_a_run_is_read_back_whole_and_without_what_is_unfinished(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", Made(count=5, repeat=2))
    torn = folder / "results" / "torn" / "0"
    torn.mkdir(parents=True)
    (torn / "result.json").write_text('{"key": "x"')
    hidden = folder / "results" / ".work" / "x.0.token"
    hidden.mkdir(parents=True)
    whole = next((folder / "results").glob("*/0/result.json"))
    (hidden / "result.json").write_bytes(whole.read_bytes())
    other = write_run(tmp_path / "other", Made(count=6, repeat=3))
    shutil.copytree(other / "results", folder / "results", dirs_exist_ok=True)
    run = read_run(folder)
    assert [one.id for one in run.instances] == [one.id for one in instances(5)]
    assert sorted((one.instance, one.sample) for one in run.results) == sorted(
        (one.id, sample) for one in instances(5) for sample in (0, 1)
    )
    assert run.record["model"] == "qwen2.5-coder-1.5b"
    solution = run.samples[0].result.solution
    assert solution is not None
    assert run.samples[0].text("patch.diff") == solution.patch
    assert run.samples[0].text("nothing") == ""


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no folder of a run: it has no run\.json"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"instances\.jsonl is missing"):
        write_report(tmp_path)
    (tmp_path / "instances.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(ConfigError, match=r"instances\.jsonl:1 is no instance"):
        write_report(tmp_path)
    folder = write_run(tmp_path / "run", Made(count=1))
    with pytest.raises(ConfigError, match=r"cannot write .*; name another file"):
        write_report(folder, tmp_path / "nowhere" / "report.html")


def test_a_run_with_nothing_graded_has_a_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", Made(count=3, faults=3))
    text = write_report(folder).read_text()
    assert "nothing is graded yet" in text
    assert "3 samples failed for the infrastructure (engine 3)" in text
    assert "<svg" not in text


def test_plots_take_their_colours_from_the_page_and_say_what_they_show(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", Made(count=12, repeat=2, price=1e-6))
    text = write_report(folder).read_text()
    plots = text.split("<svg")[1:]
    assert len(plots) == 4
    for plot in plots:
        picture = plot.partition("</svg>")[0]
        assert "var(--" in picture
        assert "#" not in picture.replace('href="#', "").replace("url(#", "")
    assert "all 12: " in text
    assert "median" in text


def test_two_pages_of_one_run_are_the_same(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", Made(count=4))
    assert write_report(folder).read_bytes() == write_report(folder, tmp_path / "b").read_bytes()
    assert plots_of([]) == []


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    made = Made(count=2)
    folders = [write_run(tmp_path / name, made) for name in ("a", "b")]
    record = json.loads((folders[1] / "run.json").read_text())
    (folders[1] / "run.json").write_text(json.dumps({**record, "agent": "aider"}))
    text = write_report(folders, tmp_path / "both.html").read_text()
    assert "aider · qwen2.5-coder-1.5b" in text
    assert "qwright · qwen2.5-coder-1.5b" in text
    assert "cannot be compared" not in text


def test_runs_of_other_instances_are_shown_and_not_compared(tmp_path: Path) -> None:
    tasks = instances(4)
    folders = [
        write_run(tmp_path / "a", Made(), tasks[:2]),
        write_run(tmp_path / "b", Made(model="qwen3-coder"), tasks[2:]),
    ]
    text = write_report(folders, tmp_path / "both.html").read_text()
    assert "cannot be compared" in text
    assert text.count('<tr data-row="') == 4
