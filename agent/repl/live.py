"""What moves while the agent works: the spinner, how long it has been, how fast it writes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from rich.text import Text

from qwright.agent.language import say
from qwright.agent.render.ink import columns, cut, cut_start, one_line, styled
from qwright.agent.render.theme import Theme
from qwright.agent.render.toolline import Call, duration, tool_line

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WINDOW = 3.0
"""Seconds over which the rate is taken."""
_BAR = 16
_CHARACTERS = 4
"""Of a token, where a delta holds several."""
_THOUGHT = 1_000


@dataclass(slots=True)
class Rate:
    """Tokens a second over the last moments, by the deltas that came."""

    came: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def add(self, now: float, text: str) -> None:
        self.came.append((now, max(len(text) // _CHARACTERS, 1)))
        self._forget(now)

    def per_second(self, now: float) -> float:
        """Zero where too little came to say."""
        self._forget(now)
        if len(self.came) < 4:
            return 0.0
        return sum(tokens for _, tokens in self.came) / max(now - self.came[0][0], 0.5)

    def _forget(self, now: float) -> None:
        while self.came and self.came[0][0] < now - _WINDOW:
            self.came.popleft()


@dataclass(slots=True)
class Activity:
    """What is going on now; drawn as one line."""

    began: float
    """When the run did."""
    call: Call | None = None
    call_began: float = 0.0
    prefill: tuple[int, int] | None = None
    """Tokens of the prompt that were read, and all of them."""
    writing: bool = False
    """Whether the model writes its answer, rather than that nothing has come of it yet."""
    thought: str = ""
    """The latest of the model's reasoning."""
    step: str = ""
    """What the model's list says it is at."""
    rate: Rate = field(default_factory=Rate)

    def started(self, call: Call, now: float) -> None:
        """A call runs from now on."""
        self.call, self.call_began = call, now

    def wrote(self, text: str, now: float, thought: str = "") -> None:
        """The model writes; `thought` is all of its reasoning so far, while it reasons."""
        self.rate.add(now, text)
        self.prefill = None
        self.thought = thought[-_THOUGHT:]
        self.writing = not thought

    def approved(self, now: float) -> None:
        """The call may run: only now it does."""
        self.call_began = now

    def returned(self, step: str) -> None:
        """The call is over; `step` is what the model's list says it is at."""
        self.call, self.step = None, step

    def said(self) -> None:
        """What the model was writing is over."""
        self.prefill = None
        self.thought = ""
        self.writing = False

    def draw(self, now: float, width: int, theme: Theme, waiting: str = "") -> Text:
        """One line; `waiting` says what the agent waits for, if it does."""
        frame = _FRAMES[int((now - self.began) * 10) % len(_FRAMES)]
        line = styled(f"{frame} ", theme["accent"])
        return line.append_text(self._told(now, width - 2, theme, waiting))

    def _told(self, now: float, width: int, theme: Theme, waiting: str) -> Text:
        since = self.call_began if self.call else self.began
        told = [_elapsed(now - since)]
        rate = self.rate.per_second(now)
        if rate and not self.call:
            told.append(say("view.rate", rate=f"{rate:.0f}"))
        told.append(say("view.interrupts"))
        tail = styled("".join(f" · {part}" for part in told if part), theme["dim"])
        head = self._head(width - columns(tail.plain), theme, waiting)
        if columns(head.plain) + columns(tail.plain) > width:
            tail = styled("".join(f" · {part}" for part in told[:1] if part), theme["dim"])
        return head.append_text(tail)

    def _head(self, room: int, theme: Theme, waiting: str) -> Text:
        if self.call:
            return tool_line(self.call, None, max(room, 20), theme)
        if waiting:
            return Text(cut(waiting, max(room, 20)))
        if self.prefill:
            return _progress(*self.prefill, theme)
        what = self.step or say("view.writing" if self.writing else "view.thinking")
        what = cut(what, max(room, 20))
        if not self.thought:
            return Text(what)
        left = max(room - columns(what) - 2, 0)
        last = one_line(self.thought[-4 * left :]) if left else ""
        return Text(what).append(f"  {cut_start(last, left)}", f"italic {theme['dim']}".strip())


def _elapsed(seconds: float) -> str:
    """Whole seconds: tenths that run past are of no use."""
    if seconds < 60:
        return say("view.seconds", seconds=int(seconds)) if seconds >= 1 else ""
    return duration(int(seconds))


def _progress(done: int, total: int, theme: Theme) -> Text:
    share = min(done / total, 1.0) if total > 0 else 0.0
    full = round(share * _BAR)
    line = Text(say("view.reading_prompt")).append("  ")
    line.append("━" * full, theme["accent"]).append("─" * (_BAR - full), theme["dim"])
    return line.append(f" {share:.0%}")
