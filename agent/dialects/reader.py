"""Reads the text of an answer as it streams: shows prose, holds back and collects calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qwright.agent.dialects import Delta, Shown
from qwright.agent.dialects.blocks import (
    Block,
    Verdict,
    bare,
    fenced,
    held_from,
    tagged,
    was_meant,
)
from qwright.agent.dialects.calls import NOT_JSON, failed_call, read_calls
from qwright.agent.messages import ToolCall
from qwright.agent.model import CallChunk, ReasoningDelta, TextDelta, ToolSpec

_OPENER = re.compile(
    r"^[ \t]*(?:(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)|(?P<brace>\{))"
    r"|(?P<tag><tool_call>|<tools>|<tool_response>|<think>|</think>)",
    re.MULTILINE,
)
_END_OF_THOUGHT = "</think>"


class TextReader:
    """A Reader of calls written into the answer's text.

    The answer is kept whole and read from `_at`, where everything before is decided. Calls inside
    reasoning, or quoted in code fences and between backticks, are text.
    """

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._known = tuple(tool.name for tool in tools)
        self._text = ""
        self._at = 0
        self._start = 0
        self._stop: int | None = None
        self._out: list[Shown] = []
        self._calls: list[ToolCall] = []
        self._before: str | None = None
        self._kept: list[str] = []
        self._thoughts: list[str] = []
        self._fence = ""
        self._thinking = False
        self._ended = False
        self._final = False
        self._length = False
        self._cut = False

    def feed(self, delta: Delta) -> list[Shown]:
        if delta.reasoning:
            self._think(delta.reasoning)
        if delta.content and not self.done:
            self._text += delta.content
            self._read()
        return self._take()

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        self._final, self._length = True, reason == "length"
        self._read()
        return [*self._take(), *(CallChunk(call) for call in self._calls)]

    @property
    def text(self) -> str:
        """The answer after its reasoning, up to a response the model made up."""
        answer = self._text[self._start : self._stop]
        answer = answer.lstrip("\n") if self._start else answer
        return answer.rstrip() if self._ended else answer

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
        opener = _OPENER.search(self._text, self._at)
        if opener is None:
            self._show(len(self._text) if self._final else held_from(self._text, self._at))
            return False
        self._show(opener.start())
        if opener["fence"]:
            return self._open_fence(opener)
        if opener["brace"]:
            brace = opener.start("brace")
            block = bare(self._text, brace, self._known)
            return self._settle(block, brace, brace + 1)
        return self._open_tag(opener["tag"], opener.end())

    def _open_tag(self, tag: str, end: int) -> bool:
        line = self._text.rfind("\n", 0, self._at) + 1
        if self._text.count("`", line, self._at) % 2:
            return self._show(end)
        if tag == "<tool_call>":
            return self._settle(tagged(self._text, end), end, end, clear=True)
        if tag == "<tools>":
            return self._settle(tagged(self._text, end), end, end)
        if tag == "<think>" and not self._text[: self._at].strip():
            self._thinking, self._at, self._stop = True, end, 0
        elif tag == _END_OF_THOUGHT:
            self._void_thought(end)
        elif tag == "<tool_response>" and self._calls:
            self._ended, self._stop = True, self._at
        else:
            self._show(end)
        return True

    def _open_fence(self, opener: re.Match[str]) -> bool:
        body = opener.end() + 1
        if body > len(self._text):
            return self._final and self._show(len(self._text))
        if self._text[opener.end()] != "\n":
            return self._show(body)
        word = opener["info"].strip().lower()
        block = fenced(self._text, body, opener["fence"], word, self._known)
        if block.verdict in (Verdict.MORE, Verdict.OPEN) and not self._final:
            return False
        moved = self._settle(block, body, body)
        if self._at == body:
            self._fence = opener["fence"]
        return moved

    def _settle(self, block: Block, start: int, text_end: int, *, clear: bool = False) -> bool:
        """Act on a verdict. `clear`: the tag leaves no doubt that a call was meant."""
        verdict = block.verdict
        if verdict in (Verdict.MORE, Verdict.OPEN) and not self._final:
            return False
        meant = clear or was_meant(self._text, start, self._known)
        if verdict is Verdict.CALL or (verdict is Verdict.OPEN and not self._length):
            return self._take_calls(block, text_end, meant=meant)
        mentioned = not self._length and not self._text[start:].strip(" \n{")
        if verdict is Verdict.TEXT or (verdict is Verdict.MORE and mentioned):
            return self._show(text_end)
        if verdict is Verdict.BROKEN and not meant:
            return self._show(text_end)
        return self._give_up(start, meant=meant)

    def _take_calls(self, block: Block, text_end: int, *, meant: bool) -> bool:
        try:
            calls = read_calls(block.content, self._known)
        except ValueError as error:
            if not meant:
                return self._show(text_end)
            self._kept.append(self._text[self._at : block.end])
            calls = [failed_call(block.content, str(error))]
        self._at = block.end
        self._calls += calls
        if self._before is None:
            self._before = "".join(self._kept).removesuffix("\n")
            self._kept.clear()
        return True

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
        closing = re.compile(
            rf"^[ \t]*{self._fence[0]}{{{len(self._fence)},}}[ \t\r]*(?:\n|\Z)", re.MULTILINE
        )
        match = closing.search(self._text, self._at)
        if match and (self._final or self._text[match.end() - 1] == "\n"):
            self._fence = ""
            return self._show(match.end())
        line = self._text.rfind("\n") + 1
        unsure = not self._final and not self._text[line:].strip(" \t\r" + self._fence[0])
        self._show(max(line, self._at) if unsure else len(self._text))
        return False

    def _read_thought(self) -> bool:
        end = self._text.find(_END_OF_THOUGHT, self._at)
        stop = end if end >= 0 else len(self._text)
        if end < 0 and not self._final:
            stop = held_from(self._text, self._at)
        if stop > self._at:
            self._think(self._text[self._at : stop])
        self._at = stop
        if end >= 0:
            self._thinking, self._stop = False, None
            self._start = self._at = end + len(_END_OF_THOUGHT)
        return end >= 0

    def _void_thought(self, end: int) -> None:
        """What came before an orphan `</think>` was reasoning: no call in it was meant."""
        self._thoughts.append(self._text[self._start : self._at])
        self._calls.clear()
        self._kept.clear()
        self._before, self._start, self._at = None, end, end

    def _think(self, text: str) -> None:
        self._thoughts.append(text)
        self._out.append(ReasoningDelta(text))

    def _show(self, end: int) -> bool:
        if end > self._at:
            text = self._text[self._at : end]
            self._kept.append(text)
            self._out.append(TextDelta(text))
            self._at = end
        return True
