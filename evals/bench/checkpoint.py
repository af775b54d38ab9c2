"""How long a checkpoint takes after one file was edited, on trees of growing size.

The reference is what anyone could do: `git add -A && git commit` in an ordinary repository with
the same files. Run it as `python -m qwright.evals.bench.checkpoint [FILES ...]`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.store import CheckpointStore

_PER_DIRECTORY = 100
_LINES = 100
_IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
_NO_BACKGROUND = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")


def generate(root: Path, files: int) -> None:
    """Make a git repository of `files` Python-like files of about 4 KB, 100 a directory."""
    for number in range(files):
        directory = root / f"package{number // _PER_DIRECTORY:04d}"
        directory.mkdir(parents=True, exist_ok=True)
        lines = (
            f"value_{number}_{line} = {number * line}  # line {line}" for line in range(_LINES)
        )
        (directory / f"module{number}.py").write_text("\n".join(lines) + "\n")
    _git(root, "init", "-q")
    _commit_all(root)


def median_seconds(tree: Path, record: Callable[[], object], rounds: int) -> float:
    """Edit one file of `tree`, time `record`; the median of `rounds` times, in seconds."""
    file = next(tree.glob("package*/module*.py"))
    times: list[float] = []
    for number in range(rounds):
        file.write_text(f"edited = {number}, {time.time_ns()}\n")
        start = time.perf_counter()
        record()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(files: int, rounds: int) -> tuple[float, float, float]:
    """Seconds of (making the checkout, a checkpoint, add and commit) on a tree of `files`."""
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as directory:
        source, session = Path(directory, "source"), Path(directory, "session")
        session.mkdir()
        generate(source, files)
        start = time.perf_counter()
        store = create_checkout(source, session).store
        setup = time.perf_counter() - start
        ours = median_seconds(store.work_tree, lambda: _record(store), rounds)
        reference = median_seconds(source, lambda: _commit_all(source), rounds)
        return setup, ours, reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="*", default=[100, 5_000, 50_000])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print(f"{'files':>7} {'checkout':>10} {'checkpoint':>11} {'add+commit':>11} {'ratio':>6}")
    for files in arguments.files:
        setup, ours, reference = measure(files, arguments.rounds)
        print(
            f"{files:>7,} {setup:>8.2f} s {ours * 1e3:>8.0f} ms {reference * 1e3:>8.0f} ms "
            f"{ours / reference:>6.2f}"
        )


def _record(store: CheckpointStore) -> None:
    if store.record("one edit", 1) is None:
        raise SystemExit("the edit was not seen: this measurement means nothing")


def _commit_all(root: Path) -> None:
    _git(root, "add", "-A")
    _git(root, *_IDENTITY, "commit", "-q", "-m", "one edit")


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *_NO_BACKGROUND, *arguments], cwd=root, check=True)


if __name__ == "__main__":
    main()
