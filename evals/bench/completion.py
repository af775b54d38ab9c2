"""Completing paths in a repository of 50,000 files: the list, and what keys wait meanwhile."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qwright.agent.repl.completion import Completer
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row, spread

FILES = 50_000
MENTIONS = (
    "@main", "@config_py", "@srvhnd", "@src/core/ut", "@zzz", "@test_parser", "@usrauthjson",
    "@buffer/", "@tree.go", "@e",
)  # fmt: skip
LIST_MS = Budget(60, of="value")
KEY_MS = Budget(20, of="value")
_WORDS = (
    *("core", "util", "handler", "parser", "request", "model", "view", "config", "test", "server"),
    *("client", "widget", "button", "index", "main", "store", "cache", "auth", "user", "order"),
    *("item", "page", "list", "detail", "service", "error", "log", "format", "json", "xml"),
)
_ENDINGS = (".py", ".ts", ".md", ".go", "Test.java")
_TICK = 0.002


async def measure(options: Options) -> Report:
    """Each mention typed character by character, several times."""
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name:
        root = Path(name)
        await asyncio.to_thread(_repository, root)
        completer = Completer(root)
        start = time.perf_counter()
        await completer.suggest("@main")
        first = (time.perf_counter() - start) * 1000
        lists, lags = await _typed(completer, options.rounds or 5)
    report = Report(notes=[f"lists, ms: {spread(lists)}; keys waited, ms: {spread(lags)}"])
    what = f"a list among {FILES:,} files"
    report.rows.append(Row(f"{what}, p95", "ms", _p95(lists), budget=LIST_MS))
    report.rows.append(Row(f"{what}, a key meanwhile, p95", "ms", _p95(lags), budget=KEY_MS))
    report.rows.append(Row(f"{what}, the first with git's listing", "ms", first))
    return report


async def _typed(completer: Completer, rounds: int) -> tuple[list[float], list[float]]:
    lists: list[float] = []
    lags: list[float] = []
    ticking = asyncio.create_task(_lags(lags))
    for mention in MENTIONS * rounds:
        for end in range(2, len(mention) + 1):
            start = time.perf_counter()
            await completer.suggest(mention[:end])
            lists.append((time.perf_counter() - start) * 1000)
    ticking.cancel()
    return lists, lags


async def _lags(lags: list[float]) -> None:
    """How late the event loop is, over and over: what a key would have waited."""
    while True:
        due = time.perf_counter() + _TICK
        await asyncio.sleep(_TICK)
        lags.append(max(time.perf_counter() - due, 0) * 1000)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _repository(root: Path) -> None:
    pick = random.Random(7)
    folders = ["/".join(pick.choices(_WORDS, k=pick.randint(1, 5))) for _ in range(FILES // 20)]
    for number in range(FILES):
        folder = root / pick.choice(folders)
        folder.mkdir(parents=True, exist_ok=True)
        name = "_".join(pick.choices(_WORDS, k=2))
        (folder / f"{name}_{number}{pick.choice(_ENDINGS)}").touch()
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)


if __name__ == "__main__":
    sys.exit(main({"completion": measure}, __doc__ or ""))
