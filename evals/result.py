"""What an eval leaves on disk for each sample: what the agent did, and what the grader said."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwright.agent.events import StopReason, Tokens


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Solution(_Frozen):
    """What an agent answered, and what that took. Counts come from its event stream."""

    patch: str
    """A git diff against the test bed's commit; "" when nothing changed."""
    reason: StopReason | str = "done"
    """How the run ended; other agents have words of their own."""
    verified: bool | None = None
    """The agent's own verify command; None without one."""
    turns: int = 0
    calls: int = 0
    """Requests to the model."""
    tokens: Tokens = Tokens()
    cost: float | None = None
    """US dollars; None where it is not known."""
    seconds: float = 0.0
    """Wall time of the agent."""
    attempts: int = 1
    tool_calls: int = 0
    tool_errors: int = 0
    edit_calls: int = 0
    """Of the tool calls, those that change a file."""
    edit_errors: int = 0
    malformed: int = 0
    """Calls that could not be read or did not fit their schema."""


VerdictKind = Literal[
    "resolved", "unresolved", "empty_patch", "patch_failed", "tests_timed_out", "tests_broken"
]


class Verdict(_Frozen):
    """What the grader said of a patch."""

    kind: VerdictKind
    tests: dict[str, dict[str, list[str]]] = {}
    """As in SWE-bench's report.json: FAIL_TO_PASS and PASS_TO_PASS, each success and failure."""
    seconds: float = 0.0
    note: str = ""
    """One line: why it is no plain resolved or unresolved, what was dropped from the patch."""

    @property
    def resolved(self) -> bool:
        return self.kind == "resolved"


Fault = Literal["image", "engine", "model", "disk", "worker", "workspace"]
"""Classes of infrastructure errors: nothing an agent did."""


class Result(_Frozen):
    """One sample of one instance. Only "done" counts; everything else is run again."""

    key: str
    """Hash of instance, settings and code version, and the number of the sample."""
    instance: str
    sample: int
    state: Literal["done", "failed", "stopped"]
    """failed: an infrastructure error; stopped: a limit of the whole run, or Ctrl-C."""
    fault: Fault | None = None
    error: str = ""
    tries: int = 1
    solution: Solution | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0
    """From the first file to the verdict."""
    phases: dict[str, float] = {}
    """Seconds of testbed, agent, grade."""
    finished: str = ""
    """ISO 8601, UTC."""
