"""What a server's token counts say of it: honest, useless, or that it cuts conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qwright.agent.messages import Message
from qwright.agent.model import ToolSpec
from qwright.agent.tokens import tokens_in

Verdict = Literal["good", "useless", "cut"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, its estimate, and its tokens as the server counted them (0: it did not)."""

    messages: tuple[Message, ...]
    tools: Sequence[ToolSpec]
    estimate: int
    counted: int

    def begins(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> bool:
        """Whether this request is the beginning of that conversation, or all of it."""
        same = len(messages) >= len(self.messages) and tools == self.tools
        return same and all(a is b for a, b in zip(self.messages, messages, strict=False))


class Counts:
    """Compares the counts of requests of the same growing conversation, never single ones."""

    def __init__(self) -> None:
        self._first = 0
        """The count of the conversation's first request."""
        self._peak: Sent | None = None
        """The request for which the server counted most."""
        self._before: Sent | None = None
        self._whole: bool | None = None
        """Whether it counts whole prompts, or leaves out what it had evaluated before."""

    @property
    def most(self) -> int:
        """The highest count of this conversation."""
        return max((one.counted for one in (self._peak, self._before) if one), default=0)

    def verdict(self, sent: Sent, cached: int, ratio: float) -> Verdict:
        """What the next count says. `ratio`: tokens of this server for an estimated one."""
        before, self._before = self._before or sent, sent
        if not sent.counted:
            return "useless"
        peak = self._peak
        if peak is None or not peak.begins(sent.messages, sent.tools):
            self._first, self._peak = sent.counted, sent
            return "good"
        self._judge(sent.counted, ratio * (sent.estimate - before.estimate))
        if self._whole and _is_cut(sent, peak, cached, ratio):
            return "cut"
        if not self._whole or sent.counted <= peak.counted:
            return "useless"
        self._peak = sent
        return "good"

    def _judge(self, counted: int, fresh: float) -> None:
        """The first clear sign decides. `fresh`: tokens added since the request before."""
        if self._whole is not None:
            return
        if counted > 1.5 * fresh + 100:
            self._whole = True
        elif counted < self._first // 2:
            self._whole = False


def _is_cut(sent: Sent, peak: Sent, cached: int, ratio: float) -> bool:
    """Whether there are too few tokens although the conversation only grew.

    A template may leave out what was thought before; that is no cut.
    """
    thoughts = sum(tokens_in(one.reasoning) for one in sent.messages if one.reasoning)
    counted = sent.counted + cached + thoughts
    grown = ratio * (sent.estimate - peak.estimate)
    shrank = sent.counted <= peak.counted and counted < 0.8 * (peak.counted + grown)
    return shrank or counted < 0.8 * peak.counted + 0.3 * grown
