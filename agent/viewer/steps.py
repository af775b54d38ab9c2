"""A session's events as a reader meets them: sections of steps, whole texts, calls with results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qwright.agent import events as ev
from qwright.agent.render.read_diff import FileDiff, read_diff
from qwright.agent.viewer.wording import amount, plural, seconds
from qwright.tools.sanitise import sanitise, terminal_text

Mood = Literal["", "good", "bad", "warn"]
StepKind = Literal["prompt", "thought", "answer", "call", "verify", "note", "end"]
OWN_COMMAND = "your command"
_SUBJECTS = ("command", "path", "file_path", "pattern", "query")
_SPEAKING = ("run_shell_command", OWN_COMMAND)
_IN_DIFF = frozenset({"old_string", "new_string", "content"})
"""Arguments that the diff of a successful call shows anyway."""
_EXIT_CODE = re.compile(r"\[exit code (\d+)\]")
_LINE = 200
_LONGEST = 100_000
"""Characters of one text that a page holds; a log may have more."""
_ENDS: dict[str, tuple[str, Mood]] = {
    "done": ("Done", "good"),
    "not_verified": ("Not verified", "bad"),
    "turn_limit": ("Out of turns", "warn"),
    "token_limit": ("Out of tokens", "warn"),
    "cost_limit": ("Out of money", "warn"),
    "time_limit": ("Out of time", "warn"),
    "context_limit": ("Out of context", "warn"),
    "repeated_call": ("Going in circles", "warn"),
    "interrupted": ("Interrupted", "warn"),
}


@dataclass(slots=True)
class Step:
    """One thing that happened. `head` is one line; all text is harmless, none is escaped."""

    kind: StepKind
    head: str = ""
    body: str = ""
    name: str = ""
    """Of a call: the tool."""
    mood: Mood = ""
    seconds: float | None = None
    arguments: Sequence[tuple[str, str]] = ()
    """Of a call: those that the head does not name."""
    diff: str = ""
    """Of a call that changed files: what it changed, as text."""

    @property
    def files(self) -> list[FileDiff]:
        """What it changed, to be drawn."""
        return read_diff(self.diff) if self.diff else []

    @property
    def gist(self) -> str:
        """The body in a line: how long it is, or what a command or a failure says last."""
        lines = [line for line in self.body.splitlines() if line.strip()]
        if self.kind == "verify" or self.mood == "bad" or self.name in _SPEAKING:
            return _ending(lines)
        return plural(len(lines), "line") if len(lines) > 1 else one_line("".join(lines))


@dataclass(slots=True)
class Section:
    """A prompt, a turn, an attempt's beginning, or the end of a run."""

    kind: Literal["prompt", "turn", "attempt", "end"]
    label: str = ""
    note: str = ""
    checkpoint: tuple[int, str] | None = None
    """The last one made in it: its number and commit."""
    steps: list[Step] = field(default_factory=list[Step])


@dataclass(slots=True)
class Trajectory:
    """All of it, and where the time went."""

    sections: list[Section] = field(default_factory=list[Section])
    finished: list[ev.RunFinished] = field(default_factory=list[ev.RunFinished])

    @property
    def steps(self) -> list[Step]:
        return [step for section in self.sections for step in section.steps]

    def time(self) -> list[tuple[str, float]]:
        """Seconds of the model, of tools and of verifying; empty before a run has ended."""
        whole = sum(run.seconds for run in self.finished)
        tools = self._of("call")
        verify = self._of("verify")
        model = max(whole - tools - verify, 0.0)
        return [("model", model), ("tools", tools), ("verify", verify)] if whole else []

    def _of(self, kind: StepKind) -> float:
        return sum(step.seconds or 0.0 for step in self.steps if step.kind == kind)


def read_steps(events: Iterable[ev.Event]) -> Trajectory:
    """The whole trajectory, in order. Text that a retry made void is left out."""
    reader = _Reader()
    for event in events:
        reader.read(event)
    reader.settle()
    return reader.found


def one_line(text: str) -> str:
    """`text` made harmless, flat and not too long."""
    flat = " ".join(sanitise(text).split())
    return flat if len(flat) <= _LINE else flat[: _LINE - 1] + "…"


def _ending(lines: Sequence[str]) -> str:
    """The last line; where that is an exit code, the one before, and the code if it tells."""
    if len(lines) > 1 and (code := _EXIT_CODE.fullmatch(lines[-1])):
        return one_line(lines[-2]) + (f" · exit {code[1]}" if code[1] != "0" else "")
    return one_line(lines[-1]) if lines else ""


def clipped(text: str) -> str:
    """`text` made harmless; of a very long one the beginning and the end."""
    text = terminal_text(text).strip("\n")
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"


