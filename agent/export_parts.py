"""What a session's events come to when read as a conversation: whole texts, calls with results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from qwright.agent import events as ev
from qwright.tools.sanitise import sanitise

Kind = Literal["prompt", "answer", "thought", "call", "note"]
_SUBJECTS = ("command", "path", "file_path", "pattern")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a conversation, made harmless. `head` is one line, `body` any number."""

    kind: Kind
    head: str = ""
    body: str = ""
    language: str = ""
    """Of the body, as fences name it."""
    failed: bool = False


def parts_of(events: Iterable[ev.Event]) -> Iterator[Part]:
    """The conversation, in order. Text that a retry made void is left out."""
    said = _Said()
    started: dict[str, ev.ToolStarted] = {}
    for event in events:
        match event:
            case ev.TextDelta() | ev.ReasoningDelta():
                said.add(event)
                continue
            case ev.Retrying():
                said.clear()
                continue
            case ev.ToolStarted():
                started[event.id] = event
            case _:
                pass
        yield from said.taken()
        yield from _part(event, started)
    yield from said.taken()


class _Said:
    """What has streamed in since the last other event."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thoughts: list[str] = []

    def add(self, event: ev.TextDelta | ev.ReasoningDelta) -> None:
        kept = self._text if isinstance(event, ev.TextDelta) else self._thoughts
        kept.append(event.text)

    def clear(self) -> None:
        self._text.clear()
        self._thoughts.clear()

    def taken(self) -> list[Part]:
        """Whole parts of it, which are then no longer held."""
        thoughts, text = sanitise("".join(self._thoughts)), sanitise("".join(self._text))
        self.clear()
        parts = [Part("thought", body=thoughts.strip()), Part("answer", body=text.strip())]
        return [part for part in parts if part.body]


def _part(event: ev.Event, started: dict[str, ev.ToolStarted]) -> Iterator[Part]:
    match event:
        case ev.RunStarted():
            yield Part("prompt", body=sanitise(event.prompt).strip())
        case ev.ToolFinished():
            yield _call(event, started.pop(event.id, None))
        case ev.VerifyFinished():
            body = sanitise(event.output).strip()
            yield Part("call", _line(f"verify: {event.command}"), body, "", event.exit_code != 0)
        case ev.Notice():
            yield Part("note", _line(event.text))
        case ev.Compacted():
            yield Part("note", f"Older turns summarised: {event.before:,} → {event.after:,} tokens")
        case ev.RunFinished() if event.reason != "done":
            yield Part("note", _line(event.text or event.reason))
        case _:
            pass


def _call(event: ev.ToolFinished, started: ev.ToolStarted | None) -> Part:
    arguments = started.arguments if started else {}
    subject = next((str(arguments[key]) for key in _SUBJECTS if key in arguments), "")
    if not subject and arguments:
        subject = json.dumps(arguments, ensure_ascii=False)
    # The one id that no model gives is that of the person's own command.
    head = _line(f"!{subject}" if event.id == "shell" else f"{event.name} {subject}")
    diff = event.details.get("diff")
    if isinstance(diff, str) and diff and not event.is_error:
        return Part("call", head, sanitise(diff).rstrip("\n"), "diff")
    return Part("call", head, sanitise(event.text).strip("\n"), "", event.is_error)


def _line(text: str) -> str:
    flat = " ".join(sanitise(text).split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
