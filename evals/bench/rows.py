"""Runs the real command on rows of {id, files, prompt, verify}, one git repository each.

    python -m qwright.evals.bench.rows ROWS.jsonl [--only ID] [-- FLAGS OF QWRIGHT]

Prints a line a row and the sum. A row counts as fixed when qwright says so, the verify command
passes in the user's tree again, and no file but those the solution may change has changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel


class Row(BaseModel):
    """One task. `solution_files` names what may change; everything else must stay."""

    id: str
    files: dict[str, str]
    prompt: str
    verify: str
    solution_files: dict[str, str]


class Report(BaseModel):
    """What is read of `qwright --output-format json`."""

    exit_code: int
    reason: str
    turns: int
    tokens: dict[str, int]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    fixed: bool
    report: Report | None
    seconds: float
    note: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--only", action="append", help="ids that end in this")
    parser.add_argument("--verify", help="in place of each row's own command")
    given = list(sys.argv[1:] if argv is None else argv)
    cut = given.index("--") if "--" in given else len(given)
    args, flags = parser.parse_args(given[:cut]), given[cut + 1 :]
    rows = [Row.model_validate_json(line) for line in args.rows.read_text("utf-8").splitlines()]
    wanted = [row for row in rows if not args.only or row.id.endswith(tuple(args.only))]
    scores = [_show(row, _run(row, args.verify or row.verify, flags)) for row in wanted]
    fixed = sum(score.fixed for score in scores)
    print(f"fixed {fixed} of {len(scores)} in {sum(s.seconds for s in scores):.0f} s")
    return 0


def _run(row: Row, verify: str, flags: Sequence[str]) -> Score:
    with tempfile.TemporaryDirectory(prefix="qwright-row-") as name:
        repository = Path(name)
        _write(row, repository)
        command = [sys.executable, "-m", "qwright.agent", "--output-format", "json"]
        command += ["--verify", verify, *flags, "-p", row.prompt]
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=repository, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        seconds = time.monotonic() - started
        if not done.stdout.strip():
            return Score(False, None, seconds, done.stderr.strip().splitlines()[-1])
        report = Report.model_validate_json(done.stdout)
        spoilt = _spoilt(row, repository)
        return Score(report.exit_code == 0 and not spoilt, report, seconds, spoilt)


def _write(row: Row, repository: Path) -> None:
    for path, text in row.files.items():
        file = repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for step in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "a bug"]):
        subprocess.run(["git", *step], cwd=repository, check=True, capture_output=True)


def _spoilt(row: Row, repository: Path) -> str:
    """What changed that had to stay, such as a test."""
    for path, text in row.files.items():
        file = repository / path
        if path not in row.solution_files and (not file.is_file() or file.read_text() != text):
            return f"{path} was changed"
    return ""


def _show(row: Row, score: Score) -> Score:
    word = "fixed" if score.fixed else "not fixed"
    line = f"{row.id:42} {word:10} {score.seconds:6.1f} s"
    if score.report:
        tokens = json.dumps(score.report.tokens)
        line += f"  {score.report.turns:2} turns  {tokens}  {score.report.reason}"
    print(f"{line}  {score.note}".rstrip(), flush=True)
    return score


if __name__ == "__main__":
    sys.exit(main())
