"""Runs all benchmarks of qwright and prints one table."""

from __future__ import annotations

import asyncio
import sys

from qwright.evals.bench import checkpoint, engine, harness, prompt_tokens, repl, startup, tool_exec
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row

TREES = {100: None, 5_000: None, 50_000: Budget(200, of="value")}
"""Files in the generated trees, and the budget for a checkpoint there."""
CHECKPOINT_ROUNDS = 7


async def checkpoints(options: Options) -> Report:
    """A checkpoint after an edit of one file, against plain git. Raises WorkspaceError."""
    report = Report()
    for files, budget in TREES.items():
        rounds = options.rounds or CHECKPOINT_ROUNDS
        setup, ours, plain = await asyncio.to_thread(checkpoint.measure, files, rounds)
        what = f"checkpoint, one edit, {files:,} files"
        report.rows.append(Row(what, "ms", ours * 1000, plain * 1000, "git add + commit", budget))
        report.notes.append(f"the checkout of {files:,} files took {setup:.2f} s")
    return report


BENCHES = {
    "startup": startup.measure,
    "prompt_tokens": prompt_tokens.measure,
    "tool_exec": tool_exec.measure,
    "checkpoint": checkpoints,
    "engine": engine.measure,
    "repl": repl.measure,
    "harness": harness.measure,
}

if __name__ == "__main__":
    sys.exit(main(BENCHES, __doc__ or ""))
