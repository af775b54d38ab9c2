"""A tool call as one line: what was done, to what, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from qwright.agent.events import ToolFinished
from qwright.agent.language import say
from qwright.agent.render.diffs import counts
from qwright.agent.render.ink import columns, cut, cut_middle, one_line, styled
from qwright.agent.render.theme import Theme
from qwright.tools.sanitise import shown_name

_VERBS = {
    "read_file": "view.read",
    "write_file": "view.write",
    "edit": "view.edit",
    "grep_search": "view.search",
    "glob": "view.find",
    "list_directory": "view.list",
    "run_shell_command": "view.run",
    "todo_write": "view.plan",
}
_LEAST = 10
"""Cells of the subject that give way to nothing."""
_NOTED_SECONDS = 1.0
"""A call that took less is not worth saying how long it took."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was asked for."""

    name: str
    arguments: Mapping[str, Any]

    @property
    def verb(self) -> str:
        """Its name in human words; a tool that is not ours keeps its own name."""
        return say(_VERBS[self.name]) if self.name in _VERBS else one_line(self.name)[:24]

    @property
    def subject(self) -> str:
        """What it was about, on one harmless line of any length."""
        match self.name:
            case "run_shell_command":
                return _command(self._text("command"))
            case "grep_search" | "glob":
                return self._search()
            case "todo_write":
                return ""
            case _:
                path = shown_name(self._text("path"))
                return path or self._text(next(iter(self.arguments), ""))

    def _search(self) -> str:
        where = shown_name(self._text("path"))
        only = self._text("glob")
        told = f'"{self._text("pattern")}"' if self.name == "grep_search" else self._text("pattern")
        told = f"{told} ({only})" if only else told
        return told if where in ("", ".") else say("view.in_place", what=told, place=where)

    def _text(self, name: str) -> str:
        value = self.arguments.get(name, "")
        return value if isinstance(value, str) else str(value)


def tool_line(
    call: Call, done: ToolFinished | None, width: int, theme: Theme, refused: str | None = None
) -> Text:
    """Verb, subject and outcome in `width` cells; `done` is None while it runs.

    `refused`: the words for why the call was not allowed to run, if it was not.
    """
    name = call.verb if theme.spoken else _padded(call.verb)
    verb = styled(f"{name} ", theme["strong"])
    told = outcome(done, theme) if done else Text()
    if refused is not None:
        told = styled(refused, theme["bad"])
    subject = one_line(call.subject)
    room = width - columns(verb.plain)
    least = min(columns(subject), room // 2 if refused else _LEAST)
    told.truncate(max(room - least - 2, 0), overflow="ellipsis")
    fit = cut if call.name == "run_shell_command" else cut_middle
    verb.append(fit(subject, room - (columns(told.plain) + 2 if told else 0)))
    return verb.append("  " if subject else "").append_text(told) if told else verb


def _padded(verb: str) -> str:
    """As wide as the widest verb, so that subjects stand in one column."""
    widest = max(columns(say(key)) for key in _VERBS.values())
    return verb + " " * (widest - columns(verb))


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 m 05 s", "1 h 02 m"."""
    if seconds < 9.95:
        return say("view.seconds", seconds=f"{seconds:.1f}")
    if seconds < 59.5:
        return say("view.seconds", seconds=f"{seconds:.0f}")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return say("view.minutes", minutes=minutes, seconds=f"{rest:02}")
    return say("view.hours", hours=minutes // 60, minutes=f"{minutes % 60:02}")


def outcome(done: ToolFinished, theme: Theme) -> Text:
    """What came of a call, and how long it took where that is worth saying."""
    told = _result(done, theme)
    if done.seconds >= _NOTED_SECONDS:
        if told:
            told.append(" · ", theme["dim"])
        told.append(duration(done.seconds), theme["dim"])
    return told


def _result(done: ToolFinished, theme: Theme) -> Text:
    details = done.details
    if "added" in details and not done.is_error:
        return counts(details["added"], details["removed"], theme)
    if "exit_code" in details:
        return styled(_exit(details), theme["bad"] if done.is_error else theme["dim"])
    if done.is_error:
        return styled(say("view.failed"), theme["bad"])
    return styled(_found(done), theme["dim"])


def _exit(details: Mapping[str, Any]) -> str:
    if details.get("timed_out"):
        return say("view.timed_out")
    if details.get("out_of_memory"):
        return say("view.out_of_memory")
    code = details["exit_code"]
    return say("view.exit_code", code=code) if code else ""


def _found(done: ToolFinished) -> str:
    """How much a call that only looked has seen."""
    details = done.details
    match done.name:
        case "read_file" if "lines" in details:
            return _pages(details)
        case "grep_search" if "matches" in details:
            return _matches(details)
        case "glob" if "count" in details:
            return many("view.files", details["count"])
        case "list_directory":
            return many("view.entries", len(done.text.splitlines()))
        case "todo_write" if "todos" in details:
            total = len(details["todos"])
            return say("view.plan_now", done=total - details["left"], total=total)
        case _:
            return ""


def _pages(details: Mapping[str, Any]) -> str:
    first, last, total = (details[name] for name in ("first", "last", "lines"))
    if first == 1 and last >= total:
        return many("view.lines", total)
    return say("view.lines_of", first=first, last=last, total=total)


def _matches(details: Mapping[str, Any]) -> str:
    if not details["matches"]:
        return say("view.no_matches")
    return many("view.matches", details["matches"])


def many(key: str, count: int) -> str:
    """The text for `count` things: "view.lines", or "view.lines_one" for a single one."""
    return say(f"{key}_one") if count == 1 else say(key, count=count)


def _command(command: str) -> str:
    """The first line, and how many follow."""
    lines = command.strip().split("\n")
    return (
        lines[0] if len(lines) == 1 else f"{lines[0]} … {many('view.more_lines', len(lines) - 1)}"
    )