class _Reader:
    def __init__(self) -> None:
        self.found = Trajectory()
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[str, ev.ToolStarted] = {}
        self._asked: dict[str, ev.ApprovalGiven] = {}

    def read(self, event: ev.Event) -> None:
        match event:
            case ev.TextDelta():
                self._text.append(event.text)
            case ev.ReasoningDelta():
                self._thoughts.append(event.text)
            case ev.Retrying():
                self._drop()
                self._add(Step("note", f"Sent again: {one_line(event.reason)}", mood="warn"))
            case ev.ToolStarted():
                self._calls[event.id] = event
            case ev.ApprovalGiven():
                self._asked[event.id] = event
            case _:
                self.settle()
                self._frame(event)
                self._happening(event)

    def settle(self) -> None:
        """Make steps of what has streamed in since the last other event."""
        thoughts, text = clipped("".join(self._thoughts)), clipped("".join(self._text))
        self._drop()
        said = (Step("thought", body=thoughts.strip()), Step("answer", body=text.strip()))
        for step in said:
            if step.body:
                self._add(step)

    def _drop(self) -> None:
        self._text.clear()
        self._thoughts.clear()

    def _add(self, step: Step) -> None:
        sections = self.found.sections
        if not sections or sections[-1].kind == "end":
            sections.append(Section("turn"))
        sections[-1].steps.append(step)

    def _frame(self, event: ev.Event) -> None:
        sections = self.found.sections
        match event:
            case ev.RunStarted():
                prompt = Step("prompt", body=clipped(event.prompt).strip())
                sections.append(Section("prompt", "Prompt", one_line(event.model), steps=[prompt]))
            case ev.AttemptStarted():
                sections.append(Section("attempt", f"Attempt {event.attempt} of {event.of}"))
            case ev.AttemptJudged() | ev.AttemptChosen():
                self._judgement(event)
            case ev.TurnStarted():
                sections.append(Section("turn", f"Turn {event.turn}"))
            case ev.UsageReported() if sections:
                sections[-1].note = _usage(event)
            case ev.RunFinished():
                self.found.finished.append(event)
                sections.append(Section("end", "End", steps=[_end(event)]))
            case _:
                pass

    def _kept(self, event: ev.CheckpointMade) -> None:
        if self.found.sections:
            self.found.sections[-1].checkpoint = (event.step, one_line(event.commit))

    def _judgement(self, event: ev.AttemptJudged | ev.AttemptChosen) -> None:
        sections = self.found.sections
        if not sections or sections[-1].label != "Choice":
            sections.append(Section("attempt", "Choice"))
        if isinstance(event, ev.AttemptJudged):
            head = f"Attempt {event.attempt} passes {event.score} of {event.of}"
            self._add(Step("note", f"{head}: {one_line(event.why)}"))
        else:
            why = one_line(event.why)
            self._add(Step("end", f"Attempt {event.attempt} stands", name=why, mood="good"))

    def _happening(self, event: ev.Event) -> None:
        match event:
            case ev.ToolFinished():
                called = self._calls.pop(event.id, None)
                self._add(_call(event, called, self._asked.pop(event.id, None)))
            case ev.VerifyFinished():
                mood: Mood = "bad" if event.exit_code else "good"
                head, body = one_line(event.command), clipped(event.output)
                self._add(Step("verify", head, body, mood=mood, seconds=event.seconds))
            case ev.CheckpointMade():
                self._kept(event)
            case ev.Notice():
                self._add(Step("note", one_line(event.text)))
            case ev.Compacted():
                head = f"Older turns summarised: {event.before:,} → {event.after:,} tokens"
                self._add(Step("note", head, clipped(event.summary)))
            case _:
                pass


def _usage(event: ev.UsageReported) -> str:
    tokens = event.request
    cached = f" ({amount(tokens.cached)} cached)" if tokens.cached else ""
    return f"{amount(tokens.prompt)}{cached} tokens in, {amount(tokens.completion)} out"


def _end(event: ev.RunFinished) -> Step:
    head, mood = _ENDS.get(event.reason, (one_line(event.reason.replace("_", " ")), "bad"))
    facts = [
        plural(event.turns, "turn"),
        f"{amount(event.tokens.prompt)} tokens in, {amount(event.tokens.completion)} out",
        seconds(event.seconds),
    ]
    body = "" if event.reason == "done" else clipped(event.text)
    return Step("end", head, body, name=" · ".join(facts), mood=mood)


def _call(
    done: ev.ToolFinished, started: ev.ToolStarted | None, asked: ev.ApprovalGiven | None
) -> Step:
    arguments = dict[str, Any](started.arguments) if started else {}
    key = next((key for key in _SUBJECTS if key in arguments), None)
    head = one_line(_shown(arguments.pop(key))) if key else ""
    diff = done.details.get("diff")
    changed = sanitise(diff).rstrip("\n") if isinstance(diff, str) and not done.is_error else ""
    if changed:
        arguments = {name: arguments[name] for name in arguments.keys() - _IN_DIFF}
    return Step(
        "call",
        head,
        "" if changed else clipped(done.text),
        # The one id that no model gives is that of the person's own command.
        name=OWN_COMMAND if done.id == "shell" else one_line(done.name),
        mood="bad" if done.is_error else _refused(asked),
        seconds=done.seconds,
        arguments=[(one_line(name), clipped(_shown(arguments[name]))) for name in arguments],
        diff=changed,
    )


def _refused(asked: ev.ApprovalGiven | None) -> Mood:
    return "" if asked is None or asked.allowed else "warn"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
