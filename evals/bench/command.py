"""The command line that all benchmarks share."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwright.evals.bench.measure import Report, Row, table
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.errors import QwrightError

SMALLEST_MODEL = "qwen2.5-coder-0.5b"


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags say. `rounds` None leaves each benchmark its own number."""

    rounds: int | None
    peers_dir: Path
    model: str
    weights: Path | None
    image: str | None
    markdown: bool


Bench = Callable[[Options], Awaitable[Report]]


def main(benches: Mapping[str, Bench], about: str, argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print one table of all of them, then the notes. 1: one did not run."""
    options = parse(about, argv)
    report, failed = asyncio.run(gather(benches, options))
    print(table(report.rows, markdown=options.markdown))
    if report.notes:
        print("\n" + "\n".join(f"- {note}" for note in report.notes))
    return int(failed)


def parse(about: str, argv: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=about)
    add = parser.add_argument
    add("--rounds", type=int, help="measurements of each thing")
    add("--peers-dir", type=Path, metavar="DIR", help="where other agents are installed")
    add("--model", default=SMALLEST_MODEL, help="embedded model of the engine and the tokenizer")
    add("--weights", type=Path, metavar="GGUF", help="a model file in place of --model")
    add("--image", metavar="REF", help="sandbox image, default: qwright's own")
    add("--markdown", action="store_true", help="print a markdown table")
    values = parser.parse_args(argv)
    values.peers_dir = (values.peers_dir or cache_dir() / "bench-peers").absolute()
    return Options(**vars(values))


async def gather(benches: Mapping[str, Bench], options: Options) -> tuple[Report, bool]:
    """Run one after the other; what cannot run becomes a row that says so."""
    found, failed = Report(), False
    for name, bench in benches.items():
        print(f"measuring {name} ...", file=sys.stderr)
        try:
            report = await bench(options)
        except (QwrightError, OSError) as error:
            failed = True
            report = Report([Row(name, "", None)], [f"{name} did not run: {error}"])
        found.rows.extend(report.rows)
        found.notes.extend(note for note in report.notes if note not in found.notes)
    return found, failed
