"""One call in raw text, as a small Qwen2.5-Coder writes code best: nothing is escaped.

Escaped into JSON the same model loses line ends and indentation, and it miscopies the text it
wants to replace. So where it is offered just a file to write anew, or just the lines of a file to
change one of, a grammar holds it to a form it knows, and to the paths and lines there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Literal, cast

from qwright.agent.dialects import Delta, Shown
from qwright.agent.dialects.pairs import Pairs
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk, TextDelta, ToolSpec

_WHOLE = """\
Say in one or two sentences what is wrong. Then write the path {paths} on a line of its own and, \
after it, the whole corrected file, every line of it, in a code fence."""
_WHOLE_GRAMMAR = r"""root ::= sentence{0,4} path "\n```" info "\n" line* "```"
sentence ::= ([^`\n] [^\n`]*)? "\n"
info ::= [a-z+]{0,12}
line ::= ([^`\n] [^\n]*)? "\n" | "`" [^`\n] [^\n]* "\n"
"""
_LINE = """\
Exactly one line of {paths} is wrong. Which one, and what must it be?"""


@dataclass(frozen=True, slots=True)
class _Form:
    """`begun` finds where the call begins in an answer, `call` the whole of it."""

    tool: Literal["write_file", "edit"]
    instruction: str
    grammar: str
    begun: re.Pattern[str]
    call: re.Pattern[str]
    arguments: tuple[str, ...]
    """What the groups of `call` are, in order."""


class RawDialect:
    """For what `is_raw` accepts: each tool has its paths, and edit the lines, as an enum."""

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        return ""

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        """The instruction ends the newest prompt, so that all before it is a prefix to reuse."""
        prompts = [place for place, one in enumerate(messages) if one.asked]
        users = [place for place, one in enumerate(messages) if one.role == "user"]
        last = prompts[-1] if prompts else next(iter(users), None)
        wired: list[dict[str, Any]] = []
        for place, message in enumerate(messages):
            role = "user" if message.role == "tool" else message.role
            asks = f"\n\n{_form(tools).instruction}" if place == last else ""
            wired.append({"role": role, "content": message.content + asks})
        return wired

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        return {"extra_body": {"grammar": _form(tools).grammar}}

    def reader(self, tools: Sequence[ToolSpec]) -> RawReader:
        return RawReader(_form(tools))


def is_raw(tools: Sequence[ToolSpec]) -> bool:
    """Whether all these tools may do is write listed files, or change listed lines."""
    return bool(tools) and all(_enum(tool, "path") for tool in tools)


def _form(tools: Sequence[ToolSpec]) -> _Form:
    return _whole_file(tools[0]) if tools[0].name == "write_file" else _line_edit(tools)


def _whole_file(tool: ToolSpec) -> _Form:
    paths = _enum(tool, "path")
    names = "|".join(map(re.escape, paths))
    return _Form(
        "write_file",
        _WHOLE.format(paths=" or ".join(paths)),
        f"{_WHOLE_GRAMMAR}path ::= {_one_of(paths)}\n",
        re.compile(rf"^({names})\n", re.M),
        re.compile(rf"^({names})\n```[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.M),
        ("path", "content"),
    )


def _line_edit(tools: Sequence[ToolSpec]) -> _Form:
    paths = [path for tool in tools for path in _enum(tool, "path")]
    names = "|".join(map(re.escape, paths))
    rules = [
        f"file-{place} ::= {_quoted(IN)} {_one_of(_enum(tool, 'path'))} {_quoted(OLD)} "
        f"({' | '.join(map(_pair, _enum(tool, 'old_string')))}) {_quoted(END)}\n"
        for place, tool in enumerate(tools)
    ]
    root = " | ".join(f"file-{place}" for place in range(len(tools)))
    block = rf"^{re.escape(IN)}({names}){re.escape(OLD)}(.*?){re.escape(NEW)}(.*?){re.escape(END)}"
    return _Form(
        "edit",
        _LINE.format(paths=" or ".join(paths)),
        f"root ::= {root}\n{''.join(rules)}",
        re.compile(rf"^{re.escape(IN)}({names})", re.M),
        re.compile(block, re.DOTALL | re.M),
        ("path", "old_string", "new_string"),
    )


IN = "The wrong line of "
OLD = " is:\n```\n"
NEW = "\n```\nIt must be:\n```\n"
END = "\n```"


def _pair(old: str) -> str:
    """A line, and in its place any line of the same indentation."""
    last = old.rpartition("\n")[2]
    kept = old[: len(old) - len(last.lstrip())]
    return rf"{_quoted(old + NEW + kept)} [^ \t\n`] [^\n]*"


def _enum(tool: ToolSpec, argument: str) -> list[str]:
    return cast(list[str], tool.parameters["properties"].get(argument, {}).get("enum", []))


def _one_of(texts: Sequence[str]) -> str:
    return "(" + " | ".join(map(_quoted, texts)) + ")"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class RawReader:
    """A Reader: prose is shown line by line, the call is read when the answer is complete."""

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._pairs = Pairs()
        self._text = ""
        self._shown = 0
        self._complete = False

    def feed(self, delta: Delta) -> list[Shown]:
        self._text += self._pairs.join(delta.content)
        # Only whole lines: the last one may become the path.
        return self._show(self._text.rfind("\n") + 1)

    def finish(self, reason: str) -> list[Shown | CallChunk]:
        self._text += self._pairs.rest()
        call = None if reason == "length" else self._form.call.search(self._text)
        self._complete = call is not None
        if call is None:
            return [*self._show(len(self._text))]
        arguments = dict(zip(self._form.arguments, call.groups(), strict=True))
        made = ToolCall(id=f"call_{token_hex(6)}", name=self._form.tool, arguments=arguments)
        return [*self._show(call.start()), CallChunk(made)]

    @property
    def text(self) -> str:
        return self._text

    @property
    def reasoning(self) -> str:
        return ""

    @property
    def cut(self) -> bool:
        return not self._complete and self._form.begun.search(self._text) is not None

    @property
    def done(self) -> bool:
        return False

    def _show(self, end: int) -> list[Shown]:
        begun = self._form.begun.search(self._text)
        end = min(end, begun.start()) if begun else end
        text, self._shown = self._text[self._shown : end], max(self._shown, end)
        return [TextDelta(text)] if text else []
