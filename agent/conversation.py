"""The conversation: what is sent to the model, always within its window."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import aclosing, suppress

from qwright.agent import compaction, opening
from qwright.agent import events as ev
from qwright.agent import model as m
from qwright.agent.context import Context
from qwright.agent.cost import counted
from qwright.agent.errors import ContextOverflowError, ModelError
from qwright.agent.limits import Budget, Stop
from qwright.agent.messages import Image, Message, ToolCall
from qwright.agent.transcript import Transcript, paired
from qwright.sandbox.errors import WorkspaceError
from qwright.tools.base import ToolResult

_KEPT_RESULTS = (3, 0)
"""How many of the newest tool results stay; fewer only where that is not enough."""
_ASKED_TOKENS = 800
_USEFUL_TOKENS = 200
"""Room for an answer below which no summary is asked for."""


class Conversation:
    """Messages that only grow, so that a server's cache holds, until they must be shortened.

    Between two prompts the model has the last word, so that the next prompt can follow.
    `transcript` hears of every change.
    """

    def __init__(
        self,
        context: Context,
        system: Message,
        tools: Sequence[m.ToolSpec],
        transcript: Transcript | None = None,
    ) -> None:
        self.messages = [system]
        self.tools = tools
        self.step = 0
        """Of the last answer with calls; its checkpoint has the same."""
        self._context = context
        self._transcript = transcript
        self._prompts: list[Message] = []
        """The user's, as they were sent: no compaction is without them."""
        self._record = compaction.Record()
        self._partial: list[str] = []
        self._used: tuple[int, Message, Sequence[m.ToolSpec], int] | None = None

    @property
    def room(self) -> int:
        """Tokens of the longest answer that still fits."""
        return self._context.max_output(self.messages, self.tools)

    @property
    def used(self) -> int:
        """Tokens it takes, as well as is known."""
        now = (len(self.messages), self.messages[-1], self.tools)
        if self._used is None or self._used[:3] != now:
            tokens = self._context.tokens(self.messages, self.tools, care=1.0)
            self._used = (*now, tokens)
        return self._used[3]

    def fork(self) -> Conversation:
        """The same conversation, to be gone on with in another way."""
        other = copy.copy(self)
        other.messages, other._prompts = list(self.messages), list(self._prompts)
        other._record, other._partial = self._record.copy(), []
        return other

    def resume(self, messages: Sequence[Message]) -> None:
        """Go on from messages of another time; the system prompt is that of now."""
        self.messages[1:] = paired([one for one in messages if one.role != "system"])
        self._prompts = [one for one in self.messages if one.asked]
        self._record = compaction.Record.of(self.messages)
        self._changed()

    def move(
        self, context: Context, system: Message, tools: Sequence[m.ToolSpec], *, vision: bool
    ) -> None:
        """Go on with another model: its window, its prompt, its tools; with pictures or without."""
        self._context, self.tools, self._used = context, tools, None
        if not vision:
            self._prompts = [_without_images(one) for one in self._prompts]
            self.messages = [_without_images(one) for one in self.messages]
        self.messages[0] = system
        self._changed()

    def asked(self, words: str, prompt: str, images: tuple[Image, ...] = ()) -> None:
        """Add a prompt of the user's: their `words`, somewhere in all that is sent with them."""
        self._record.asked()
        message = Message(role="user", content=prompt, images=images, asked=words)
        self._prompts.append(message)
        self._add(message)

    def told(self, text: str) -> None:
        """Add what the loop says by itself."""
        self._record.told.append(text)
        self._add(Message(role="user", content=text))

    def hear(self, said: list[str]) -> None:
        """Watch the pieces of an answer: where it is never complete, they are what stays of it."""
        self._partial = said

    @property
    def insists(self) -> bool:
        """Whether the model was just asked for a call that it had announced."""
        return self.messages[-1].content == opening.CALL_NOW

    def announced(self) -> bool:
        """Ask for the call that an answer to a prompt wrote about and did not make; once."""
        before, answer = self.messages[-2:]
        named = any(tool.name in answer.content for tool in self.tools)
        if not named or before.role != "user" or before.content == opening.CALL_NOW:
            return False
        self.told(opening.CALL_NOW)
        return True

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
        self._partial = []
        self._add(answer)
        if finish.reason == "length" and not calls:
            self.told(opening.CUT_OFF)

    def returned(self, call: ToolCall, result: ToolResult, remark: str = "") -> str:
        """Add what a call gave, and return it as the model sees it: cut to its share."""
        self._record.acted(call, result)
        text = self._context.bounded(result.text, self.messages, self.tools) + remark
        self._add(Message(role="tool", content=text, tool_call_id=call.id))
        return text

    def settle(self, note: str) -> None:
        """Give every call a result and the model the last word: what it had said, and `note`."""
        said, self._partial = "".join(self._partial).strip(), []
        self.messages = paired(self.messages, note)
        if len(self.messages) > 1 and self.messages[-1].role != "assistant":
            content = f"{said}\n\n{note}".strip()
            self.messages.append(Message(role="assistant", content=content))
        with suppress(WorkspaceError):  # it is tried again with the next message
            self._changed()

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
                self._changed()
                return True
        return False

    async def own_summary(
        self, model: m.Model, budget: Budget, hint: str = ""
    ) -> tuple[str, list[m.Usage]]:
        """What the model itself would keep, and what asking took; "" where it gives nothing.

        The tools are shown as ever, or the server's cache of the prompt would be void; calls are
        ignored. `hint` says what matters. Raises Stop.
        """
        text, took = list[str](), list[m.Usage]()
        forms = [compaction.asking(one, hint) for one in (self.messages, self._shorter())]
        rooms = [min(_ASKED_TOKENS, self._context.max_output(one, self.tools)) for one in forms]
        best = next((place for place, room in enumerate(rooms) if room >= _USEFUL_TOKENS), None)
        if best is None:
            return "", took
        asked = model.stream(forms[best], self.tools, max_output=rooms[best])
        try:
            async with aclosing(asked) as stream:
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

    def can_shrink(self) -> bool:
        """Whether a summary could be any shorter than this."""
        if not self._prompts:
            return False
        least = compaction.summary(self._record, "", "", self._context.limit)
        return self._tokens(self._anew(least, [])) <= self._tokens(self.messages) * 8 // 10

    def compact(self, own: str, changed: str) -> ev.Compacted:
        """Keep the user's prompts, the facts, and the model's `own` summary of all the rest.

        `changed`: the files changed so far, a line each. Raises Stop where nothing gets shorter.
        """
        before, limit = self._tokens(self.messages), self._context.limit
        text = compaction.summary(self._record, changed, own, limit)
        for step in (compaction.last_step(self.messages), []):
            anew = self._anew(text, step)
            after = self._tokens(anew)
            if after <= min(limit * 3 // 4, before * 9 // 10):
                self.messages = anew
                self._changed()
                return ev.Compacted(summary=text, before=before, after=after)
        raise Stop("context_limit", self._context.too_small())

    def _anew(self, text: str, step: Sequence[Message]) -> list[Message]:
        start, is_new = (self.messages[0], *self._prompts), bool(self.messages[-1].asked)
        return compaction.begun_anew(start, text, step, self._context.limit, is_new=is_new)

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._changed()

    def _changed(self) -> None:
        if self._transcript:
            self._transcript.follow(self.messages, self.step)

    def _tokens(self, messages: Sequence[Message]) -> int:
        return self._context.tokens(messages, self.tools)

    def _shorter(self, keep: int = 0) -> list[Message]:
        excess = self._tokens(self.messages) - self._context.limit // 2
        return compaction.without_old_results(self.messages, excess, keep)


def _without_images(message: Message) -> Message:
    if not message.images:
        return message
    content = f"{message.content}\n\n(A picture was here, which you cannot see.)"
    return message.model_copy(update={"images": (), "content": content})
