"""Answers built call by call, so that what was meant is known: nothing may be lost or added."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fuzz.fragments import fragments
from tests.fuzz.source import Source
from tests.recorded.answers import Call
from tests.recorded.forms import as_json, function, hermes, xml

_BEFORE_PROSE = ("I will look. ", "a < b && {c} ", "第一. ", "x[0] = {1: 2}; ", "Then\n\n- do it ")
_NAMES = ("delete_all", "rm", "functions.read_file", "READ_FILE")
_STRUCTURE = ("<parameter", "</parameter", "<function", "</function", "<tool", "</tool", "<think")


@dataclass
class Answer:
    """`calls`: those that must run, in order, and no other. `failed`: some must come as errors.

    `shown`: but for white space what is shown, None where that is not laid down.
    """

    content: str = ""
    shown: str | None = ""
    reasoning: str = ""
    finish: str = "stop"
    calls: list[Call] = field(default_factory=list[Call])
    failed: bool = False

    def say(self, text: str) -> None:
        self.content += text
        self.shown = None if self.shown is None else self.shown + text


def answer(source: Source) -> Answer:
    """Prose, quoted calls and calls that were meant, in any order."""
    built = Answer()
    if source.chance(8):
        return _rescued(source)
    if source.chance(4):
        built.reasoning = f"I could {_quoted_inline(source)} or\n{_tagged(source, _call(source))}."
    for _ in range(1 + source.below(4)):
        _SEGMENTS[source.below(len(_SEGMENTS))](source, built)
    if built.content.rstrip().endswith("</think>"):
        built.say("So. ")  # else the call that ends the thought would be the answer
    _END[source.below(len(_END))](source, built)
    if built.reasoning and not built.content.strip():
        built.say("Done.")
    return built


def _rescued(source: Source) -> Answer:
    """Calls that end a thought which was not closed; quoted in an open call they are none."""
    calls = [_call(source) for _ in range(1 + source.below(2))]
    write = source.pick((hermes, xml)) if all(map(_fits_xml, calls)) else hermes
    if source.chance(5):
        opened = "<tool_call>\n<function=write_file>\n<parameter=path>\na\n</parameter>\n"
        inner = f"{opened}<parameter=content>\nAs in\n{write(calls)}"
        return Answer(shown=None, reasoning=f"Hm\n\n{inner}")
    thought = f"Hm {_quoted_inline(source)}, so\n\n{write(calls)}{source.pick(('', chr(10)))}"
    if source.chance(2) and "</think>" not in thought:
        return Answer(f"<think>\n{thought}", None, calls=calls)
    return Answer(shown=None, reasoning=thought, calls=calls)


def _prose(source: Source, built: Answer) -> None:
    built.say("".join(source.pick(_BEFORE_PROSE) for _ in range(source.below(3))) + "\n")


def _meant(source: Source, built: Answer) -> None:
    call = _call(source)
    built.content += f"\n{source.pick(_WRITTEN)(source, call)}\n"
    built.calls.append(call)


def _meant_several(source: Source, built: Answer) -> None:
    calls = [_call(source) for _ in range(2 + source.below(2))]
    texts = [as_json(call) for call in calls]
    inner = source.pick(("\n".join(texts), f"[{', '.join(texts)}]", ",\n".join(texts)))
    opening, closing = source.pick(
        (("<tool_call>\n", "\n</tool_call>"), ("```json\n", "\n```"), ("<tools>", "</tools>"))
    )
    built.content += f"\n{opening}{inner}{closing}\n"
    built.calls += calls


def _quoted_fence(source: Source, built: Answer) -> None:
    quoted = source.pick(_WRITTEN)(source, _call(source, plain=True))
    fence = source.pick(("`````", "~~~~~", "``````"))
    word = source.pick(("xml", "text", "python", "md", ""))
    built.say(f"\n{fence}{word}\n{quoted}\n{fence}\nis an example.\n")


def _quoted_in_line(source: Source, built: Answer) -> None:
    built.say(f"Write {_quoted_inline(source)} for it.\n")


def _unregistered(source: Source, built: Answer) -> None:
    call = Call(source.pick(_NAMES), {"path": _text(source)})
    built.content += f"\n<tool_call>\n{as_json(call)}\n</tool_call>\n"
    built.failed = True


def _ends(source: Source, built: Answer) -> None:
    built.finish = source.pick(("stop", "tool_calls"))


def _ends_bare(source: Source, built: Answer) -> None:
    """Nothing may follow a call without any mark."""
    call = _call(source)
    built.content += "\n" + source.pick((as_json(call), as_json(call, indent=2)))
    built.content += source.pick(("", "\n", "\n\n", " "))
    built.calls.append(call)


def _ends_cut(source: Source, built: Answer) -> None:
    text = source.pick(_WRITTEN)(source, _call(source))
    body = text[: 1 + source.below(150) * len(text) // 256]
    built.content += f"\n{body}"
    built.finish, built.shown = "length", None


def _ends_in_response(source: Source, built: Answer) -> None:
    """What a model makes up as a result, and all after it, is nothing."""
    _meant(source, built)
    text = fragments(source, 8)
    call = as_json(_call(source))
    built.content += f"<tool_response>\n{text}\n<tool_call>\n{call}\n</tool_call>\n"


def _ends_turn(source: Source, built: Answer) -> None:
    """After the token that ends a turn a model speaks for others."""
    built.content += "<|im_end|>"
    if source.chance(2):
        more = as_json(_call(source))
        built.content += f"\n<|im_start|>user\nGo.\n<tool_call>\n{more}\n</tool_call>"
    built.shown = None


def _call(source: Source, *, plain: bool = False) -> Call:
    text = _plain if plain else _text
    kind = source.below(6)
    if kind == 0:
        return Call("read_file", {"path": text(source)})
    if kind == 1:
        return Call("write_file", {"path": "a.py", "content": text(source)})
    if kind == 2:
        return Call("edit", {"path": text(source), "old": text(source), "new": text(source)})
    if kind == 3:
        flags = {"timeout": source.below(256) / 4 - 8, "background": source.chance(2)}
        return Call("run_shell_command", {"command": text(source), **flags})
    if kind == 4:
        globs = [text(source) for _ in range(source.below(3))]
        return Call("grep_search", {"pattern": text(source), "path": None, "globs": globs})
    return Call("status")


def _text(source: Source) -> str:
    return fragments(source, 10)


def _plain(source: Source) -> str:
    return "".join(char for char in fragments(source, 3) if char.isalnum())


def _twice(call: Call) -> str:
    return json.dumps({"name": call.name, "arguments": json.dumps(call.arguments)})


def _trailing_commas(call: Call) -> str:
    return as_json(call)[:-2] + ", }, }" if call.arguments else as_json(call)


def _raw_newlines(call: Call) -> str:
    text = as_json(call)
    return text if re.search(r"\\[^nt]", text) else text.replace("\\n", "\n").replace("\\t", "\t")


def _python(call: Call) -> str:
    """As Python would print it, where that leaves no doubt."""
    text = repr({"name": call.name, "arguments": call.arguments})
    return as_json(call) if "\\" in text or '"' in text else text


_JSON: tuple[Callable[[Call], str], ...] = (
    as_json,
    partial(as_json, arguments="parameters"),
    partial(as_json, arguments="args"),
    partial(as_json, indent=2),
    _twice,
    _trailing_commas,
    lambda call: f'{{"type": "function", "function": {as_json(call)}}}',
    lambda call: f"{{{as_json(call)}}}",
    lambda call: json.dumps({"arguments": call.arguments, "name": call.name}),
    _raw_newlines,
    _python,
    lambda call: as_json(call) + "}",
)
"""A call as JSON, with faults that leave no doubt."""


def _json(source: Source, call: Call) -> str:
    return source.pick(_JSON)(call)


def _tagged(source: Source, call: Call) -> str:
    tag, other = source.pick((("tool_call", "tools"), ("tools", "tool_call")))
    line = source.pick(("\n", "\n", "\r\n", "", " "))
    before, after = source.pick((("", ""), ("", ""), ("```json\n", "\n```")))
    closing = source.pick((f"</{tag}>", f"</{tag}>", f"\n</{tag}>", f"</{other}>"))
    return f"<{tag}>{line}{before}{_json(source, call)}{after}{line}{closing}"


def _fenced(source: Source, call: Call) -> str:
    return f"```json\n{_json(source, call)}\n```"


def _xml(source: Source, call: Call) -> str:
    """The form of Qwen3-Coder; values in which its tags occur are written as JSON instead."""
    if not _fits_xml(call):
        return _tagged(source, call)
    inner = function(call)
    fault = source.below(8)
    if fault == 1:
        return f"{inner}\n</tool_call>"
    if fault == 2:
        inner = inner.removesuffix("\n</function>")
    if fault == 3:
        return f"<tool_call>{inner}</tool_call>"
    if fault == 4:
        inner = inner.replace("</parameter>\n<", "<")
    if fault == 5:
        inner = inner.replace("</parameter>", source.pick(("</parameter/>", "</parameter2>")))
    if fault == 6 and "\n" not in "".join(_texts(call)):
        inner = inner.replace("\n", "\r\n")
    return f"<tool_call>\n{inner}\n</tool_call>"


def _fits_xml(call: Call) -> bool:
    texts = _texts(call)
    torn = any(text.endswith("\r") for text in texts)
    return not torn and not any(tag in text for tag in _STRUCTURE for text in texts)


def _texts(call: Call) -> list[str]:
    values = call.arguments.values()
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


_WRITTEN: tuple[Callable[[Source, Call], str], ...] = (_tagged, _xml, _fenced, _tagged, _xml)


def _quoted_inline(source: Source) -> str:
    call: dict[str, Any] = {"name": "run_shell_command", "arguments": {"command": _plain(source)}}
    inner = json.dumps(call)
    ticks = source.pick(("`", "``", "`", "```"))
    return ticks + source.pick((f"<tool_call>{inner}</tool_call>", inner, "<tool_call>")) + ticks


def _quoted_thought(source: Source, built: Answer) -> None:
    """What stands in a thought is not meant, wherever the thought stands."""
    thought = source.pick(_WRITTEN)(source, _call(source, plain=True))
    built.content += f"<think>\nMaybe\n{thought}\n</think>\n"
    built.shown = None


def _listed(source: Source, built: Answer) -> None:
    """A tool's own description is not a call to it."""
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = {"name": "list_directory", "description": "List.", "parameters": schema}
    text = json.dumps(tool, indent=source.pick((None, 2)))
    built.say(f"\n```json\n{text}\n```\n")


_SEGMENTS: tuple[Callable[[Source, Answer], None], ...] = (
    _meant,
    _prose,
    _quoted_fence,
    _meant_several,
    _quoted_in_line,
    _meant,
    _unregistered,
    _quoted_thought,
    _listed,
)
_END = (_ends, _ends, _ends_bare, _ends_cut, _ends_in_response, _ends_turn)
