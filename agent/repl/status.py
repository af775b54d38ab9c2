"""The status line: what matters least is what a narrow terminal does without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from qwright.agent.events import Tokens
from qwright.agent.language import say
from qwright.agent.policy import Mode
from qwright.agent.render.below import dollars, short
from qwright.agent.render.ink import columns, cut, cut_middle, draw, one_line, styled
from qwright.agent.render.theme import Role, Theme
from qwright.agent.render.toolline import many

if TYPE_CHECKING:
    from qwright.agent.chat import Chat

_Sandbox = Literal["starting", "ready", "failed"]
_MODES: dict[Mode, Role] = {"plan": "accent", "ask": "good", "auto-edit": "warn", "auto": "strong"}
_SANDBOX: dict[_Sandbox, tuple[str, Role]] = {
    "starting": ("○", "warn"),
    "ready": ("●", "good"),
    "failed": ("✗", "bad"),
}
_WARN, _FULL = 0.7, 0.9
"""Shares of the context from which on it is coloured."""
_NAME = 28
_BETWEEN = " · "
_APART = 3
"""Cells between what stands left and what stands right."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One moment, as it is told below the input."""

    theme: Theme
    model: str
    mode: Mode
    context_used: int
    context_size: int
    tokens: Tokens
    cost: float | None = None
    branch: str = ""
    changed: int = 0
    sandbox: _Sandbox = "ready"
    title: str = ""

    def render(self, width: int) -> tuple[str, str]:
        """The left and the right side, which fit in `width` cells together."""
        left, right = self._left(), self._right()
        while _size(left) + _size(right) + _APART > width and len(left) + len(right) > 1:
            side = min((left, right), key=lambda parts: min(parts, default=99))
            del side[min(side)]
        return self._joined(left, width), self._joined(right, width)

    def _left(self) -> dict[int, Text]:
        """By how much each matters."""
        theme = self.theme
        model = Text(cut_middle(one_line(self.model), _NAME))
        parts = {9: styled(self.mode, theme[_MODES[self.mode]]), 7: model}
        if self.branch:
            parts[4] = Text(cut_middle(one_line(self.branch), _NAME))
        if self.changed:
            parts[5] = styled(many("view.changed", self.changed), theme["warn"])
        if self.title:
            parts[1] = styled(cut(one_line(self.title), 40), theme["dim"])
        return parts

    def _right(self) -> dict[int, Text]:
        parts = {8: self._context()} if self.context_size else {}
        spent = self.tokens.prompt + self.tokens.completion
        if spent:
            about = "~" if self.tokens.estimated else ""
            words = say("view.tokens", count=f"{about}{short(spent)}")
            parts[2] = styled(words, self.theme["dim"])
        if self.cost:
            words = dollars(self.cost, estimated=self.tokens.estimated)
            parts[3] = styled(words, self.theme["dim"])
        parts[6] = self._sandbox()
        return parts

    def _context(self) -> Text:
        share = self.context_used / self.context_size
        role: Role = "bad" if share >= _FULL else "warn" if share >= _WARN else "dim"
        return styled(say("view.context", share=f"{share:.0%}"), self.theme[role])

    def _sandbox(self) -> Text:
        sign, role = _SANDBOX[self.sandbox]
        words = say(f"view.sandbox_{self.sandbox}")
        return styled(f"{sign} ", self.theme[role]).append(words, self.theme["dim"])

    def _joined(self, parts: dict[int, Text], width: int) -> str:
        between = styled(_BETWEEN, self.theme["dim"])
        line = between.join(parts.values())
        line.truncate(width, overflow="ellipsis")
        return draw([line], self.theme)[:-1]


def status_line(chat: Chat, theme: Theme) -> StatusLine:
    """The status of a chat as it is now."""
    from qwright.sandbox.head import head_branch

    now = chat.status()
    return StatusLine(
        theme,
        now.model,
        now.mode,
        now.context_used,
        now.context_size,
        now.tokens,
        now.cost,
        head_branch(chat.source),
        now.changed,
        now.sandbox,
        now.title,
    )


def _size(parts: dict[int, Text]) -> int:
    words = sum(columns(part.plain) for part in parts.values())
    return words + len(_BETWEEN) * max(len(parts) - 1, 0)
