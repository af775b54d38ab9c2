"""The conversation of one attempt: what is sent to the model, always within its window."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent import compaction, opening
from qwright.agent import events as ev
from qwright.agent import model as m
from qwright.agent.context import Context
from qwright.agent.cost import counted
from qwright.agent.errors import ContextOverflowError, ModelError
from qwright.agent.limits import Budget, Stop
from qwright.agent.messages import Image, Message, ToolCall
from qwright.tools.base import ToolResult

_KEPT_RESULTS = (3, 0)
"""How many of the newest tool results stay; fewer only where that is not enough."""
_ASKED_TOKENS = 800
_USEFUL_TOKENS = 200
"""Room for an answer below which no summary is asked for."""


class Conversation:
    """Messages that only grow, so that a server's cache holds, until they must be shortened."""

    def __init__(
        self,
        context: Context,
        system: Message,
        prompt: str,
        tools: Sequence[m.ToolSpec],
        *,
        images: tuple[Image, ...] = (),
    ) -> None:
        self.messages = [system, Message(role="user", content=prompt, images=images)]
        self.tools = tools
        self._start = tuple(self.messages)
        self._context = context
        self._record = compaction.Record()

    @property
    def room(self) -> int:
        """Tokens of the longest answer that still fits."""
        return self._context.max_output(self.messages, self.tools)

    def told(self, text: str) -> None:
        """Add what the user's side says."""
        self._record.told.append(text)
        self.messages.append(Message(role="user", content=text))

    def answered(self, finish: m.Finish, calls: Sequence[ToolCall], prose: str, room: int) -> None:
        """Add an answer that might have taken `room`. Raises ModelError for one to a cut prompt."""
        self._context.learn(self.messages, self.tools, room, finish)
        self._record.said(prose)
        answer = Message(
            role="assistant",
            content=finish.text,
            tool_calls=tuple(calls),
            reasoning=finish.reasoning,
        )
        self.messages.append(answer)
        if finish.reason == "length" and not calls:
            self.told(opening.CUT_OFF)

    def returned(self, call: ToolCall, result: ToolResult, remark: str = "") -> str:
        """Add what a call gave, and return it as the model sees it: cut to its share."""
        self._record.acted(call, result)
        text = self._context.bounded(result.text, self.messages, self.tools) + remark
        self.messages.append(Message(role="tool", content=text, tool_call_id=call.id))
        return text

    def refused(self, error: ContextOverflowError) -> ev.Notice:
        """Believe a server that says the request is too long. Raises Stop when all is too long."""
        self._context.shrink(error, self.messages, self.tools)
        size = self._context.size
        return ev.Notice(text=f"the model's window has only {size:,} tokens; going on within it")

    def shorten(self) -> bool:
        """Where there is no room for an answer, leave out old tool results; whether that helps."""
        tokens, limit = self._tokens(self.messages), self._context.limit
        if tokens <= limit:
            return True
        for shorter in map(self._shorter, _KEPT_RESULTS):
            # Much at once or not at all, for each time the server must evaluate it all again.
            if self._tokens(shorter) <= limit * 3 // 4:
                self.messages = shorter
                return True
        return False

    async def own_summary(self, model: m.Model, budget: Budget) -> tuple[str, list[m.Usage]]:
        """What the model itself would keep, and what asking took; "" where it gives nothing.

        The tools are shown as ever, or the server's cache of the prompt would be void; calls are
        ignored. Raises Stop.
        """
        text, took = list[str](), list[m.Usage]()
        forms = [compaction.asking(one) for one in (self.messages, self._shorter())]
        rooms = [min(_ASKED_TOKENS, self._context.max_output(one, self.tools)) for one in forms]
        best = next((place for place, room in enumerate(rooms) if room >= _USEFUL_TOKENS), None)
        if best is None:
            return "", took
        stream = model.stream(forms[best], self.tools, max_output=rooms[best])
        try:
            while (chunk := await budget.wait(anext(stream, None))) is not None:
                match chunk:
                    case m.TextDelta():
                        text.append(chunk.text)
                    case m.RetryChunk(usage=usage):
                        text.clear()
                        took += [usage] if usage else []
                    case m.Finish():
                        took.append(counted(chunk, forms[best], self.tools))
                    case _:
                        pass
        except ModelError:
            text.clear()  # the facts must do; what is wrong shows at the next request
        return "".join(text), took

    def compact(self, own: str, changed: str) -> ev.Compacted:
        """Replace what came after the first prompt: the facts, and the model's `own` summary.

        `changed`: the files changed so far, a line each. Raises Stop where nothing gets shorter.
        """
        before, limit = self._tokens(self.messages), self._context.limit
        text = compaction.summary(self._record, changed, own, limit)
        for step in (compaction.last_step(self.messages), []):
            anew = compaction.begun_anew(self._start, text, step)
            after = self._tokens(anew)
            if after <= min(limit * 3 // 4, before * 9 // 10):
                self.messages = anew
                return ev.Compacted(summary=text, before=before, after=after)
        raise Stop("context_limit", self._context.too_small())

    def _tokens(self, messages: Sequence[Message]) -> int:
        return self._context.tokens(messages, self.tools)

    def _shorter(self, keep: int = 0) -> list[Message]:
        excess = self._tokens(self.messages) - self._context.limit // 2
        return compaction.without_old_results(self.messages, excess, keep)
