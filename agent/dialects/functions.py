"""Qwen3-Coder's calls in a complete answer, as tool calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qwright.agent.dialects.blocks import CALL, RESPONSE, may_be_function
from qwright.agent.dialects.calls import failed, unknown_tool, written_call
from qwright.agent.dialects.schema import properties_of
from qwright.agent.dialects.xml import Function, Shape, XmlText
from qwright.agent.messages import ToolCall
from qwright.agent.model import ToolSpec

_ENDS = ("</tool_call>", "</function>")
_PHANTOM = re.compile(r"<function[\s=]([^\n]*?)>.*?</tool_call>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """Calls that were read up to `end`."""

    calls: list[ToolCall]
    end: int
    cut: bool = False
    """Whether the last one was begun and not completed."""
    keep: bool = False
    """Whether the text is to stay in the history's prose, since not all of it became calls."""


class Functions:
    """A complete answer. `cut`: the server stopped it at the token limit."""

    def __init__(self, text: str, tools: Mapping[str, ToolSpec], *, cut: bool) -> None:
        self._text = text
        self._tools = tools
        self._cut = cut
        self._xml = XmlText(text, _parameters(tools), cut=cut)

    def read(self, start: int, *, tagged: bool) -> Found | None:
        """The calls from the `<function` at `start` on; None where it is only mentioned.

        `tagged`: a `<tool_call>` lies before it.
        """
        found = self._xml.functions(start)
        if not found:
            return self._phantom(start)
        if not self._meant(found[0], start, tagged=tagged):
            return None
        cut = found[-1].shape is Shape.CUT
        calls = [written_call(one, self._tools) for one in (found[:-1] if cut else found)]
        keep = cut or any(call.error for call in calls)
        return Found(calls, found[-1].end, cut, keep)

    def _meant(self, opening: Function, start: int, *, tagged: bool) -> bool:
        if opening.shape is Shape.WHOLE or opening.begun:
            return True
        alone = "\n" not in self._text[start:].strip()
        return alone or (tagged and opening.name in self._tools)

    def _phantom(self, start: int) -> Found | None:
        """A `<function` in its tag that names no tool that could be, such as `{{ name }}`."""
        if may_be_function(self._text, start, self._tools):
            calls = [] if self._cut else [failed("tool_call", "it has no end")]
            return Found(calls, len(self._text), cut=self._cut, keep=True)
        name = _PHANTOM.match(self._text, start)
        if name is None:
            return None
        call = failed("tool_call", unknown_tool(name[1].strip(), self._tools))
        return Found([call], name.end(), keep=True)


def before_response(text: str, since: int, start: int, tools: Mapping[str, ToolSpec]) -> str | None:
    """The text before the first response from `since` on that a model made up after its calls.

    None where there is none. The first call's `<function` is at `start`.
    """
    place = text.find(RESPONSE, max(since, start))
    while place >= 0:
        if _are_calls(before := text[:place].rstrip(), start, tools):
            return before
        place = text.find(RESPONSE, place + 1)
    return None


def _are_calls(text: str, start: int, tools: Mapping[str, ToolSpec]) -> bool:
    """Whether `text` consists of complete calls from the `<function` at `start` to its end."""
    if not text.endswith(_ENDS):
        return False
    xml = XmlText(text, _parameters(tools), cut=True)
    while found := xml.functions(start):
        if found[-1].shape is not Shape.WHOLE:
            return False
        rest = text[found[-1].end :].lstrip()
        if not rest:
            return True
        start = len(text) - len(rest.removeprefix(CALL).lstrip())
    return False


def _parameters(tools: Mapping[str, ToolSpec]) -> dict[str, frozenset[str]]:
    return {name: frozenset(properties_of(tool)) for name, tool in tools.items()}
