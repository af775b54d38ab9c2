"""Events as a person sees them: what is finished goes up for good, what moves stays below."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import dedent
from typing import Literal, Protocol

from rich.text import Text

from qwright.agent import events as ev
from qwright.agent.language import say
from qwright.agent.render.below import Todos, barred, below, ending, short, todo_lines, todos_of
from qwright.agent.render.diffs import draw_diff, shortened
from qwright.agent.render.ink import draw, one_line, wrapped
from qwright.agent.render.theme import Role, Theme, load
from qwright.agent.render.toolline import Call, duration, tool_line
from qwright.agent.repl.live import Activity
from qwright.agent.repl.markdown import MarkdownStream
from qwright.tools.sanitise import sanitise, terminal_text

Style = Literal["info", "good", "bad", "hint"]
_Block = Literal["", "prompt", "text", "tool", "note", "end"]
_INDENT = 2
_PROMPT_LINES = 12
_REDRAW = 0.06
"""Seconds between two drawings of text that streams in."""
_REPLAYED = 3
_Mark = Literal["", "prompt", "tool", "good", "bad", "again", "notice", "aside", "done"]
_MARKS: Mapping[_Mark, tuple[str, Role, str]] = {
    "": ("", "dim", ""),
    "prompt": ("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", "accent", "view.you"),
    "tool": ("●", "good", "view.tool"),
    "good": ("✓", "good", ""),
    "bad": ("✗", "bad", "view.error"),
    "again": ("↻", "warn", ""),
    "notice": ("!", "warn", "view.notice"),
    "aside": ("⇣", "dim", ""),
    "done": ("✓", "good", ""),
}
"""Of each mark: the sign in the gutter, its colour, the word that a screen reader says for it."""


class Screen(Protocol):
    """Where a view draws; `Terminal` is one."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def commit(self, ansi: str) -> None: ...

    def set_live(self, ansi: str) -> None: ...

    def set_status(self, left: str, right: str) -> None: ...


