"""Judging one patch, whatever way its instance is graded."""

from __future__ import annotations

import asyncio
import shlex
import time
from pathlib import Path

from qwright.evals.grade import swebench_border
from qwright.evals.grade.applying import apply, restore
from qwright.evals.grade.artefacts import Artefacts
from qwright.evals.grade.bench import Bench
from qwright.evals.grade.container import GradeContainer
from qwright.evals.grade.filtering import dropped
from qwright.evals.grade.judging import judge
from qwright.evals.grade.packing import Folder
from qwright.evals.instance import TestGrading
from qwright.evals.result import Verdict
from qwright.evals.testbed.prepare import Testbed
from qwright.sandbox.engine import one_line

SHOWN = 5
"""Names in a note."""


async def grade(testbed: Testbed, patch: str, out: Path, *, run: str = "") -> Verdict:
    """Judge `patch` (a git diff against the test bed) in a container of its own.

    `out` gets SWE-bench's files: patch.diff, eval.sh, test_output.txt, report.json,
    run_instance.log. `run` is the id of the eval run, for the container's label. An empty patch is
    not run. Raises SandboxError for what is nobody's fault, ConfigError without swebench.
    """
    if not patch.strip():
        artefacts = Artefacts(out)
        artefacts.patch(patch)
        artefacts.note("The patch is empty; nothing was run.")
        return Verdict(kind="empty_patch")
    return await examine(testbed, patch, out, run=run)


async def examine(
    testbed: Testbed, patch: str, out: Path, *, run: str = "", solution: Path | None = None
) -> Verdict:
    """Like `grade`, but an empty patch is run too: its tests show what the test bed is worth.

    `solution`: a script that is run on the patched files before the tests, as Harbor runs its
    oracle's, with its folder at /solution.
    """
    began = time.monotonic()
    artefacts = Artefacts(out)
    artefacts.patch(patch)
    if isinstance(testbed.instance.grading, TestGrading):
        # Slow to import; the container starts meanwhile.
        loading = asyncio.ensure_future(asyncio.to_thread(swebench_border.parsers))
    else:
        loading = None
    container = await GradeContainer.start(testbed.image, testbed.instance, run)
    try:
        if loading:
            await loading
        verdict = await _examine(container, testbed, patch, artefacts, solution)
    finally:
        await container.close()
    return verdict.model_copy(update={"seconds": time.monotonic() - began})


async def _examine(
    container: GradeContainer,
    testbed: Testbed,
    patch: str,
    artefacts: Artefacts,
    solution: Path | None,
) -> Verdict:
    bench = Bench.prepare(testbed, patch)
    artefacts.script(bench.shown)
    await container.put(*bench.parts(container.user))
    applied = await apply(container)
    artefacts.note(applied.log)
    if not applied.ok:
        return Verdict(kind="patch_failed", note="the patch does not apply")
    gone = await asyncio.to_thread(dropped, testbed.instance, testbed.directory, applied)
    if gone:
        artefacts.note(f"Not counted, and as before: {' '.join(gone)}")
        await restore(container, gone)
    if solution:
        await _solve(container, solution, testbed.instance.timeout, artefacts)
    changed = frozenset(applied.changed) - frozenset(gone)
    verdict = await judge(container, bench, patch, changed, artefacts)
    artefacts.note(f"Result for {testbed.instance.id}: {verdict.kind} {verdict.note}")
    return verdict.model_copy(update={"note": _joined(_dropped_words(gone), verdict.note)})


async def _solve(
    container: GradeContainer, solution: Path, timeout: float, artefacts: Artefacts
) -> None:
    await container.put(Folder(solution.parent, "/solution"))
    result = await container.run(f"bash /solution/{shlex.quote(solution.name)}", timeout)
    artefacts.note(f"Solution: exit code {result.exit_code}\n{result.output}")


def _dropped_words(paths: list[str]) -> str:
    if not paths:
        return ""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"changes to {', '.join(paths[:SHOWN])}{more} were dropped"


def _joined(*words: str) -> str:
    return one_line("; ".join(word for word in words if word))
