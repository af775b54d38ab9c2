"""Reads the text of an answer as it streams: shows prose, holds back and collects calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qwright.agent.dialects import Delta, Shown
from qwright.agent.dialects.blocks import (
    CALL,
    END_OF_THOUGHT,
    END_TAGS,
    END_TOKENS,
    ENDS_CALLS,
    NEXT_TURN,
    OPENER,
    RESPONSE,
    Block,
    Scanners,
    Verdict,
    bare,
    closing_fence,
    fenced,
    held_from,
    in_quotes,
    may_be_function,
    tagged,
    was_meant,
)
from qwright.agent.dialects.calls import (
    NOT_JSON,
    DescriptionError,
    failed_call,
    read_calls,
    read_unescaped,
)
from qwright.agent.dialects.functions import Functions, before_response
from qwright.agent.dialects.pairs import Pairs
from qwright.agent.dialects.tags import OPENING
from qwright.agent.messages import ToolCall
from qwright.agent.model import CallChunk, ReasoningDelta, TextDelta, ToolSpec

_STOPS_FLOW = re.compile(r"[\n<]")
_DECIDES = re.compile(r"""["'}\]<>`]""")
"""What must come before more text can change the verdict on a call that is not complete."""


class Answer:
    """An answer's text, kept whole and read from `_at`, where everything before is decided.

    Calls inside reasoning, or quoted in code fences and between backticks, are text.
    """

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._pairs, self._thought_pairs = Pairs(), Pairs()
        self._text = ""
        self._new: list[str] = []
        self._waits = self._flows = False
        self._flowed = 0
        self._scanners: Scanners = {}
        self._functions: Functions | None = None
        self._xml_from = -1
        self._response = 0
        self._at = 0
        self._start = 0
        self._stop: int | None = None
        self._out: list[Shown] = []
        self._calls: list[ToolCall] = []
        self._before: str | None = None
        self._kept: list[str] = []
        self._thoughts: list[str] = []
        self._fence = ""
        self._fence_from = 0
        self._thinking = False
        self._ended = False
        self._final = False
        self._length = False
        self._cut = False

    def feed(self, delta: Delta) -> list[Shown]:
        if delta.reasoning:
            self._think(self._thought_pairs.join(delta.reasoning))
        if delta.content and not self.done:
            self._add(self._pairs.join(delta.content))
        return self._take()

    def _add(self, text: str) -> None:
        self._new.append(text)
        if self._flows and not _STOPS_FLOW.search(text):
            self._flow(text)
        elif not self._waits or _DECIDES.search(text):
            self._catch_up()

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        self._think(self._thought_pairs.rest())
        self._new.append("" if self.done else self._pairs.rest())
        self._final, self._length = True, reason == "length"
        self._catch_up()
        return [*self._take(), *(CallChunk(call) for call in self._calls)]

    def _flow(self, text: str) -> None:
        """Show what goes on with a line that is shown so far, and cannot begin anything."""
        self._flowed += len(text)
        if self._thinking:
            self._think(text)
        else:
            self._kept.append(text)
            self._out.append(TextDelta(text))

    def _catch_up(self) -> None:
        self._text += "".join(self._new)
        self._new.clear()
        self._at, self._flowed = self._at + self._flowed, 0
        self._waits = False
        self._read()
        in_line = self._at == len(self._text) and not self._text.endswith("\n")
        self._flows = in_line and (self._before is None or bool(self._kept))
        if self._xml_from >= 0 and not self._final:
            self._look_for_response()

    @property
    def text(self) -> str:
        """The answer after its reasoning, up to a response the model made up."""
        answer = self._text[self._start : self._stop]
        answer = answer.lstrip("\n") if self._start else answer
        return answer.rstrip() if self._ended else answer

    @property
    def calls(self) -> list[ToolCall]:
        return self._calls

    @property
    def code(self) -> str | None:
        """What stands in a code fence that was never closed; None where there is none."""
        return self._text[self._fence_from :] if self._fence else None

    @property
    def prose(self) -> str:
        """The answer without the calls that were read; calls that failed stay in it."""
        rest = "".join(self._kept)
        if self._before is None:
            return rest
        return "\n".join(part for part in (self._before, rest.strip()) if part)

    @property
    def reasoning(self) -> str:
        return "".join(self._thoughts)

    @property
    def cut(self) -> bool:
        return self._cut

    @property
    def done(self) -> bool:
        return self._ended

    def _take(self) -> list[Shown]:
        out, self._out = self._out, []
        return out

    def _read(self) -> None:
        while not self._ended and self._at < len(self._text):
            if self._thinking:
                moved = self._read_thought()
            elif self._fence:
                moved = self._read_fence()
            else:
                moved = self._read_prose()
            if not moved:
                return

    def _read_prose(self) -> bool:
        """Show text up to the next thing that may be a call, and decide on that."""
        if self._before is not None and not self._kept and self._text[self._at].isspace():
            self._at += 1
            return True
        opener = OPENER.search(self._text, self._at)
        if opener is None:
            self._show(self._end_of_prose())
            return False
        self._show(opener.start())
        if opener["fence"]:
            return self._open_fence(opener)
        if opener["tag"]:
            return self._open_tag(opener["tag"], opener.end())
        return self._open_bare(opener.start(opener.lastgroup or 0), xml=bool(opener["xml"]))

    def _open_bare(self, start: int, *, xml: bool) -> bool:
        """A call without a tag, unless one before it was found to be quoted."""
        before = self._text[max(0, start - 80) : start].rstrip()
        if before.endswith((CALL, "<tools>")):
            return self._show(start + 1)
        if xml:
            return self._open_function(start)
        block = bare(self._text, start, self._tools, self._scanners)
        return self._settle(block, start, start + 1)

    def _end_of_prose(self) -> int:
        """Up to where text can be shown. Of an answer that was cut, half a tag never can."""
        held = held_from(self._text, self._at)
        tag = self._length and self._text.startswith(("<t", "<f", "</t"), held)
        return held if tag or not self._final else len(self._text)

    def _open_tag(self, tag: str, end: int) -> bool:
        if in_quotes(self._text, self._at):
            return self._show(end)
        if tag in (CALL, "<tools>"):
            block = tagged(self._text, end, self._scanners, self._tools, final=self._final)
            if block.verdict is Verdict.XML and tag == CALL:
                return self._read_functions(block.end, end, tagged=True)
            return self._settle(block, end, end, clear=tag == CALL)
        if tag == "<think>":
            leads = not self._text[self._start : self._at].strip()
            self._stop = self._start if leads else self._at
            self._thinking, self._at = True, end
        elif tag == END_OF_THOUGHT:
            self._void_thought(end)
        elif tag in ENDS_CALLS and self._calls:
            self._ended, self._stop = True, self._at
        elif tag in END_TAGS and self._calls:
            self._at = end
        elif tag in END_TOKENS:
            return self._end_turn(end)
        else:
            self._show(end)
        return True

    def _end_turn(self, end: int) -> bool:
        """The token that ends a turn, let through by a server, when nothing or a turn follows."""
        rest = self._text[end : end + 200].lstrip()[: len(NEXT_TURN)]
        if rest == NEXT_TURN or (self._final and not rest):
            self._ended, self._stop = True, self._at
            return True
        return (self._final or not NEXT_TURN.startswith(rest)) and self._show(end)

    def _open_function(self, start: int) -> bool:
        """A call whose `<tool_call>` is missing: read only if a known tool is named."""
        head = OPENING.match(self._text, start)
        if head and head["name"] in self._tools:
            return self._read_functions(start, head.end(), tagged=False)
        if head is None and may_be_function(self._text, start, self._tools):
            if not self._final:
                return False
            if self._length:
                return self._give_up(start, meant=False)
        return self._show(head.end() if head else start + 1)

    def _read_functions(self, start: int, text_end: int, *, tagged: bool) -> bool:
        """Read calls in Qwen3-Coder's form, which only the complete answer can tell the end of."""
        if not self._final:
            self._xml_from, self._waits = start, True
            return False
        self._functions = self._functions or Functions(self._text, self._tools, cut=self._length)
        found = self._functions.read(start, tagged=tagged)
        if found is None:
            return self._show(text_end)
        self._cut = self._cut or found.cut
        self._add_calls(found.calls, found.end, keep=found.keep)
        return True

    def _look_for_response(self) -> None:
        """End the answer where, after complete calls, the model makes up their result."""
        text = before_response(self._text, self._response, self._xml_from, self._tools)
        self._response = max(self._response, len(self._text) - len(RESPONSE))
        if text is not None:
            self._text, self._final = text, True
            self._read()
            self._ended, self._stop = True, len(text)

    def _open_fence(self, opener: re.Match[str]) -> bool:
        body = opener.end() + 1
        if body > len(self._text):
            return self._final and self._show(len(self._text))
        if self._text[opener.end()] != "\n":
            return self._show(body)
        word = opener["info"].strip().lower()
        block = fenced(self._text, body, opener["fence"], word, self._tools, self._scanners)
        if block.verdict in (Verdict.MORE, Verdict.OPEN) and not self._final:
            self._waits = block.verdict is Verdict.MORE
            return False
        moved = self._settle(block, body, body)
        if self._at == body:
            self._fence, self._fence_from = opener["fence"], body
        return moved

    def _settle(self, block: Block, start: int, text_end: int, *, clear: bool = False) -> bool:
        """Act on a verdict. `clear`: the tag leaves no doubt that a call was meant."""
        verdict = block.verdict
        if verdict in (Verdict.MORE, Verdict.OPEN) and not self._final:
            self._waits = verdict is Verdict.MORE
            return False
        meant = clear or was_meant(self._text, start, self._tools)
        closed = verdict is Verdict.OPEN or (verdict is Verdict.MORE and meant and block.content)
        if verdict is Verdict.CALL or (closed and not self._length):
            return self._take_calls(block, text_end, meant=meant)
        mentioned = not self._length and not self._text[start:].strip(" \n{")
        if verdict in (Verdict.TEXT, Verdict.XML) or (verdict is Verdict.MORE and mentioned):
            return self._show(text_end)
        if verdict is Verdict.BROKEN and not meant:
            return self._show(text_end)
        whole = verdict is Verdict.BROKEN and self._final and not self._length
        if whole and (mended := read_unescaped(self._text, start, self._tools)):
            self._add_calls(*mended, keep=False)
            return True
        return self._give_up(start, meant=meant)

    def _take_calls(self, block: Block, text_end: int, *, meant: bool) -> bool:
        try:
            calls, wrong = read_calls(block.content, self._tools), False
        except ValueError as error:
            if not meant or isinstance(error, DescriptionError):
                return self._show(text_end)
            calls, wrong = [failed_call(block.content, str(error))], True
        self._add_calls(calls, block.end, keep=wrong)
        return True

    def _add_calls(self, calls: list[ToolCall], end: int, *, keep: bool) -> None:
        """The text up to `end` was these calls. `keep`: not all could be read, so it stays."""
        if keep:
            self._kept.append(self._text[self._at : end])
        self._at = end
        self._calls += calls
        if self._before is None and calls:
            self._before = "".join(self._kept).removesuffix("\n")
            self._kept.clear()

    def _give_up(self, start: int, *, meant: bool) -> bool:
        """A call that was cut or is no JSON: it and all after it is kept and never shown.

        What follows may be the content of a file that was to be written, with quoted calls in it.
        """
        if not self._final:
            return False
        rest = self._text[self._at :]
        if self._length or not meant:
            self._cut = True
        else:
            self._calls.append(failed_call(self._text[start:], NOT_JSON))
        self._kept.append(rest)
        self._at = len(self._text)
        return False

    def _read_fence(self) -> bool:
        """Show a fence of code up to its closing line."""
        match = closing_fence(self._fence).search(self._text, self._at)
        if match and (self._final or self._text[match.end() - 1] == "\n"):
            self._fence = ""
            return self._show(match.end())
        line = self._text.rfind("\n") + 1
        unsure = not self._final and not self._text[line:].strip(" \t\r" + self._fence[0])
        self._show(max(line, self._at) if unsure else len(self._text))
        return False

    def _read_thought(self) -> bool:
        end = self._text.find(END_OF_THOUGHT, self._at)
        stop = end if end >= 0 else len(self._text)
        if end < 0 and not self._final:
            stop = held_from(self._text, self._at)
        if stop > self._at:
            self._think(self._text[self._at : stop])
        self._at = stop
        if end >= 0:
            self._at = end + len(END_OF_THOUGHT)
            if self._stop == self._start:
                self._start = self._at
            self._thinking, self._stop = False, None
        return end >= 0

    def _void_thought(self, end: int) -> None:
        """What came before an orphan `</think>` was reasoning: no call in it was meant."""
        self._thoughts.append(self._text[self._start : self._at])
        self._calls.clear()
        self._kept.clear()
        self._cut = False
        self._before, self._start, self._at = None, end, end

    def _think(self, text: str) -> None:
        if text:
            self._thoughts.append(text)
            self._out.append(ReasoningDelta(text))

    def _show(self, end: int) -> bool:
        if end > self._at:
            text = self._text[self._at : end]
            self._kept.append(text)
            self._out.append(TextDelta(text))
            self._at = end
        return True
