"""The event stream: one union, plain data only.

Every front end (text, json, stream-json, REPL and evals) consumes exactly this, and the
session log is the same bytes, one event per line.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

StopReason = Literal[
    "done",
    "not_verified",
    "turn_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "context_limit",
    "repeated_call",
    "key_refused",
    "model_error",
    "sandbox_error",
    "interrupted",
]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tokens(_Event):
    """Tokens as the server counted them, summed over requests."""

    prompt: int = 0
    cached: int = 0
    """Of the prompt, those that a server had evaluated before."""
    completion: int = 0
    reasoning: int = 0
    """Of the completion, those that were thought; zero where a server does not say."""
    estimated: bool = False
    """Whether a server left out some count, so that it was made up from the text's length."""

    def plus(self, other: Tokens) -> Tokens:
        return Tokens(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
            reasoning=self.reasoning + other.reasoning,
            estimated=self.estimated or other.estimated,
        )


class RunStarted(_Event):
    type: Literal["run_started"] = "run_started"
    session: str
    model: str
    prompt: str


class AttemptStarted(_Event):
    """A fresh try from where the task began. The first try of all is not announced."""

    type: Literal["attempt_started"] = "attempt_started"
    attempt: int
    of: int


class AttemptJudged(_Event):
    """Several attempts are compared by tests: this one passes `score` of `of`."""

    type: Literal["attempt_judged"] = "attempt_judged"
    attempt: int
    score: int
    of: int
    why: str


class AttemptChosen(_Event):
    """Of several attempts this one stands; the others are kept as branches of the session."""

    type: Literal["attempt_chosen"] = "attempt_chosen"
    attempt: int
    why: str


class TurnStarted(_Event):
    type: Literal["turn_started"] = "turn_started"
    turn: int


class Prefilling(_Event):
    """A local server is reading the prompt: `done` of `total` tokens, those it kept included."""

    type: Literal["prefilling"] = "prefilling"
    done: int
    total: int


class TextDelta(_Event):
    type: Literal["text_delta"] = "text_delta"
    text: str


class ReasoningDelta(_Event):
    type: Literal["reasoning_delta"] = "reasoning_delta"
    text: str


class ToolStarted(_Event):
    type: Literal["tool_started"] = "tool_started"
    id: str
    name: str
    arguments: dict[str, Any]


class ApprovalAsked(_Event):
    """A person is asked whether a call may run. `subject` is exactly what would."""

    type: Literal["approval_asked"] = "approval_asked"
    id: str
    name: str
    subject: str
    kind: Literal["edit", "command"]


class ApprovalGiven(_Event):
    """What became of a call that was asked about, or that was not allowed."""

    type: Literal["approval_given"] = "approval_given"
    id: str
    allowed: bool
    by: Literal["mode", "rule", "person"]
    why: str = ""


class ToolFinished(_Event):
    """`text` went to the model; `details` is for people (a diff, an exit code)."""

    type: Literal["tool_finished"] = "tool_finished"
    id: str
    name: str
    is_error: bool
    text: str
    details: dict[str, Any]
    seconds: float


class CheckpointMade(_Event):
    type: Literal["checkpoint_made"] = "checkpoint_made"
    step: int
    commit: str


class VerifyFinished(_Event):
    """The verify command ran. It decides success, not the model."""

    type: Literal["verify_finished"] = "verify_finished"
    command: str
    exit_code: int
    output: str
    seconds: float


class UsageReported(_Event):
    """Tokens of one request, and of the run so far; costs in US dollars, None where unknown."""

    type: Literal["usage_reported"] = "usage_reported"
    request: Tokens
    total: Tokens
    cost: float | None = None
    total_cost: float | None = None


class Compacted(_Event):
    """Older turns were replaced by `summary`, since the model's window was nearly full."""

    type: Literal["compacted"] = "compacted"
    summary: str
    before: int
    """Tokens of the conversation, estimated."""
    after: int


class Retrying(_Event):
    """The request failed and is sent again; text streamed since turn_started is void."""

    type: Literal["retrying"] = "retrying"
    reason: str
    attempt: int
    wait: float


class Notice(_Event):
    type: Literal["notice"] = "notice"
    text: str


class RunFinished(_Event):
    """The last event of every run. `text` is the model's closing words or the stop's reason."""

    type: Literal["run_finished"] = "run_finished"
    reason: StopReason
    text: str
    turns: int
    tokens: Tokens
    seconds: float
    cost: float | None = None
    """US dollars; None where the model's price is not known."""
    verified: bool | None = None
    """None where no verify command was given."""


Event = (
    RunStarted
    | AttemptStarted
    | AttemptJudged
    | AttemptChosen
    | TurnStarted
    | Prefilling
    | TextDelta
    | ReasoningDelta
    | ToolStarted
    | ApprovalAsked
    | ApprovalGiven
    | ToolFinished
    | CheckpointMade
    | VerifyFinished
    | UsageReported
    | Compacted
    | Retrying
    | Notice
    | RunFinished
)

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def parse_event(line: str | bytes) -> Event:
    """Read one line of a session log or of stream-json output. Raises pydantic.ValidationError."""
    return _ADAPTER.validate_json(line)
