"""Running the tests of a patched test bed, and what follows from what they did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import cast

from qwright.evals.grade import channel, swebench_border
from qwright.evals.grade.artefacts import Artefacts
from qwright.evals.grade.bench import REWARDS, Bench
from qwright.evals.grade.channel import Changes, Outcomes
from qwright.evals.grade.container import GradeContainer
from qwright.evals.grade.log import Graded, graded
from qwright.evals.grade.script import CHANNEL, EVAL, changed_tests, wrapper
from qwright.evals.grade.swebench_border import EXIT_CODE, Report
from qwright.evals.instance import CommandGrading, RewardGrading, TestGrading
from qwright.evals.result import Verdict
from qwright.sandbox.base import CommandResult

KILLED_FROM = 128
"""Exit codes of what a signal ended."""


async def judge(
    container: GradeContainer,
    bench: Bench,
    patch: str,
    changed: frozenset[str],
    artefacts: Artefacts,
) -> Verdict:
    """Run the tests and read what they did; `changed`: paths not as in the test bed."""
    instance = bench.testbed.instance
    command = wrapper(f"bash {EVAL}")
    result = await container.run(command, instance.timeout)
    artefacts.note(f"Test runtime: {result.seconds:.2f} seconds, exit code {result.exit_code}")
    if result.timed_out:
        words = f"\n\nTimeout error: {instance.timeout:g} seconds exceeded."
        artefacts.output(result.output + words)
        return Verdict(kind="tests_timed_out", note=f"no end after {instance.timeout:g} s")
    if result.out_of_memory:
        artefacts.note("The container ran out of memory.")
    changes = Changes(instance.mount, bench.testbed.directory, changed)
    files = await container.get(CHANNEL)
    outcomes = channel.read(files, bench.keys, changes)
    outcomes.faults += [f"{path} changed while the tests ran" for path in changed_tests(files)[:3]]
    match instance.grading:
        case TestGrading():
            return await asyncio.to_thread(_by_tests, bench, patch, result, outcomes, artefacts)
        case CommandGrading():
            artefacts.output(result.output)
            return _exit_code(bench, result, outcomes, artefacts)
        case RewardGrading():
            artefacts.output(result.output)
            files = await container.get(REWARDS)
            return _reward(bench, result, files, outcomes, artefacts)


def _by_tests(
    bench: Bench, patch: str, result: CommandResult, outcomes: Outcomes, artefacts: Artefacts
) -> Verdict:
    """SWE-bench's verdict on the log, without what is no result in it. Blocks."""
    log, report = _report(bench, patch, result, outcomes, artefacts)
    if report.get("resolved") and _ended_badly(bench, result):
        # All that is expected passed, nothing else runs, and still it failed: somebody lies.
        outcomes.faults.append("the tests passed and their command failed")
        log, report = _report(bench, patch, result, outcomes, artefacts)
    notes = [*outcomes.faults, *_doubts(bench, outcomes)]
    if log.struck:
        notes.append(f"{log.struck} lines of the log were no results")
    if not report.get("patch_successfully_applied"):
        words = "; ".join(["the log has no results that count", *notes])
        return Verdict(kind="tests_broken", note=words)
    counted = {
        name: {"success": tests["success"], "failure": tests["failure"]}
        for name, tests in report.get("tests_status", {}).items()
        if name in ("FAIL_TO_PASS", "PASS_TO_PASS")
    }
    kind = "resolved" if report.get("resolved") else "unresolved"
    return Verdict(kind=kind, tests=counted, note="; ".join(notes))


def _report(
    bench: Bench, patch: str, result: CommandResult, outcomes: Outcomes, artefacts: Artefacts
) -> tuple[Graded, Report]:
    """Make the log that counts, and let SWE-bench read it. Blocks."""
    instance = bench.testbed.instance
    parse = partial(swebench_border.statuses, instance)
    log = graded(result.output, bench.script, parse, outcomes)
    artefacts.output(log.text)
    whole = swebench_border.report(instance, patch, artefacts.log)
    artefacts.report(whole)
    return log, whole[instance.id]


def _ended_badly(bench: Bench, result: CommandResult) -> bool:
    """Whether the test command failed, where no test runs but those that are to pass."""
    grading = bench.testbed.instance.grading
    complete = isinstance(grading, TestGrading) and grading.complete
    return complete and f"{bench.script.secrets.of(EXIT_CODE)}: 0\n" not in result.output


def _doubts(bench: Bench, outcomes: Outcomes) -> list[str]:
    if bench.script.watched and not outcomes.runs:
        return ["pytest did not run"]
    if outcomes.finished < outcomes.runs:
        return ["pytest did not come to its end"]
    if outcomes.asked:
        return [f"the patch decided how {outcomes.asked[0]} ends"]
    return []


def _exit_code(
    bench: Bench, result: CommandResult, outcomes: Outcomes, artefacts: Artefacts
) -> Verdict:
    notes = [*outcomes.faults, *_doubts(bench, outcomes)]
    if any(outcomes.exits):
        notes.append("tests failed")
    ok = result.exit_code == 0 and not notes
    if result.exit_code:
        notes.insert(0, f"exit code {result.exit_code}")
    return _plain(bench, ok, notes, artefacts)


def _reward(
    bench: Bench,
    result: CommandResult,
    files: Mapping[str, bytes],
    outcomes: Outcomes,
    artefacts: Artefacts,
) -> Verdict:
    reward = _read_reward(files)
    notes = [*outcomes.faults, *_doubts(bench, outcomes)]
    if result.exit_code >= KILLED_FROM:
        notes.insert(0, f"the tests were killed (exit code {result.exit_code})")
    elif reward is None:
        notes.insert(0, "no reward was written, or more than one")
    if reward is None or result.exit_code >= KILLED_FROM:
        return Verdict(kind="tests_broken", note="; ".join(notes))
    ok = reward >= 1 and not notes
    return _plain(bench, ok, [f"reward {reward:g}", *notes], artefacts)


def _read_reward(files: Mapping[str, bytes]) -> float | None:
    """The number in reward.txt, or in reward.json: its "reward", or the least of several."""
    if len({"reward.txt", "reward.json"} & files.keys()) != 1:
        return None
    with suppress(ValueError, TypeError):
        if "reward.txt" in files:
            return float(files["reward.txt"].decode(errors="replace"))
        found: object = json.loads(files.get("reward.json", b"null"))
        if isinstance(found, dict) and found:
            rewards = cast(dict[str, float], found)
            return min(map(float, [rewards["reward"]] if "reward" in rewards else rewards.values()))
        return float(found) if isinstance(found, int | float) else None
    return None


def _plain(bench: Bench, ok: bool, notes: list[str], artefacts: Artefacts) -> Verdict:
    facts = {
        "patch_is_None": False,
        "patch_exists": True,
        "patch_successfully_applied": True,
        "resolved": ok,
        "infra_failure": False,
    }
    artefacts.report({bench.testbed.instance.id: facts})
    return Verdict(kind="resolved" if ok else "unresolved", note="; ".join(notes))
