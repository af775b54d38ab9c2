"""Events as a person sees them: what is finished goes up for good, what moves stays below."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from textwrap import dedent
from typing import Literal

from rich.text import Text

from qwright.agent import events as ev
from qwright.agent.language import say, translated
from qwright.agent.render.below import ending, short, todo_lines
from qwright.agent.render.diffs import draw_diff, shortened
from qwright.agent.render.ink import cut, draw, one_line, styled, wrapped
from qwright.agent.render.markdown import MarkdownStream
from qwright.agent.render.theme import Theme, load
from qwright.agent.render.toolline import duration
from qwright.agent.repl.calls import SHELL, Calls
from qwright.agent.repl.live import Activity
from qwright.agent.repl.sheet import INDENT, Mark, Screen, Sheet
from qwright.tools.sanitise import sanitise

Style = Literal["info", "good", "bad", "hint"]
_PROMPT_LINES = 12
_REDRAW = 0.06
"""Seconds between two drawings of text that streams in."""
_SILENCE = 30.0
"""Seconds after which somebody who sees no spinner is told that work goes on."""
_REPLAYED = 3
_NOTED_THOUGHT = 1.0
"""Seconds of reasoning below which it is not worth a line."""


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
        """`compact` shortens; else everything is open. For a screen reader nothing moves."""
        self._screen = screen
        self._sheet = Sheet(screen, theme.aloud() if screen_reader else theme)
        self._compact = compact
        self._still = screen_reader or not compact
        self._clock = clock
        self._stream: MarkdownStream | None = None
        self._activity: Activity | None = None
        self._paused = False
        """Whether nothing is to move until the next event."""
        self._reasoning = ""
        self._reasoning_since: float | None = None
        self._calls = Calls(self._sheet, compact=compact)
        self._waiting = ""
        """What takes long before the agent can work."""
        self._live = ""
        self._drawn_at = 0.0

    @property
    def theme(self) -> Theme:
        return self._sheet.theme

    @property
    def todos(self) -> str:
        """The model's list of steps, one a line; empty while it has none."""
        return "\n".join(line.plain for line in todo_lines(self._calls.todos, 10_000, self.theme))

    def restyle(self, theme: str) -> None:
        """Draw in another theme from here on. Raises ConfigError."""
        wanted = load(theme)
        self._sheet.theme = wanted.aloud() if self.theme.spoken else wanted

    # What qwright says by itself.

    def prompt(self, text: str) -> None:
        """Show what the person sent."""
        lines = self._lines(text, self.theme["strong"], self._sheet.room)
        limit = _PROMPT_LINES if self._compact else 0
        self._sheet.put("prompt", shortened(lines, limit, self.theme), "prompt")

    def say(self, text: str, style: Style = "info") -> None:
        """Show words of qwright's own; a newline begins a new line."""
        shown = self.theme["dim"] if style == "hint" else ""
        # Tables come as wide as the terminal: they may have the last column too.
        lines = self._lines(dedent(text), shown, self._sheet.room + 1)
        self._sheet.put("note", lines, style if style in ("good", "bad") else "")

    def markdown(self, text: str) -> None:
        """Show a whole text, such as help."""
        stream = self._new_stream()
        self._sheet.write("note", stream.feed(text) + stream.end())

    def diff(self, patch: str, limit: int = 0) -> None:
        """Show a unified diff; at most `limit` lines of it, 0 is all."""
        self._sheet.put("note", draw_diff(patch, self._sheet.room, self.theme, limit))

    def progress(self, text: str) -> None:
        """Say in the live line what the agent waits for; an empty text: for nothing any more."""
        self._waiting = one_line(text)
        self._paused = False
        self.tick()

    # What happens.

    def show(self, event: ev.Event) -> None:
        """Take in the next event of a run."""
        self._paused = False
        match event:
            case ev.TextDelta():
                self._said(event.text)
            case ev.ReasoningDelta():
                self._reasoned(event.text)
            case ev.Prefilling():
                self._busy().prefill = (event.done, event.total)
            case _:
                self._end_text(void=isinstance(event, ev.Retrying))
                self._step(event)

    def settle(self) -> None:
        """End what is half written, and let nothing move until the next event."""
        self._end_text()
        self._paused = True
        self.tick()

    def tick(self) -> None:
        """Draw what moves; about ten times a second while the agent works."""
        if self.theme.spoken:
            self._reassure()
        if self._still or self._sheet.holding:
            return
        self._drawn_at = self._clock()
        live = "" if self._paused else self._moving()
        if live != self._live:
            self._live = live
            self._screen.set_live(live)

    def replay(self, events: Iterable[ev.Event]) -> None:
        """Show what a resumed session did last: its last prompts and what came of them.

        The events may begin in the middle of a run.
        """
        runs: list[list[ev.Event]] = [[]]
        for event in events:
            if isinstance(event, ev.RunStarted):
                runs = [*runs[1 - _REPLAYED :], []]
            runs[-1].append(event)
        with self._sheet.held():
            for event in (event for run in runs for event in run):
                if isinstance(event, ev.RunStarted):
                    self.prompt(event.prompt)
                self.show(event)
            self._end_text()
        self._activity = None

    def _step(self, event: ev.Event) -> None:
        match event:
            case ev.RunStarted():
                self._activity = Activity(self._clock())
            case ev.ToolStarted():
                self._busy().started(self._calls.started(event), self._clock())
            case ev.ToolFinished():
                self._calls.finished(event)
                self._after_call(event)
            case ev.ApprovalAsked():
                self._calls.asked(event)
                self._paused = True
            case ev.ApprovalGiven():
                self._calls.given(event)
                self._busy().approved(self._clock())
            case ev.VerifyFinished():
                self._calls.verified(event)
            case ev.RunFinished():
                self._activity = None
                self._ended(event)
            case _:
                self._remark(event)
        self.tick()

    def _after_call(self, event: ev.ToolFinished) -> None:
        if event.id == SHELL:
            self._activity = None  # it belongs to no run, so nothing else will say that it is over
        elif self._activity:
            self._activity.returned(self._calls.step)

    def _reassure(self) -> None:
        now, activity = self._clock(), self._activity
        if activity and not self._paused and now - max(activity.began, self._drawn_at) > _SILENCE:
            self._drawn_at = now
            words = say("view.still_working", time=duration(now - activity.began))
            self._sheet.put("note", [Text(words)])

    def _busy(self) -> Activity:
        """What is going on; a command of the person's own begins without a run."""
        if self._activity is None:
            self._activity = Activity(self._clock())
        return self._activity

    def _said(self, text: str) -> None:
        self._end_reasoning()
        if self._stream is None:
            text = text.lstrip("\n")
            if not text.strip():
                return
            self._stream = self._new_stream()
        self._busy().wrote(text, self._clock())
        self._stream.resize(self._sheet.room)
        final = self._stream.feed(text)
        self._sheet.write("text", final)
        # What is final must not stand in the live lines too, not even for one frame.
        self._tick_soon(now=bool(final))

    def _reasoned(self, text: str) -> None:
        if self._stream is not None:
            self._end_text()
        if self._reasoning_since is None:
            self._reasoning_since = self._clock()
        self._reasoning += text
        self._busy().wrote(text, self._clock(), thought=self._reasoning)
        self._tick_soon()

    def _tick_soon(self, *, now: bool = False) -> None:
        if now or self._clock() - self._drawn_at > _REDRAW:
            self.tick()

    def _end_reasoning(self) -> None:
        """Fold what was reasoned into one line, or show it where everything is open."""
        if self._reasoning_since is None:
            return
        seconds = self._clock() - self._reasoning_since
        text, self._reasoning, self._reasoning_since = self._reasoning, "", None
        style = f"italic {self.theme['dim']}"
        if not self._compact:
            self._sheet.put("note", self._lines(text.strip(), style, self._sheet.room))
        elif seconds >= _NOTED_THOUGHT and not self._sheet.holding:
            words = say("view.thought", time=duration(seconds))
            self._sheet.put("text", [styled(words, style)])

    def _end_text(self, *, void: bool = False) -> None:
        """End what is half written before something else is shown; `void`: it does not count."""
        self._end_reasoning()
        self._waiting = ""
        if self._stream is not None:
            rest, self._stream = self._stream.end(), None
            if not void:
                self._sheet.write("text", rest)
        if self._activity:
            self._activity.said()

    def _remark(self, event: ev.Event) -> None:
        match event:
            case ev.AttemptStarted():
                self._told(say("view.attempt", attempt=event.attempt, of=event.of), "again")
            case ev.AttemptJudged():
                values = {"n": event.attempt, "score": event.score, "of": event.of}
                self._told(say("view.judged", **values), "aside")
            case ev.AttemptChosen():
                why = translated(event.why)
                self._told(say("view.chosen", n=event.attempt, why=why), "again")
            case ev.Retrying():
                key = "view.retrying_in" if event.wait >= 1 else "view.retrying"
                wait = say("view.seconds", seconds=f"{event.wait:.0f}")
                self._told(say(key, reason=one_line(event.reason), wait=wait), "again")
            case ev.Compacted():
                before, after = short(event.before), short(event.after)
                self._told(say("view.compacted", before=before, after=after), "aside")
            case ev.Notice():
                self._told(event.text, "notice")
            case _:
                pass

    def _told(self, text: str, mark: Mark) -> None:
        self._sheet.put("note", wrapped(Text(one_line(text)), self._sheet.room), mark)

    def _ended(self, event: ev.RunFinished) -> None:
        took = wrapped(ending(event, self.theme), self._sheet.room) if event.turns else []
        if event.reason == "done":
            self._sheet.put("end", took, "good")
        elif event.reason == "interrupted":
            self._sheet.put("end", [Text(say("view.interrupted")), *took], "stopped")
        else:
            why = wrapped(Text(one_line(event.text or event.reason)), self._sheet.room)
            self._sheet.put("end", [*why, *took], "bad")

    def _moving(self) -> str:
        """The unfinished end of the text, as much as fits, and the line that says what goes on."""
        now = self._clock()
        width = self._sheet.room + INDENT
        if self._activity is None:
            waits = styled(f"○ {cut(self._waiting, width - 2)}", self.theme["dim"])
            return draw([waits], self.theme) if self._waiting else ""
        line = draw([self._activity.draw(now, width, self.theme, self._waiting)], self.theme)
        most = max(self._screen.height // 3 - 2, 1)
        tail = self._stream.tail().split("\n")[:-1] if self._stream else []
        if tail and self._sheet.last not in ("", "text"):
            tail = ["", *tail]
        return "\n".join([*tail[-most:], "", line])

    def _new_stream(self) -> MarkdownStream:
        return MarkdownStream(self._sheet.room, self.theme, self._sheet.indent)

    def _lines(self, text: str, style: str, width: int) -> list[Text]:
        """Harmless text in lines as it has them, broken where they are too long."""
        lines: list[Text] = []
        for line in sanitise(text).strip("\n").split("\n"):
            lines += wrapped(styled(line.expandtabs(4), style), width)
        return lines