class View:
    """Shows the events of a session on one screen."""

    def __init__(
        self,
        screen: Screen,
        theme: Theme,
        *,
        screen_reader: bool = False,
        compact: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`compact` shortens diffs and output; for a screen reader nothing moves."""
        self.theme = theme
        self.compact = compact
        self._screen = screen
        self._spoken = screen_reader
        self._clock = clock
        self._stream: MarkdownStream | None = None
        self._activity: Activity | None = None
        self._thinking: float | None = None
        """Since when the model has been reasoning."""
        self._calls: dict[str, Call] = {}
        self._refused: dict[str, str] = {}
        self._todos: Todos = ()
        self._last: _Block = ""
        self._waiting = ""
        """What takes long before the agent can work."""
        self._live = ""
        self._drawn_at = 0.0
        self._held: list[str] | None = None
        """What is committed together at the end of a replay."""

    @property
    def todos(self) -> str:
        """The model's list of steps, one a line; empty while it has none."""
        return "\n".join(line.plain for line in todo_lines(self._todos, 10_000, self.theme))

    def restyle(self, theme: str) -> None:
        """Draw in another theme from here on. Raises ConfigError."""
        self.theme = load(theme)

    def prompt(self, text: str) -> None:
        """Show what the person sent."""
        lines: list[Text] = []
        for line in sanitise(text).strip("\n").split("\n"):
            lines += wrapped(Text(line.expandtabs(4), self.theme["strong"]), self._room)
        lines = shortened(lines, _PROMPT_LINES, self.theme)
        self._put("prompt", lines, "prompt")

    def say(self, text: str, style: Style = "info") -> None:
        """Show words of qwright's own; a newline begins a new line."""
        shown = self.theme["dim"] if style == "hint" else ""
        lines: list[Text] = []
        for line in dedent(sanitise(text)).strip("\n").split("\n"):
            lines += wrapped(Text(line.expandtabs(4), shown), self._room + 1)
        self._put("note", lines, style if style in ("good", "bad") else "")

    def markdown(self, text: str) -> None:
        """Show a whole text, such as help."""
        stream = self._new_stream()
        self._text(stream.feed(text) + stream.end())

    def diff(self, patch: str, limit: int = 0) -> None:
        """Show a unified diff; at most `limit` lines of it, 0 is all."""
        self._put("note", draw_diff(patch, self._room, self.theme, limit), "")

    def progress(self, text: str) -> None:
        """Say in the live line what the agent waits for; an empty text: for nothing any more."""
        self._waiting = one_line(text)
        self.tick()

    def show(self, event: ev.Event) -> None:
        """Take in the next event of a run."""
        match event:
            case ev.TextDelta():
                self._said(event.text)
            case ev.ReasoningDelta():
                self._reasoned(event.text)
            case ev.Prefilling():
                if self._activity:
                    self._activity.prefill = (event.done, event.total)
            case _:
                self.settle(void=isinstance(event, ev.Retrying))
                self._step(event)

    def _step(self, event: ev.Event) -> None:
        match event:
            case ev.RunStarted():
                self._activity = Activity(self._clock())
            case ev.ToolStarted():
                self._calls[event.id] = call = Call(event.name, event.arguments)
                if self._activity:
                    self._activity.call, self._activity.call_began = call, self._clock()
            case ev.ToolFinished():
                self._tool(event)
            case ev.ApprovalAsked() | ev.ApprovalGiven():
                self._approval(event)
            case ev.VerifyFinished():
                self._verified(event)
            case ev.RunFinished():
                self._activity = None
                self._ended(event)
            case _:
                self._remark(event)
        self.tick()

    def tick(self) -> None:
        """Draw what moves; about ten times a second while the agent works."""
        if self._spoken or self._held is not None:
            return
        self._drawn_at = self._clock()
        live = self._moving(self._activity) if self._activity else self._idle()
        if live != self._live:
            self._live = live
            self._screen.set_live(live)

    def replay(self, events: Iterable[ev.Event]) -> None:
        """Show what a resumed session did last: its last prompts and what came of them."""
        runs: list[list[ev.Event]] = []
        for event in events:
            if isinstance(event, ev.RunStarted):
                runs.append([])
            if runs:
                runs[-1].append(event)
        self._held = []
        for run in runs[-_REPLAYED:]:
            for event in run:
                if isinstance(event, ev.RunStarted):
                    self.prompt(event.prompt)
                self.show(event)
        self.settle()
        self._activity = None
        held, self._held = "".join(self._held), None
        if held:
            self._screen.commit(held)

    @property
    def _room(self) -> int:
        """Cells of a line besides the gutter; the last column stays free."""
        return max(self._screen.width - _INDENT - 1, 16)

    def _said(self, text: str) -> None:
        self._thought()
        if self._stream is None:
            if not text.strip():
                return
            self._stream = self._new_stream()
            text = text.lstrip("\n")
        if self._activity:
            self._activity.rate.add(self._clock(), text)
            self._activity.prefill = None
        self._text(self._stream.feed(text))
        if self._clock() - self._drawn_at > _REDRAW:
            self.tick()

    def _text(self, ansi: str) -> None:
        if ansi:
            self._commit("text", ansi)

    def _reasoned(self, text: str) -> None:
        if self._stream is not None:
            self.settle()
        if self._thinking is None:
            self._thinking = self._clock()
        if self._activity:
            now = self._activity
            now.rate.add(self._clock(), text)
            now.prefill = None
            now.thought = (now.thought + text)[-1_000:]
        if self._clock() - self._drawn_at > _REDRAW:
            self.tick()

    def _thought(self) -> None:
        """Fold what was reasoned into one line."""
        if self._thinking is None:
            return
        seconds, self._thinking = self._clock() - self._thinking, None
        if self._activity:
            self._activity.thought = ""
        if self._held is None and seconds >= 1:
            words = say("view.thought", time=duration(seconds))
            style = f"italic {self.theme['dim']}".strip()
            self._put("text", [Text(words, style)], "")

    def settle(self, *, void: bool = False) -> None:
        """End what is half written before something else is shown; `void`: it does not count."""
        self._thought()
        self._waiting = ""
        if self._stream is not None:
            rest = self._stream.end()
            self._stream = None
            if not void:
                self._text(rest)
        if self._activity:
            self._activity.call = self._activity.prefill = None

    def _approval(self, event: ev.ApprovalAsked | ev.ApprovalGiven) -> None:
        match event:
            case ev.ApprovalAsked():
                name = "command" if event.kind == "command" else "path"
                self._calls.setdefault(event.id, Call(event.name, {name: event.subject}))
            case ev.ApprovalGiven(allowed=False):
                self._refused[event.id] = (
                    say("view.refused_mode")
                    if event.by == "mode"
                    else (
                        say("view.refused_why", why=one_line(event.why))
                        if event.why
                        else say("view.refused")
                    )
                )
            case _:
                pass

    def _tool(self, event: ev.ToolFinished) -> None:
        call = self._calls.pop(event.id, Call(event.name, {}))
        why = self._refused.pop(event.id, None)
        lines = [tool_line(call, event, self._room, self.theme, why)]
        todos = todos_of(event)
        if todos is not None:
            lines += self._planned(todos)
        elif why is None:
            lines += below(event, self._room, self.theme, compact=self.compact)
        self._put("tool", lines, "bad" if event.is_error else "tool")

    def _planned(self, todos: Todos) -> list[Text]:
        """The whole list where its steps changed; else only the one that is under way."""
        same = [todo.get("content") for todo in todos] == [
            todo.get("content") for todo in self._todos
        ]
        self._todos = todos
        now = [todo for todo in todos if todo.get("status") == "in_progress"]
        return todo_lines(now if same else todos, self._room, self.theme)

    def _verified(self, event: ev.VerifyFinished) -> None:
        good = event.exit_code == 0
        head = Text(say("view.verified" if good else "view.not_verified"), self.theme["strong"])
        head.append(f"  {one_line(event.command)}", "not bold")
        head.truncate(self._room - 10, overflow="ellipsis")
        head.append(f"  {duration(event.seconds)}", f"not bold {self.theme['dim']}".strip())
        output = [] if good else barred(terminal_text(event.output), self._room, self.theme, last=8)
        self._put("tool", [head, *output], "good" if good else "bad")

    def _remark(self, event: ev.Event) -> None:
        match event:
            case ev.AttemptStarted():
                self._told(say("view.attempt", attempt=event.attempt, of=event.of), "again")
            case ev.Retrying():
                wait = duration(event.wait)
                key = "view.retrying_in" if event.wait else "view.retrying"
                self._told(say(key, reason=event.reason, wait=wait), "again")
            case ev.Compacted():
                before, after = short(event.before), short(event.after)
                self._told(say("view.compacted", before=before, after=after), "aside")
            case ev.Notice():
                self._told(event.text, "notice")
            case _:
                pass

    def _told(self, text: str, mark: _Mark) -> None:
        self._put("note", wrapped(Text(one_line(text)), self._room), mark)

    def _ended(self, event: ev.RunFinished) -> None:
        took = ending(event, self.theme)
        if event.reason == "done":
            self._put("end", [took], "done")
        elif event.reason == "interrupted":
            self._put("end", [Text(say("view.interrupted")), took], "again")
        else:
            why = wrapped(Text(one_line(event.text or event.reason)), self._room)
            self._put("end", [*why, took], "bad")

    def _new_stream(self) -> MarkdownStream:
        return MarkdownStream(self._room, self.theme, _INDENT)

    def _put(self, block: _Block, lines: Sequence[Text], mark: _Mark) -> None:
        """Commit lines of one block; the mark stands in the gutter of the first."""
        sign, role, word = _MARKS[mark]
        if self._spoken and word:
            first = Text(f"{say(word)}: ").append_text(lines[0] if lines else Text())
            self._commit(block, draw([first, *lines[1:]], self.theme))
            return
        drawn = draw(lines, self.theme, _INDENT)
        if sign and lines:
            drawn = draw([Text(f"{sign} ", self.theme[role])], self.theme)[:-1] + drawn[_INDENT:]
        self._commit(block, drawn)

    def _commit(self, block: _Block, ansi: str) -> None:
        apart = self._last and (block != self._last or block == "prompt")
        self._last = block
        ansi = f"\n{ansi}" if apart else ansi
        if self._held is not None:
            self._held.append(ansi)
        else:
            self._screen.commit(ansi)

    def _idle(self) -> str:
        line = Text(f"○ {self._waiting}", self.theme["dim"])
        line.truncate(self._room, overflow="ellipsis")
        return draw([line], self.theme) if self._waiting else ""

    def _moving(self, activity: Activity) -> str:
        """The unfinished end of the text, as much as fits, and the line that says what goes on."""
        most = max(self._screen.height // 3 - 2, 1)
        tail = self._stream.tail().split("\n")[:-1][-most:] if self._stream else []
        line = activity.draw(self._clock(), self._room + _INDENT, self.theme, self._waiting)
        gap = [""] if tail or self._last else []
        return "\n".join([*tail, *gap, draw([line], self.theme)])
