"""How much of a model's window a conversation takes, and what may still go in.

Tokens are estimated, then corrected by what the server counted: the last prompt it measured plus
the estimate of what was added since, with the ratio learned from both.
"""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent.counts import Counts, Sent
from qwright.agent.endpoint import Provider
from qwright.agent.errors import ContextOverflowError, ModelError
from qwright.agent.limits import Stop
from qwright.agent.messages import Message
from qwright.agent.model import Finish, ToolSpec
from qwright.agent.profile import Profile
from qwright.agent.server_info import HOSTED, mending_line
from qwright.agent.tokens import tokens_in, tokens_of_message, tokens_of_tools
from qwright.tools.truncate import truncate

_CAREFUL = 1.15
"""What has not been measured is taken for this much more than the estimate."""
_SURE = 1.45
"""The same where an error would be refused by the server, as for base64 of which none was seen."""
_DENSE = 0.85
_LEAST = 100
"""Tokens that every tool result may have."""
_PLAUSIBLE = 0.4
"""Share of the estimate below which a count says something else."""
_SMALLEST = 1_024
"""A window in which no task can be done."""


class Context:
    """The window of one model on one server. All sizes are tokens unless said otherwise."""

    def __init__(self, profile: Profile, provider: Provider = "compatible") -> None:
        self.size = profile.context
        """Of prompt and answer together, as far as is known."""
        self._most = profile.max_output
        self._keeps_thoughts = profile.keeps_thoughts
        self._provider: Provider = provider
        self._is_known = provider in HOSTED or provider == "embedded"
        """Whether the server is known to refuse what is too long, and never to cut it."""
        self._ratio = 1.0
        self._measured: Sent | None = None
        """The last request whose count can be believed."""
        self._last: Sent | None = None
        self._counts = Counts()
        self._refused: set[int] = set()

    @property
    def limit(self) -> int:
        """A longer prompt would leave too little room for the answer."""
        return self.size - self._margin - self._reserve

    def tokens(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, care: float = _CAREFUL
    ) -> int:
        """What a prompt takes, rather too many than too few."""
        last = self._measured
        if last and last.begins(messages, tools):
            added = self._of(messages[len(last.messages) :])
            return last.counted + round(added * self._density * care)
        return round(self._estimate(messages, tools) * self._density * care)

    def max_output(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        """The longest answer that surely fits after this prompt; below one where none does.

        Half of what is reserved for it at least, as long as the prompt is within the limit.
        """
        sure = self.size - self._margin - self.tokens(messages, tools, care=_SURE)
        if self.tokens(messages, tools) <= self.limit:
            sure = max(sure, self._reserve // 2)
        return min(self._most, sure)

    def bounded(self, text: str, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
        """A tool's result, cut so that it takes no more than a third of what a task has."""
        left = self.size - self._margin - self.tokens(messages, tools)
        share = (self.limit - self.tokens(messages[:2], tools)) // 3
        allowed = max(_LEAST, min(share, left // 2))
        needed = round(tokens_in(text) * self._density * _CAREFUL)
        if needed <= allowed:
            return text
        return truncate(text, max(200, len(text) * allowed // needed))

    def learn(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], allowed: int, finish: Finish
    ) -> None:
        """Note what the server counted for a request whose answer might take `allowed`.

        Raises ModelError when it has cut the conversation, or has a smaller window than it said.
        """
        usage = finish.usage
        unfinished = finish.reason == "length" and usage.completion < allowed
        if unfinished and self._is_hidden_end(usage.prompt + usage.completion):
            raise self._lie(usage.prompt + usage.completion)
        # Some leave out of the prompt what came from their cache; most count it in.
        counted = usage.prompt + (usage.cached if usage.cached > usage.prompt else 0)
        sent = Sent(tuple(messages), tools, self._estimate(messages, tools), counted)
        self._last = sent
        verdict = self._counts.verdict(sent, usage.cached, self._ratio)
        if verdict == "cut" and not self._is_known:
            raise self._lie(self._counts.most)
        if verdict == "good" and counted >= _PLAUSIBLE * sent.estimate:
            self._ratio = min(2.0, max(0.5, counted / sent.estimate))
            self._measured = sent

    def shrink(
        self, error: ContextOverflowError, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> None:
        """Believe a server that refused this request about its window.

        Raises Stop where no task could be done in what is left.
        """
        if error.prompt:
            self._ratio = max(self._ratio, error.prompt / self._estimate(messages, tools))
        sent = self.tokens(messages, tools)
        self._measured = None
        named = min(error.window or self.size, self.size)
        told = error.window is not None and named not in self._refused
        self._refused.add(named)
        self.size = named if told else round(0.7 * min(named, sent + self._most))
        if self.size < _SMALLEST:
            raise Stop("context_limit", str(error))

    def too_small(self) -> str:
        """Why a run ends whose conversation cannot be made any shorter."""
        advice = "ask for less at once, or choose a model with a larger one"
        if not self._is_known:
            advice = mending_line(self._provider, max(32_768, 2 * self.size))
        return (
            f"stopped: the task does not fit the model's window of {self.size:,} tokens; {advice}"
        )

    @property
    def _reserve(self) -> int:
        """Kept free for the answer."""
        return min(self._most, self.size // 4)

    @property
    def _density(self) -> float:
        """Tokens for an estimated one. What comes next may be denser than all that was measured."""
        return max(self._ratio, _DENSE)

    @property
    def _margin(self) -> int:
        return 32 + self.size // 64

    def _is_hidden_end(self, total: int) -> bool:
        """Whether an answer that ended here has met a window smaller than the one we know."""
        return not self._is_known and 2_048 <= total < self.size and total & (total - 1) == 0

    def _lie(self, counted: int) -> ModelError:
        window = 1 << (counted - 1).bit_length()
        return ModelError(
            f"the server cuts what is longer than about {window:,} tokens and does not say so, so "
            f"that the model loses its task; {mending_line(self._provider)}"
        )

    def _estimate(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        last = self._last
        if last and last.begins(messages, tools):
            return last.estimate + self._of(messages[len(last.messages) :])
        return self._of(messages) + tokens_of_tools(tools)

    def _of(self, messages: Sequence[Message]) -> int:
        return sum(tokens_of_message(one, thoughts=self._keeps_thoughts) for one in messages)
