"""When a run ends before its time, and what its end is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qwright.agent.exits import Exit
from qwright.evals.result import Fault, Result
from qwright.evals.run.meter import Meter

_LEAST = 3
_NAMES: dict[Fault, str] = {
    "image": "container images",
    "engine": "the container engine",
    "model": "the model server",
    "disk": "a full disk",
    "worker": "bugs or lost workers",
    "workspace": "files that could not be had or written",
}


_SHARED: tuple[Fault, ...] = ("model", "engine")
"""What all samples stand on; an image, say, may be that of one instance only."""


class Breaker:
    """Ends a run whose samples all fail for what they share, instead of failing each of them."""

    def __init__(self, workers: int) -> None:
        self._most = max(_LEAST, workers + 1)
        self._in_a_row = 0
        self._fault: Fault | None = None

    def after(self, result: Result) -> str:
        """Why nothing more should begin after this result; empty where it should."""
        if result.state == "stopped":
            return ""
        same = result.fault is not None and result.fault == self._fault
        self._fault = result.fault
        self._in_a_row = self._in_a_row + 1 if same else 1
        if result.fault == "disk":
            return f"stopped: the disk is full ({result.error})"
        if result.fault not in _SHARED or self._in_a_row < self._most:
            return ""
        name = _NAMES[result.fault]
        return f"stopped: the last {self._in_a_row} samples failed for {name} ({result.error})"


def ending(
    results: Sequence[Result], wanted: int, meter: Meter, *, interrupted: bool
) -> tuple[Exit, str]:
    """The exit code of a run that `wanted` so many samples, and a line where it is not 0."""
    done = sum(one.state == "done" for one in results)
    so_far = f"{done} of {wanted} samples are done"
    if interrupted:
        return Exit.INTERRUPTED, f"interrupted: {so_far}; the same command goes on"
    if meter.limit and done < wanted:
        advice = f"raise {meter.limit} to go on"
        return Exit.LIMIT, f"{meter.stop.why}: {so_far}; {advice}"
    failed = [one for one in results if one.fault]
    if not failed:
        return Exit.DONE, ""
    return _code(
        failed
    ), f"{meter.stop.why or _told(failed)}: {so_far}; the same command tries again"


def _code(failed: Sequence[Result]) -> Exit:
    return Exit.MODEL if all(one.fault == "model" for one in failed) else Exit.SANDBOX


def _told(failed: Sequence[Result]) -> str:
    counts: Counter[Fault] = Counter()
    counts.update(one.fault for one in failed if one.fault)
    causes = ", ".join(f"{number} for {_NAMES[fault]}" for fault, number in counts.most_common())
    return f"{len(failed)} failed, none of them by the agent's doing ({causes})"
