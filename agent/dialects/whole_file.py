"""A short file written anew, as a small Qwen2.5-Coder writes code best: raw, in a code fence.

Escaped into JSON the same model loses line ends and indentation. The call is a line with the path
and the fenced content after it; a grammar keeps to that, and to the paths on offer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, cast

from qwright.agent.dialects import Delta, Shown
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk, TextDelta, ToolSpec

TOOL = "write_file"
_SUFFIX = """

Say in one or two sentences what is wrong. Then write the path {path} on a line of its own and, \
after it, the whole corrected file, every line of it, in a code fence."""
_GRAMMAR = r"""root ::= sentence{0,4} path "\n```" info "\n" line* "```"
sentence ::= ([^`\n] [^\n`]*)? "\n"
info ::= [a-z+]{0,12}
line ::= ([^`\n] [^\n]*)? "\n" | "`" [^`\n] [^\n]* "\n"
"""


class WholeFileDialect:
    """For one tool, `write_file`, whose schema lists the paths it may be used on."""

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        return _SUFFIX.format(path=" or ".join(_paths(tools)))

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        wired: list[dict[str, Any]] = []
        for message in messages:
            role = "user" if message.role == "tool" else message.role
            suffix = self.system_suffix(tools) if message.role == "system" else ""
            wired.append({"role": role, "content": message.content + suffix})
        return wired

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        paths = " | ".join(json.dumps(path, ensure_ascii=False) for path in _paths(tools))
        return {"extra_body": {"grammar": f"{_GRAMMAR}path ::= {paths}\n"}}

    def reader(self, tools: Sequence[ToolSpec]) -> WholeFileReader:
        return WholeFileReader(_paths(tools))


def is_whole_file(tools: Sequence[ToolSpec]) -> bool:
    """Whether these tools are what this dialect is for."""
    return len(tools) == 1 and tools[0].name == TOOL and bool(_paths(tools))


def _paths(tools: Sequence[ToolSpec]) -> list[str]:
    return cast(list[str], tools[0].parameters["properties"]["path"].get("enum", []))


class WholeFileReader:
    """A Reader: prose is shown line by line, the file is read when the answer is complete."""

    def __init__(self, paths: Sequence[str]) -> None:
        names = "|".join(map(re.escape, paths))
        self._call = re.compile(rf"^({names})\n```[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.M)
        self._begun = re.compile(rf"^({names})\n", re.M)
        self._text = ""
        self._shown = 0
        self._complete = False

    def feed(self, delta: Delta) -> list[Shown]:
        self._text += delta.content
        # Only whole lines: the last one may become the path.
        return self._show(self._text.rfind("\n") + 1)

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        call = None if reason == "length" else self._call.search(self._text)
        self._complete = call is not None
        if call is None:
            return [*self._show(len(self._text))]
        arguments = {"path": call[1], "content": call[2]}
        chunk = CallChunk(ToolCall(id=f"call_{token_hex(6)}", name=TOOL, arguments=arguments))
        return [*self._show(call.start()), chunk]

    @property
    def text(self) -> str:
        return self._text

    @property
    def reasoning(self) -> str:
        return ""

    @property
    def cut(self) -> bool:
        return not self._complete and self._begun.search(self._text) is not None

    @property
    def done(self) -> bool:
        return False

    def _show(self, end: int) -> list[Shown]:
        begun = self._begun.search(self._text)
        end = min(end, begun.start()) if begun else end
        text, self._shown = self._text[self._shown : end], max(self._shown, end)
        return [TextDelta(text)] if text else []
