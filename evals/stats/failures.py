"""Where failures come from: one class for each sample that was graded and not resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from qwright.evals.result import Result, Solution, Verdict

FailureClass = Literal[
    "wrong_fix",
    "broke_tests",
    "tests_timed_out",
    "tests_broken",
    "patch_failed",
    "no_patch",
    "edits_failed",
    "no_tool_call",
    "turn_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "context_limit",
    "circles",
    "model_error",
    "other",
]
FAILURE_CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)

MEANING: Mapping[FailureClass, str] = {
    "wrong_fix": "changed something, the tests of the fix still fail",
    "broke_tests": "fixed it, but tests that passed before fail now",
    "tests_timed_out": "the tests did not end in time with the change",
    "tests_broken": "the tests did not run with the change",
    "patch_failed": "the change could not be applied",
    "no_patch": "ended without changing anything",
    "edits_failed": "tried to edit, every edit failed",
    "no_tool_call": "only talked, called no tool",
    "turn_limit": "out of turns",
    "token_limit": "out of tokens",
    "cost_limit": "out of money",
    "time_limit": "out of time",
    "context_limit": "the conversation outgrew the model's window",
    "circles": "made the same call again and again",
    "model_error": "the model's answers could not be used",
    "other": "ended for another reason",
}

_BY_REASON: Mapping[str, FailureClass] = {
    "turn_limit": "turn_limit",
    "token_limit": "token_limit",
    "cost_limit": "cost_limit",
    "time_limit": "time_limit",
    "context_limit": "context_limit",
    "repeated_call": "circles",
    "model_error": "model_error",
}
_BY_VERDICT: Mapping[str, FailureClass] = {
    "patch_failed": "patch_failed",
    "tests_timed_out": "tests_timed_out",
    "tests_broken": "tests_broken",
}
_ENDED = {"done", "not_verified"}
"""Reasons of an agent that ended on its own."""


def failure_class(result: Result) -> FailureClass | None:
    """The class of a graded sample that is not resolved; None for every other.

    How the run was cut short comes before what was wrong with its unfinished change.
    """
    verdict, solution = result.verdict, result.solution
    if result.state != "done" or verdict is None or solution is None or verdict.resolved:
        return None
    if cut := _BY_REASON.get(solution.reason):
        return cut
    if found := _BY_VERDICT.get(verdict.kind):
        return found
    if verdict.kind == "empty_patch" or not solution.patch.strip():
        return _without_patch(solution)
    return "broke_tests" if _only_broke(verdict) else "wrong_fix"


def _without_patch(solution: Solution) -> FailureClass:
    if solution.reason not in _ENDED:
        return "other"
    if solution.edit_calls and solution.edit_errors == solution.edit_calls:
        return "edits_failed"
    return "no_patch" if solution.tool_calls else "no_tool_call"


def _only_broke(verdict: Verdict) -> bool:
    wanted = verdict.tests.get("FAIL_TO_PASS", {})
    kept = verdict.tests.get("PASS_TO_PASS", {})
    return not wanted.get("failure") and bool(kept.get("failure"))
