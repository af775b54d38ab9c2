"""Output for a person: what the agent does, in one line a step, then the diff and the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from qwright.agent import events as ev
from qwright.agent.language import say, translated
from qwright.agent.outcome import Outcome
from qwright.agent.render.below import below, todo_lines, todos_of
from qwright.agent.render.diffs import draw_diff, shortened
from qwright.agent.render.ink import cut_start, draw, one_line, styled
from qwright.agent.render.markdown import MarkdownStream
from qwright.agent.render.theme import load
from qwright.agent.render.toolline import Call, tool_line
from qwright.tools.sanitise import sanitise

_INDENT = 2
_PIPE = 200


def open_console(out: TextIO) -> Console:
    """Styled where `out` is a terminal; plain text in a pipe or under NO_COLOR."""
    # Rich alone would take NO_COLOR by its word and go on with bold, dim and italic.
    system = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=out, color_system=system, highlight=False)


class TextRenderer:
    """Consumes the events; what they hold is made harmless before it is shown."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._prose: MarkdownStream | None = None
        """What the model is saying; in a pipe it goes out as it comes instead."""
        self._unfinished = ""
        self._streaming = False
        self._call = Call("", {})
        self._theme = load("auto" if console.color_system else "plain")
        # In a pipe nothing has to fit, but a line of a log should not run on for ever.
        self._room = (console.width if console.is_terminal else _PIPE) - _INDENT - 1

    def show(self, event: ev.Event) -> None:
        if isinstance(event, ev.Prefilling | ev.ReasoningDelta):
            return  # what turns on the screen goes on turning
        if not isinstance(event, ev.TextDelta):
            self._settle()
        match event:
            case ev.RunStarted():
                text = say("oneshot.started", model=event.model, session=event.session)
                self._line("", text, "dim")
            case ev.TurnStarted():
                self._wait(say("oneshot.thinking"))
            case ev.TextDelta():
                self._stream(event.text)
            case ev.ToolStarted():
                self._call = Call(event.name, event.arguments)
                self._wait(f"{self._call.verb} {self._call.subject}")
            case ev.ToolFinished():
                self._tool(event)
            case ev.VerifyFinished():
                self._verify(event)
            case _:
                self._remark(event)

    def close(self, outcome: Outcome) -> None:
        """The diff, the verdict, and what the user can do next."""
        self._settle()
        if outcome.diff:
            self._console.print()
            self._diff(outcome.diff, limit=400)
        self._console.print()
        self._verdict(outcome)
        if outcome.delivered:
            self._line("", outcome.delivered)
        for hint in outcome.hints:
            self._line("", hint)

    def _verdict(self, outcome: Outcome) -> None:
        done = outcome.finished
        spent = _spent(done.tokens, done.cost)
        turns = say("oneshot.one_turn") if done.turns == 1 else say("oneshot.turns", n=done.turns)
        cost = say("oneshot.cost", seconds=f"{done.seconds:.0f}", turns=turns, spent=spent)
        if done.reason == "done":
            how = {True: "verified", False: "not_verified", None: "done"}[done.verified]
            self._line("✓", say(f"oneshot.{how}", cost=cost), "bold green")
        else:
            self._line("✗", f"{done.text or done.reason} ({cost})", "bold red")

    def _remark(self, event: ev.Event) -> None:
        match event:
            case ev.AttemptStarted():
                text = say("oneshot.attempt", attempt=event.attempt, of=event.of)
                self._line("↻", text, "yellow")
            case ev.AttemptJudged():
                text = say("oneshot.judged", n=event.attempt, score=event.score, of=event.of)
                self._line("●", text, "dim")
            case ev.AttemptChosen():
                why = translated(event.why)
                self._line("✓", say("oneshot.chosen", n=event.attempt, why=why), "yellow")
            case ev.Retrying():
                text = say("oneshot.again", reason=one_line(event.reason))
                if event.wait >= 1:
                    text = say(
                        "oneshot.again_in", reason=one_line(event.reason), wait=f"{event.wait:.0f}"
                    )
                self._line("↻", text, "yellow")
            case ev.Compacted():
                text = say("oneshot.compacted", before=event.before, after=event.after)
                self._line("⇣", text, "dim")
            case ev.Notice():
                self._line("!", event.text, "yellow")
            case _:
                pass

    def _tool(self, event: ev.ToolFinished) -> None:
        mark, style = ("✗", "red") if event.is_error else ("●", "green")
        head = tool_line(self._call, event, self._room, self._theme)
        todos = todos_of(event)
        if todos is None:
            rest = below(event, self._room, self._theme)
        else:
            rest = todo_lines(todos, self._room, self._theme)
        self._draw([styled(f"{mark} ", style).append_text(head)], 0)
        self._draw(rest, _INDENT)

    def _verify(self, event: ev.VerifyFinished) -> None:
        good = event.exit_code == 0
        mark, style, word = ("✓", "green", "passes") if good else ("✗", "red", "fails")
        seconds = f"{event.seconds:.1f}"
        text = say(f"oneshot.verify_{word}", command=event.command, seconds=seconds)
        self._line(mark, text, style)
        last = event.output.strip().splitlines()[-1:]
        self._quote("\n".join(last), limit=1)

    def _diff(self, diff: str, limit: int) -> None:
        """Drawn for a person; in a pipe as it is, so that a program can read it."""
        if self._console.is_terminal:
            self._draw(draw_diff(diff, self._room, self._theme, limit), _INDENT)
            return
        lines = sanitise(diff).split("\n")
        self._draw(shortened([Text(line) for line in lines], limit, self._theme), _INDENT)

    def _draw(self, lines: Sequence[Text], indent: int) -> None:
        self._console.file.write(draw(lines, self._theme, indent))

    def _quote(self, text: str, limit: int) -> None:
        lines = sanitise(text).strip().splitlines()
        for line in lines[-limit:]:
            self._console.print(Text(f"  {line[:200]}", style="dim"), soft_wrap=True)

    def _line(self, mark: str, text: str, style: str = "") -> None:
        line = Text(f"{mark} " if mark else "", style=style)
        line.append(sanitise(text).replace("\n", " "), style=style if not mark else "")
        self._console.print(line, soft_wrap=True)

    def _stream(self, text: str) -> None:
        if not self._console.is_terminal:
            self._streaming = True
            self._console.file.write(sanitise(text))
            return
        if final := self._said().feed(text):
            self._put_prose(final)
            self._wait("")
        self._unfinished = (self._unfinished + text).rpartition("\n")[2][-self._room :]
        if self._status:
            self._status.update(self._waiting(self._unfinished))

    def _said(self) -> MarkdownStream:
        if self._prose is None:
            self._prose = MarkdownStream(self._room, self._theme, _INDENT)
            self._put_prose("\n")
        return self._prose

    def _put_prose(self, ansi: str) -> None:
        self._stop()
        self._console.file.write(ansi)

    def _settle(self) -> None:
        """End what is half on the screen before something else is drawn."""
        self._stop()
        if self._prose is not None:
            self._console.file.write(f"{self._prose.end()}\n")
            self._prose = None
        if self._streaming:
            self._console.print()
            self._streaming = False

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _wait(self, what: str) -> None:
        if self._console.is_terminal:
            self._status = self._console.status(self._waiting(what))
            self._status.start()

    def _waiting(self, what: str) -> Text:
        """The end of what goes on, so that it stays on the spinner's line."""
        return styled(cut_start(one_line(what), self._room - 2), "dim")


def _spent(tokens: ev.Tokens, cost: float | None) -> str:
    """Tokens and US dollars; "~" stands before what was estimated. What is free is not named."""
    about = "~" if tokens.estimated else ""
    thought = f"{about}{tokens.reasoning:,}"
    text = say(
        "oneshot.tokens",
        prompt=f"{about}{tokens.prompt:,}",
        cached=tokens.cached,
        completion=f"{about}{tokens.completion:,}",
        thought=say("oneshot.thought", tokens=thought) if tokens.reasoning else "",
    )
    if not cost:
        return text
    return say("oneshot.with_cost", text=text, cost=f"{about}${cost:.{4 if cost < 0.1 else 2}f}")
