"""What a person sees of a run while it goes on: a live display on a terminal, else lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from qwright.evals.result import Result, Solution
from qwright.evals.run.hooks import Phase
from qwright.evals.run.meter import Meter
from qwright.evals.run.settings import Job
from qwright.evals.run.standing import Standing, outcome, short, span
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.text import Text

_MOST_SHOWN = 12
"""Running samples, in the live display."""
_BAR = 40
"""Cells."""
_WIDEST_NAME = 44
_OUTCOME = 15
"""Cells of the longest outcome, and a blank."""


class View(Protocol):
    """Who looks on: a terminal, a log, nobody."""

    def begin(self, jobs: Sequence[Job], done: Sequence[Result], meter: Meter) -> None:
        """All samples of the run, and the results there are already."""
        ...

    def phase(self, job: Job, phase: Phase) -> None: ...

    def finished(self, result: Result) -> None: ...

    def say(self, text: str) -> None:
        """One line of what takes long or went wrong."""
        ...

    def end(self) -> None: ...


def view_on(stream: TextIO, title: str) -> View:
    """The view that suits a stream. `title`: the data set and the model, say."""
    from qwright.agent.render.text import open_console

    console = open_console(stream)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, title)
    return LinesView(stream)


class LinesView:
    """A line for each sample that has ended: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._standing: Standing | None = None

    def begin(self, jobs: Sequence[Job], done: Sequence[Result], meter: Meter) -> None:
        self._standing = Standing(len(jobs), done, meter)
        before = f", {len(done)} of them done before" if done else ""
        self.say(f"{len(jobs)} samples{before}")

    def phase(self, job: Job, phase: Phase) -> None:
        pass

    def finished(self, result: Result) -> None:
        standing = self._standing
        assert standing is not None, "a view begins before a sample ends"
        standing.add(result)
        facts = ", ".join(standing.facts())
        self.say(f"[{standing.ended}/{standing.total}] {told(result)}; {facts}")

    def say(self, text: str) -> None:
        self._stream.write(_one_line(text) + "\n")
        self._stream.flush()

    def end(self) -> None:
        pass


class LiveView:
    """A display that stays at the bottom of the terminal; samples that have ended scroll above."""

    def __init__(self, console: Console, title: str) -> None:
        from rich.live import Live

        self._console = console
        self._title = _one_line(title)
        self._standing: Standing | None = None
        self._room = 0
        """Cells for a sample's name."""
        self._running: dict[str, tuple[str, Phase, float]] = {}
        """By key: name, phase, and since when the sample runs."""
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def begin(self, jobs: Sequence[Job], done: Sequence[Result], meter: Meter) -> None:
        self._standing = Standing(len(jobs), done, meter)
        longest = max((len(_one_line(job.name)) for job in jobs), default=0)
        self._room = min(longest, _WIDEST_NAME)
        self._live.start()

    def phase(self, job: Job, phase: Phase) -> None:
        _, _, since = self._running.get(job.key, ("", phase, time.monotonic()))
        self._running[job.key] = (_one_line(job.name), phase, since)

    def finished(self, result: Result) -> None:
        assert self._standing is not None, "a view begins before a sample ends"
        self._running.pop(result.key, None)
        self._standing.add(result)
        line = _line(result, self._room)
        self._console.print(line, soft_wrap=False, overflow="ellipsis", no_wrap=True)

    def say(self, text: str) -> None:
        self._console.print(_styled(f"  {_one_line(text)}", "dim"))

    def refresh(self) -> None:
        """Show at once what else is shown within a quarter of a second."""
        self._live.refresh()

    def end(self) -> None:
        self._live.stop()
        self._console.print()

    def _draw(self) -> Group:
        from rich.console import Group

        standing = self._standing
        if standing is None:
            return Group()
        facts = " · ".join(standing.facts())
        running = list(self._running.values())
        lines = [_styled(""), self._head(standing), _styled(f"  {facts}" if facts else "")]
        lines += [_running_line(*one) for one in running[:_MOST_SHOWN]]
        if len(running) > _MOST_SHOWN:
            lines.append(_styled(f"  and {len(running) - _MOST_SHOWN} more", "dim"))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(*lines)

    def _head(self, standing: Standing) -> Text:
        share = standing.ended / standing.total if standing.total else 1.0
        full = round(_BAR * share)
        left = standing.seconds_left
        head = _styled("  ")
        head.append("━" * full, "green").append("━" * (_BAR - full), "bright_black")
        head.append(f"  {standing.ended}/{standing.total}", "bold")
        if left is not None:
            head.append(f"  {span(left)} left")
        return head.append(f"  {self._title}", "dim")


def told(result: Result) -> str:
    """A sample that has ended, on one line."""
    parts = [f"{_name(result)}: {outcome(result)}", span(result.seconds)]
    if result.solution:
        parts.append(f"{_tokens(result.solution)} tokens")
    if result.error:
        parts.append(result.error)
    return ", ".join(parts)


_MARKS = {"done": ("✗", "red"), "failed": ("!", "yellow"), "stopped": ("·", "dim")}


def _line(result: Result, room: int) -> Text:
    """The same in columns, for a terminal."""
    mark, style = _MARKS[result.state]
    if result.state == "done" and (result.verdict is None or result.verdict.resolved):
        mark, style = "✓", "green"
    tokens = f"{_tokens(result.solution)} tokens" if result.solution else ""
    line = _styled(f"  {mark} ", style).append(f"{_one_line(_name(result)):<{room}}  ")
    line.append(f"{outcome(result):<{_OUTCOME}}", style)
    line.append(f"{span(result.seconds):>9}{tokens:>15}", "dim")
    return line.append(f"  {_one_line(result.error)}") if result.error else line


def _name(result: Result) -> str:
    return f"{result.instance} #{result.sample}" if result.sample else result.instance


def _tokens(solution: Solution) -> str:
    return short(solution.tokens.prompt + solution.tokens.completion)


def _running_line(name: str, phase: Phase, since: float) -> Text:
    taken = span(time.monotonic() - since)
    return _styled(f"  {phase:<8}", "cyan").append(f"{taken:>9}  ", "dim").append(name)


def _styled(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text().append(text, style)  # a style of its own would be that of all that follows


def _one_line(text: str) -> str:
    return " ".join(sanitise(text).split())
