"""Calls as they finish, with what was asked about them, and the list of steps that they set."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from qwright.agent import events as ev
from qwright.agent.language import say
from qwright.agent.render.below import Todos, barred, below, opened, todo_lines, todos_of
from qwright.agent.render.ink import one_line, styled
from qwright.agent.render.toolline import Call, duration, outcome, tool_line
from qwright.agent.repl.sheet import Sheet
from qwright.tools.sanitise import terminal_text

SHELL = "shell"
"""The id of what the person runs, not the model."""
OPENS = " · Ctrl-O"
"""Says how to see what was left out."""
_SHELL_LINES = 60
_VERIFY_LINES, _VERIFY_OPEN = 8, 1_000


class Calls:
    """Puts each finished call on the sheet."""

    def __init__(self, sheet: Sheet, *, compact: bool) -> None:
        self.todos: Todos = ()
        self._sheet = sheet
        self._compact = compact
        self._running: dict[str, Call] = {}
        self._refused: dict[str, str] = {}

    @property
    def step(self) -> str:
        """The step that the model is at, on one line; empty where its list has none."""
        now = (todo.get("content") for todo in self.todos if todo.get("status") == "in_progress")
        return one_line(str(next(now, "")))

    def started(self, event: ev.ToolStarted) -> Call:
        call = self._running[event.id] = Call(event.name, event.arguments)
        return call

    def asked(self, event: ev.ApprovalAsked) -> None:
        """The question itself is the terminal's."""
        name = "command" if event.kind == "command" else "path"
        self._running.setdefault(event.id, Call(event.name, {name: event.subject}))

    def given(self, event: ev.ApprovalGiven) -> None:
        if not event.allowed:
            self._refused[event.id] = _refusal(event)

    def finished(self, event: ev.ToolFinished) -> None:
        call = self._running.pop(event.id, Call(event.name, {}))
        if event.id == SHELL and self._compact:
            self._shell(event)
            return
        why = self._refused.pop(event.id, None)
        room, theme = self._sheet.room, self._sheet.theme
        lines = [tool_line(call, event, room, theme, why)]
        todos = todos_of(event)
        if todos is not None:
            lines = self._planned(lines[0], todos)
        elif not self._compact:
            lines += opened(call, event, room, theme)
        elif why is None:
            lines += below(event, room, theme, OPENS)
        self._sheet.put("tool", lines, "bad" if event.is_error else "tool")

    def _shell(self, event: ev.ToolFinished) -> None:
        """What a command of the person's own said: its line was just typed."""
        output = terminal_text(event.text)
        lines = barred(output, self._sheet.room, self._sheet.theme, _SHELL_LINES, OPENS)
        self._sheet.put("tool", lines)
        came = outcome(event, self._sheet.theme)
        if came or not lines:
            came = came or styled(say("view.no_output"), self._sheet.theme["dim"])
            self._sheet.put("tool", [came], "bad" if event.is_error else "good")

    def _planned(self, line: Text, todos: Todos) -> list[Text]:
        """The whole list where its steps changed; else only the one that is under way."""
        same = _contents(todos) == _contents(self.todos)
        self.todos = todos
        if not same or not self._compact:
            return [line, *todo_lines(todos, self._sheet.room, self._sheet.theme)]
        if now := self.step:
            line.append(f" · {now}", self._sheet.theme["dim"])
        line.truncate(self._sheet.room, overflow="ellipsis")
        return [line]

    def verified(self, event: ev.VerifyFinished) -> None:
        good = event.exit_code == 0
        theme, room = self._sheet.theme, self._sheet.room
        took = f"  {duration(event.seconds)}"
        head = styled(say("view.verified" if good else "view.not_verified"), theme["strong"])
        head.append(f"  {one_line(event.command)}")
        head.truncate(room - len(took), overflow="ellipsis")
        head.append(took, theme["dim"])
        limit = _VERIFY_LINES if self._compact else _VERIFY_OPEN
        output = terminal_text(event.output)
        shown = (
            []
            if good and self._compact
            else barred(
                output,
                room,
                theme,
                limit,
                "" if not self._compact else OPENS,
                whole=not self._compact,
            )
        )
        self._sheet.put("end" if good else "tool", [head, *shown], "good" if good else "bad")


def _contents(todos: Todos) -> Sequence[object]:
    return [todo.get("content") for todo in todos]


def _refusal(event: ev.ApprovalGiven) -> str:
    if event.by == "mode":
        return say("view.refused_mode")
    return say("view.refused_why", why=one_line(event.why)) if event.why else say("view.refused")
