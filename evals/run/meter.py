"""What a run has taken so far, kept on disk, and the one place where its totals stop it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TextIO

from qwright.evals.run.hooks import Spent
from qwright.evals.run.settings import Total
from qwright.evals.run.stopping import Stopping


class Meter:
    """Adds up what samples spend, those of earlier calls of the command and of killed ones too.

    `journal` gets a line for each request; only those with the same `tag` (settings, code) count.
    Requests that are being answered when a total is reached may pass it: one for each worker.
    """

    def __init__(self, total: Total, journal: Path, tag: str) -> None:
        self.stop = Stopping()
        self.limit: str = ""
        """The flag of the limit that stopped the run."""
        self._total = total
        self._tag = tag
        self._began = time.monotonic()
        self.before = _read(journal, tag)
        """What earlier calls of the command took."""
        self.spent = self.before
        self._log: TextIO = journal.open("a", encoding="utf-8")
        self._log.write("\n")  # a kill may have cut the last line
        self._check()

    @property
    def seconds(self) -> float:
        """Of this call of the command."""
        return time.monotonic() - self._began

    def spend(self, spent: Spent) -> None:
        """Add what a request took; stops the run when that was the last one it may make."""
        row = {"tag": self._tag, **spent.model_dump()}
        self._log.write(json.dumps(row) + "\n")
        self._log.flush()
        self.spent = _plus(self.spent, spent)
        self._check()

    def time_is_up(self) -> None:
        """Stop the run for its wall time."""
        self._reach("--total-time", f"{self._total.seconds:g} seconds", at_once=True)

    def close(self) -> None:
        self._log.close()

    def _check(self) -> None:
        total, spent = self._total, self.spent
        if total.tokens is not None and spent.tokens >= total.tokens:
            self._reach("--total-tokens", f"{spent.tokens:,} tokens")
        if total.calls is not None and spent.calls >= total.calls:
            self._reach("--total-calls", f"{spent.calls:,} requests")
        if total.cost is None:
            return
        if spent.cost is None:
            self._reach("--total-cost", "a request whose cost the server did not say")
        elif spent.cost >= total.cost:
            self._reach("--total-cost", f"${spent.cost:.4f}")

    def _reach(self, flag: str, what: str, *, at_once: bool = False) -> None:
        if not self.stop.why:
            self.limit = flag
        self.stop.stop(f"stopped after {what} ({flag})", at_once=at_once)


def _plus(a: Spent, b: Spent) -> Spent:
    cost = None if a.cost is None or b.cost is None else a.cost + b.cost
    return Spent(tokens=a.tokens + b.tokens, calls=a.calls + b.calls, cost=cost)


def _read(journal: Path, tag: str) -> Spent:
    """The sum of a journal; a last line that a kill has cut does not count."""
    total = Spent()
    if not journal.exists():
        return total
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.pop("tag", None) == tag:
            total = _plus(total, Spent.model_validate(row))
    return total
