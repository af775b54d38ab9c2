"""A Reader of calls written into the answer's text, wherever in it they were meant."""

from __future__ import annotations

from qwright.agent.dialects import Delta, Shown
from qwright.agent.dialects.answer import Answer
from qwright.agent.dialects.calls import failed
from qwright.agent.messages import ToolCall
from qwright.agent.model import CallChunk, ToolSpec

_CALL, _END_OF_CALL = "<tool_call>", "</tool_call>"
_MOST_CALLS = 32
_FENCED = "a code fence was open before it; close the fence with ``` and call again"


class TextReader(Answer):
    """Reads an answer, and looks at its end once more where no call was found.

    Where all of an answer is reasoning that ends with a complete call, the call was meant. Where
    it ends with one in a fence of code that was never closed, the model is told.
    """

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        last = super().finish(reason)
        if any(isinstance(one, CallChunk) for one in last) or reason == "length":
            return last
        calls: list[ToolCall] = []
        if reason == "stop" and not self.text.strip():
            calls = self._rescue()
        elif self.code is not None:
            calls = self._ask_again(self.code)
        return [*last, *(CallChunk(call) for call in calls)]

    def _rescue(self) -> list[ToolCall]:
        """The calls that reasoning ends with when nothing follows it.

        Read as an answer the whole of it must give the same, so that none is a quoted one.
        """
        start, calls = self._trailing_calls(self.reasoning)
        if calls and _same(self._read_again(self.reasoning, "stop").calls[-len(calls) :], calls):
            self._thoughts = [self.reasoning[:start].rstrip()]
            return calls
        return []

    def _ask_again(self, code: str) -> list[ToolCall]:
        """A fence that begins with its call quotes it; after other code it was forgotten."""
        start, calls = self._trailing_calls(code)
        return [failed(calls[0].name, _FENCED)] if calls and code[:start].strip() else []

    def _trailing_calls(self, text: str) -> tuple[int, list[ToolCall]]:
        """The complete calls in tags that `text` ends with, and where they begin."""
        start = len(text)
        found: tuple[int, list[ToolCall]] = (start, [])
        if not text.rstrip().endswith(_END_OF_CALL):
            return found
        for _ in range(_MOST_CALLS):
            start = text.rfind(_CALL, 0, start)
            if start < 0:
                break
            answer = self._read_again(text[start:])
            if answer.calls and not answer.prose.strip() and not any(c.error for c in answer.calls):
                found = (start, answer.calls)
        return found

    def _read_again(self, text: str, reason: str = "length") -> Answer:
        answer = Answer(list[ToolSpec](self._tools.values()))
        answer.feed(Delta(text))
        answer.finish(reason)
        return answer


def _same(found: list[ToolCall], calls: list[ToolCall]) -> bool:
    meanings = [[(one.name, one.arguments, one.error) for one in each] for each in (found, calls)]
    return meanings[0] == meanings[1]
