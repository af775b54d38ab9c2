"""The REPL as a person feels it: how soon it listens, how fast keys, lists and long sessions are.

It runs in a pseudo-terminal and is timed from outside: a key goes in, the bytes that draw it come
out. The reference is the smallest prompt-toolkit program that reads a line.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from qwright.agent.embedded.fetch import import_root
from qwright.evals.bench import checkpoint
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row, median, number, spread
from qwright.evals.bench.repl_window import LETTERS, Window
from qwright.evals.bench.streamer import RATE, streaming
from qwright.sandbox.image import ensure_image

FLOOR = "from prompt_toolkit import PromptSession\nPromptSession().prompt('> ')\n"
FILES, TURNS = 50_000, 300
ROUNDS = 5
READY_MS = Budget(400, of="value")
ECHO_MS = Budget(20, of="value")
LIST_MS = Budget(60, of="value")
RESIDENT_MB = Budget(150, of="value")
LATE_OVER_EARLY = Budget(1.25)
MODEL = "qwen3-coder-plus"


async def measure(options: Options) -> Report:
    """Raises SandboxError without an engine, NotShownError when the REPL does not answer."""
    await ensure_image(options.image, lambda line: None)
    return await asyncio.to_thread(_measure, options.rounds or ROUNDS)


def _measure(rounds: int) -> Report:
    report = Report()
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name, streaming() as server:
        stage = Stage(Path(name), server.url)
        _ready(stage, rounds, report)
        _echo(stage, report)
        _lists(stage, report)
        _long(stage, report)
    return report


class Stage:
    """Two repositories, and how programs are started in them."""

    def __init__(self, root: Path, url: str) -> None:
        self.small, self.large = root / "small", root / "large"
        self._home = root / "home"
        self._home.mkdir()
        self._url = url
        checkpoint.generate(self.small, 3)
        checkpoint.generate(self.large, FILES)

    def repl(self, repository: Path) -> Window:
        script = Path(sys.executable).with_name("qwright")
        command = (
            [str(script)] if script.exists() else [sys.executable, "-P", "-m", "qwright.agent"]
        )
        environment = {
            "HOME": str(self._home),
            "QWRIGHT_HOME": str(self._home / "qwright"),
            "PYTHONPATH": import_root(),
            "OPENAI_BASE_URL": self._url,
            "OPENAI_API_KEY": "none",
            "OPENAI_MODEL": MODEL,
        }
        return Window(command, cwd=repository, env=environment)

    def floor(self) -> Window:
        environment = {"HOME": str(self._home)}
        return Window([sys.executable, "-P", "-c", FLOOR], cwd=self.small, env=environment)


def p95(values: Sequence[float]) -> float:
    """The smallest value that 95 of 100 do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("a p95 of no values")
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _ready(stage: Stage, rounds: int, report: Report) -> None:
    """From the start of the process to the echo of the first key."""
    windows = {
        "empty repository": lambda: stage.repl(stage.small),
        f"{FILES:,} files": lambda: stage.repl(stage.large),
        "floor": stage.floor,
    }
    found: dict[str, list[float]] = {name: [] for name in windows}
    for turn in range(rounds + 1):
        for name, opened in windows.items():
            with opened() as window:
                window.raw()
                window.key()
                seconds = time.monotonic() - window.started
            if turn:
                found[name].append(seconds * 1000)
    floor = median(found.pop("floor"))
    for name, values in found.items():
        row = Row(f"prompt ready, {name}", "ms", median(values), floor, "ptk alone", READY_MS)
        report.rows.append(row)
        report.notes.append(f"prompt ready, {name}: {spread(values)} ms")


def _keys(window: Window, count: int) -> list[float]:
    """Milliseconds to the echo of each of some keys, pressed as a quick typist does."""
    found: list[float] = []
    pause = random.Random(4)
    for pressed in range(count):
        if pressed % LETTERS == LETTERS - 1:
            window.clear_line()
        found.append(window.key() * 1000)
        time.sleep(pause.uniform(0.02, 0.1))
    window.clear_line()
    return found


def _echo(stage: Stage, report: Report) -> None:
    """Keys on the empty prompt, and while tokens stream in."""
    with stage.floor() as floor:
        floor.raw()
        alone = _keys(floor, 100)
    with stage.repl(stage.small) as window:
        _prompt(window, "turn 1", "answered 1")
        idle = _keys(window, 100)
        _prompt(window, f"stream {int(RATE) * 25}", "quick")
        busy = _keys(window, 150)
    for name, values in (("idle", idle), (f"{RATE:g} tokens/s", busy)):
        what = f"key echo p95, {name}"
        report.rows.append(Row(what, "ms", p95(values), p95(alone), "ptk alone", ECHO_MS))
        report.notes.append(f"{what}: p50 {number(median(values))}, {spread(values)} ms")


def _lists(stage: Stage, report: Report) -> None:
    """From the last key of `@part` until the list for it is drawn."""
    with stage.repl(stage.large) as window:
        window.raw()
        since = window.written
        # The index is made at first use, in the background; that is a time of its own.
        pressed = window.write(b"@module49999")
        first = window.wait("module49999.py", since) - pressed
        window.clear_line()
        found = [_listed(window, 10_007 + step * 611) * 1000 for step in range(60)]
    row = Row(f"list of @part p95, {FILES:,} files", "ms", p95(found), budget=LIST_MS)
    report.rows.append(row)
    report.notes.append(f"lists of @part: {spread(found)} ms; the first {number(first)} s")


def _listed(window: Window, file: int) -> float:
    """Seconds from the fourth digit of a file's name, which makes another list, to its drawing."""
    window.quiet()
    window.write(f"@module{file // 100}".encode())
    window.quiet()
    since = window.written
    pressed = window.write(str(file // 10 % 10).encode())
    window.wait("\x1b[", since)
    drawn = window.quiet()
    window.clear_line()
    return drawn - pressed


def _long(stage: Stage, report: Report) -> None:
    """Many turns with a call each: memory, and whether late turns are slower than early ones."""
    seconds: list[float] = []
    with stage.repl(stage.small) as window:
        early_keys: list[float] = []
        early = 0.0
        for turn in range(1, TURNS + 1):
            seconds.append(_prompt(window, f"turn {turn}", f"answered {turn}") * 1000)
            if turn == 10:
                early_keys = _keys(window, 50)
                early = window.resident()
        late_keys = _keys(window, 50)
        resident = window.resident()
    first, last = median(seconds[5:15]), median(seconds[-10:])
    rows = [
        Row(f"memory after {TURNS} turns", "MB", resident, early, "turn 10", RESIDENT_MB),
        Row(f"turn {TURNS}", "ms", last, first, "turn 10", LATE_OVER_EARLY),
        Row(f"key echo at turn {TURNS}", "ms", p95(late_keys), p95(early_keys), "turn 10"),
    ]
    report.rows.extend(rows)
    report.notes.append(f"a turn with one call: {spread(seconds)} ms")


def _prompt(window: Window, text: str, answer: str) -> float:
    """Send a prompt; seconds until its answer is drawn."""
    window.raw()
    since = window.written
    window.write(text.encode())
    pressed = window.write(b"\r")
    return window.wait(answer, since) - pressed


if __name__ == "__main__":
    sys.exit(main({"repl": measure}, __doc__ or ""))
