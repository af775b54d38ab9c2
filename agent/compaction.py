"""A conversation made shorter: old tool results first, then all but what must not be lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qwright.agent.messages import Message, ToolCall
from qwright.agent.tokens import tokens_in
from qwright.tools.base import ToolResult
from qwright.tools.truncate import truncate

ASK = (
    "The context window is nearly full: all of the above but the task is about to be replaced by "
    "a summary. Write it now, as plain text and without a tool call: what you found out (files, "
    "functions, line numbers), what you decided and why, what failed, what is left to do. Be brief."
)
_HEAD = "You have worked on this already; the conversation was too long and is summarised here."
_SHORT = 300
"""Characters of a result that is not worth leaving out."""
_THEN = "The user then asked:"
_STUB_TOKENS = 40
_LONG = 2_000
"""Characters of an earlier prompt that need not be cut."""


@dataclass(slots=True)
class Record:
    """What outlives the conversation, noted as it happens."""

    plan: str = ""
    """The last todo list; without one, what the model first said it would do."""
    failure: str = ""
    """The last command that failed and its output, until the same one succeeds."""
    told: list[str] = field(default_factory=list[str])
    """What the loop said after the newest prompt, such as a verify command's output."""
    earlier: str = ""
    """The summary with which a conversation that is gone on with began."""
    is_list: bool = False
    """Whether the plan is a todo list, which outlives a prompt."""

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Record:
        """What can still be told from a conversation of another time."""
        record, calls = cls(), list[ToolCall]()
        for message in messages:
            if message.asked:
                record.asked()
                record.earlier = message.content.partition(_HEAD)[2] or record.earlier
            elif message.role == "assistant":
                calls = list(message.tool_calls)
            elif message.role == "tool" and calls:
                record.acted(calls.pop(0), ToolResult(message.content))
        return record

    def copy(self) -> Record:
        return replace(self, told=list(self.told))

    def asked(self) -> None:
        """Begin with a new prompt: what was said to the one before is over, a list may go on."""
        self.told.clear()
        self.plan = self.plan if self.is_list else ""

    def said(self, prose: str) -> None:
        """Note the text of an answer, without its calls."""
        self.plan = self.plan or prose.strip()

    def acted(self, call: ToolCall, result: ToolResult) -> None:
        """Note a call and what came of it."""
        if call.name == "todo_write" and not result.is_error:
            self.plan, self.is_list = result.text, True
        head = f"{_shown(call)}:\n"
        if "exit_code" not in result.details:
            return
        if result.is_error:
            self.failure = head + result.text
        elif self.failure.startswith(head):
            self.failure = ""


def without_old_results(messages: Sequence[Message], excess: int, keep: int) -> list[Message]:
    """The oldest tool results, until `excess` tokens are saved, give way to a line each.

    The `keep` newest stay, and those the model has not seen yet. Every message keeps its place,
    so that calls and results stay paired.
    """
    shorter, calls = list(messages), list[ToolCall]()
    results = [place for place, one in enumerate(messages) if one.role == "tool"]
    seen = _last_answer(messages)
    old = {place for place in results[: len(results) - keep] if place < seen}
    for place, message in enumerate(messages):
        if message.role == "assistant":
            calls = list(message.tool_calls)
        elif message.role == "tool":
            call = calls.pop(0) if calls else None
            if place in old and excess > 0 and len(message.content) > _SHORT:
                shorter[place] = message.model_copy(update={"content": _stub(call, message)})
                excess -= tokens_in(message.content) - _STUB_TOKENS
    return shorter


def asking(messages: Sequence[Message], hint: str = "") -> list[Message]:
    """The conversation with ASK at its end; what is before it stays, so that a cache holds."""
    ask = f"{ASK} Above all keep: {hint}" if hint else ASK
    last = messages[-1]
    if last.role == "user":
        return [*messages[:-1], last.model_copy(update={"content": f"{last.content}\n\n{ask}"})]
    return [*messages, Message(role="user", content=ask)]


def summary(record: Record, changed: str, own: str, room: int) -> str:
    """What is known for certain, in about a quarter of `room` (tokens), then the `own` words."""
    part = min(3_000, max(200, room // 4))  # characters
    told = "\n\n".join(truncate(text, max(200, part // 2)) for text in record.told[-2:])
    parts = [
        ("An earlier summary", truncate(record.earlier, part)),
        ("Your plan", truncate(record.plan, part)),
        ("Files changed so far (lines added and removed)", truncate(changed, part)),
        ("The last command that failed", truncate(record.failure, part)),
        ("What you were last told", told),
        ("Your own summary", own.strip()),
    ]
    shown = [f"{title}:\n{text}" for title, text in parts if text]
    return "\n\n".join([_HEAD, *shown, "Go on from here."])


def begun_anew(
    start: Sequence[Message],
    text: str,
    step: Sequence[Message],
    room: int,
    *,
    is_new: bool = False,
) -> list[Message]:
    """System prompt and prompts (`start`), the summary `text`, the last `step`.

    The newest prompt stays as it was sent, after the summary where it `is_new`, which is not
    answered yet; of those before it the user's words do, in about a quarter of `room` (tokens).
    """
    system, *before, newest = start
    asked = f"{_THEN}\n{newest.content}" if before else newest.content
    parts = [text, asked] if is_new else [asked, text]
    if before:
        parts.insert(0, truncate(_earlier(before), max(200, room)))
    content = "\n\n".join(parts)
    return [system, newest.model_copy(update={"content": content}), *step]


def _earlier(prompts: Sequence[Message]) -> str:
    """What the user said, each cut where it is very long, with the notes before the first."""
    first, *others = prompts
    words = f"\n\n{first.asked}"
    notes = f"\n\n{first.content}".partition(words)[0].partition(_HEAD)[0].strip()
    said = [truncate(first.asked, _LONG)]
    said += [f"{_THEN}\n{truncate(one.asked, _LONG)}" for one in others]
    return "\n\n".join([notes, *said] if notes else said)


def last_step(messages: Sequence[Message]) -> list[Message]:
    """The last answer with calls and all that follows it; empty where there is none."""
    place = _last_answer(messages)
    return list(messages[place:]) if place < len(messages) and messages[place].tool_calls else []


def changed_files(diff: str) -> str:
    """One line for each file of a git diff: its name, lines added, lines removed."""
    found: dict[str, list[int]] = {}
    counts, in_hunk = [0, 0], False
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            counts, in_hunk = found.setdefault(line.rpartition(" b/")[2], [0, 0]), False
        elif line.startswith("@@"):
            in_hunk = True
        elif in_hunk and line[:1] in ("+", "-"):
            counts["+-".index(line[0])] += 1
    return "\n".join(f"{name} +{added} -{removed}" for name, (added, removed) in found.items())


def _last_answer(messages: Sequence[Message]) -> int:
    """Where the last assistant message lies; the length where there is none."""
    places = range(len(messages) - 1, -1, -1)
    return next((p for p in places if messages[p].role == "assistant"), len(messages))


def _stub(call: ToolCall | None, message: Message) -> str:
    name = _shown(call) if call else "a tool"
    size = len(message.content)
    return f"[{name}: {size:,} characters, left out to save room; call it again if you need them]"


def _shown(call: ToolCall) -> str:
    """A call in a few words, e.g. `read_file calc.py`."""
    first = next((value for value in call.arguments.values() if isinstance(value, str)), "")
    return f"{call.name} {' '.join(first.split())[:80]}".strip()
