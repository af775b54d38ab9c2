"""What a run shows meanwhile: lines in a pipe, a display on a terminal, nothing a name could do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from qwright.evals.result import Result, Solution, Verdict
from qwright.evals.run.hooks import Spent
from qwright.evals.run.meter import Meter
from qwright.evals.run.progress_view import LinesView, LiveView, View, told, view_on
from qwright.evals.run.settings import Job, Total
from tests.emulator import Emulator
from tests.evals.test_ledger import jobs, result_of

HOSTILE = "\x1b[2J\x1b]0;owned\x07evil\n"


@pytest.fixture(name="meter")
def _meter(tmp_path: Path) -> Iterator[Meter]:
    with closing(Meter(Total(), tmp_path / "spent.jsonl", "tag")) as meter:
        yield meter


def go_through(view: View, wanted: list[Job], meter: Meter) -> list[Result]:
    """One that was done before, one resolved, one failed, one that still runs."""
    view.begin(wanted, [result_of(wanted[0])], meter)
    for job in wanted[1:]:
        view.phase(job, "testbed")
        view.phase(job, "agent")
    meter.spend(Spent(tokens=12_345, calls=2, cost=0.5))
    ended = [
        result_of(wanted[1], seconds=75.0),
        result_of(wanted[2], state="failed", fault="model", error=f"503 {HOSTILE}", verdict=None),
    ]
    for one in ended:
        view.finished(one)
    view.say("pulling an image")
    return ended


def test_a_pipe_gets_a_line_for_each_sample_and_no_control(meter: Meter) -> None:
    out = io.StringIO()
    view = view_on(out, "starter")
    assert isinstance(view, LinesView)
    go_through(view, jobs("a", "b", HOSTILE, "d"), meter)
    view.end()
    lines = out.getvalue().splitlines()
    assert lines[0] == "4 samples, 1 of them done before"
    assert lines[1].startswith("[2/4] b: resolved, 1:15 min, 0 tokens; resolved 2 of 2 (100%), ")
    assert lines[1].endswith("/h, 12.3 k tokens, $0.50")
    assert lines[2].startswith("[3/4] ")
    assert "failed" in lines[2]
    assert lines[3:] == ["pulling an image"]
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()


def test_a_terminal_shows_how_the_run_stands_and_what_runs(meter: Meter) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, height=24, color_system="standard")
    view = LiveView(console, f"starter {HOSTILE}")
    go_through(view, jobs("a", "b", HOSTILE, "d"), meter)
    view.refresh()
    screen = Emulator(120, 24, lambda text: None)
    screen.feed(out.getvalue().replace("\n", "\r\n").encode())
    shown = [line.rstrip() for line in screen.display]
    view.end()
    assert any(line.startswith("  ✓ b ") and "resolved" in line for line in shown)
    assert any(line.startswith("  ! ") and "503" in line for line in shown)
    assert any("3/4" in line and "left" in line and "starter" in line for line in shown)
    assert any("resolved 2 of 2 (100%)" in line and "$0.50" in line for line in shown)
    assert next(line for line in shown if line.startswith("  agent ")).endswith("  d")
    assert "owned" not in out.getvalue()


def test_what_became_of_a_sample_in_one_line() -> None:
    (job,) = jobs("a")
    answer = Solution(patch="")
    empty = result_of(job, solution=answer, verdict=Verdict(kind="empty_patch"), seconds=8_000)
    assert told(empty) == "a: empty patch, 2:13 h, 0 tokens"
    assert told(result_of(job, state="stopped", error="interrupted")).endswith(", interrupted")
