"""Faults of the <function=NAME> form: what Qwen3-Coder and later models make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.recorded.answers import Call, Case
from tests.recorded.forms import function, hermes, parameter, xml
from tests.recorded.quoted import IN_A_FILE
from tests.recorded.spread import THOUGHT
from tests.recorded.values import DANGER, LONG, NESTED, QUOTED_XML, READ, RUN, UNBALANCED

_ORPHAN, _WRONG = "ollama/ollama#16686", "ollama/ollama#17276"
_ENDS, _VALUES = "sgl-project/sglang#27337", "vllm-project/vllm: _convert_param_value"
_LINES = "raullenchai/Rapid-MLX#1515"
_THINK = "vllm-project/vllm#35687"
_PAGE = Call("read_file", {"path": "a.py", "offset": 3, "limit": 40})
_WRITE = Call("write_file", {"path": "a.py", "content": "def f():\n    return 1"})
_OR_ERROR = Call("read_file", {"path": "src/app.py"}, sure=False)
_MANY = Call("read_file", {"path": "a", "limit": "many"}, sure=False)
_LIST = Call("run_shell_command", {"command": "ls -la"})
_FLAGS = Call("run_shell_command", {"command": "sleep 9", "timeout": 30, "background": True})
_SEARCH = Call("grep_search", {"pattern": "None", "path": None, "globs": ["*.py"]})
_TODO = Call("todo_write", {"todos": [{"text": "it's", "done": True}]})
_SPACED = Call("write_file", {"path": "a.md", "content": "\n\n  a\n\n"})
_EMPTY = Call("write_file", {"path": "empty.txt", "content": ""})
_QUOTES = Call("write_file", {"path": "a.html", "content": "<p>A ends</parameter> here</p>"})
_END = Call("write_file", {"path": "a.md", "content": "It ends with </tool_call> on its own."})
_NESTED = Call("write_file", {"path": "xml.md", "content": NESTED}, sure=False)
_UNBALANCED = Call("write_file", {"path": "xml.md", "content": UNBALANCED}, sure=False)
_SAYS_PARAMETER = Call("write_file", {"path": "a.md", "content": "<parameter=foo>\nx\n"})

_ELEMENT = Call(
    "write_file", {"path": "feed.xml", "content": '<content type="x">\n<p/>\n</content>'}
)

X = function(READ)
P = "<parameter=path>\n"


def _block(inner: str) -> str:
    return f"<tool_call>\n{inner}\n</tool_call>"


def _page(end: str) -> str:
    """Three parameters; `end` stands for the end of the first and of the last."""
    middle = parameter("offset", 3)
    inner = f"{P}a.py{end}{middle}<parameter=limit>\n40{end}"
    return _block(f"<function=read_file>\n{inner}</function>")


def _tail(end: str) -> str:
    return _block(X.replace("</parameter>", end))


TEXTS: dict[str, tuple[str, tuple[Call, ...], str]] = {
    "no-start-tag": (f"{X}\n</tool_call>", (READ,), _ORPHAN),
    "no-start-tag-prose": (f"I'll read it...\n\n{X}\n</tool_call>", (READ,), _ORPHAN),
    "no-tags": (X, (READ,), "ollama/ollama#18538"),
    "no-tags-two": (f"{X}\n{function(RUN)}", (READ, RUN), "ollama/ollama#17742"),
    "no-end-tag": (f"<tool_call>\n{X}", (READ,), _WRONG),
    "no-function-end": (
        _block(X.removesuffix("\n</function>")),
        (READ,),
        "vllm-project/vllm#21571",
    ),
    "no-parameter-end": (
        _block(
            f"<function=write_file>\n{P}a.py\n<parameter=content>\n{_WRITE.arguments['content']}"
            "\n</function>"
        ),
        (_WRITE,),
        "ollama/ollama#17914",
    ),
    "no-ends": (f"<tool_call>\n<function=read_file>\n{P}src/app.py\n", (_OR_ERROR,), _WRONG),
    "no-inner-ends": (
        f"<tool_call>\n<function=read_file>\n{P}src/app.py\n</tool_call>",
        (READ,),
        "vllm-project/vllm#21571",
    ),
    "wrong-bracket": (
        f"<tool_call>\n<function=read_file>\n{P}src/app.py\n</function>\n</tool_call>",
        (READ,),
        _WRONG,
    ),
    "stray-end": (
        _block(
            "<function=run_shell_command>\n<parameter=command>\nls -la\n</command>\n</function>"
        ),
        (_LIST,),
        _WRONG,
    ),
    "end-twice": (
        _block(X.replace("</parameter>", "</parameter>\n</parameter>")),
        (_OR_ERROR,),
        "ggml-org/llama.cpp#24807",
    ),
    "end-slash": (_page("\n</parameter/>\n"), (_PAGE,), _ENDS),
    "end-number": (_page("\n</parameter1>\n"), (_PAGE,), _ENDS),
    "one-line-values": (_page("</parameter>\n").replace(">\na", ">a"), (_PAGE,), _ENDS),
    "no-lines": (_block(X.replace("\n", "")), (READ,), "OpenHands/OpenHands#10039"),
    "indented-tags": (
        _block(X.replace("\n<p", "\n  <p").replace("\n</f", "\n  </f")),
        (READ,),
        "ggml-org/llama.cpp#15012",
    ),
    "named-attribute": (
        _block(
            '<function name="read_file">\n<parameter name="path">\nsrc/app.py\n</parameter>\n'
            "</function>"
        ),
        (READ,),
        "reference: qwen.md 2.4.6",
    ),
    "value-in-tag": (
        _block("<function=run_shell_command>\n<parameter=command=ls -la</parameter>\n</function>"),
        (_LIST,),
        "QwenLM/Qwen3-Coder#457",
    ),
    "not-a-number": (xml([_MANY]), (_MANY,), _VALUES),
    "two-in-a-block": (_block(f"{X}\n{function(RUN)}"), (READ, RUN), "vllm-project/vllm#33083"),
    "python-words": (
        _block(function(_FLAGS).replace("\ntrue\n", "\nTrue\n")),
        (_FLAGS,),
        _VALUES,
    ),
    "none": (_block(function(_SEARCH).replace("\nnull\n", "\nNone\n")), (_SEARCH,), _VALUES),
    "python-list": (
        _block(
            function(_TODO).replace(
                parameter("todos", _TODO.arguments["todos"]),
                parameter("todos", '[{"text": "it\'s", "done": True}]'),
            )
        ),
        (_TODO,),
        _VALUES,
    ),
    "blank-lines": (xml([_SPACED]), (_SPACED,), _VALUES),
    "empty-value": (xml([_EMPTY]), (_EMPTY,), _VALUES),
    "no-value-line": (
        xml([_EMPTY]).replace("\n\n</parameter>", "\n</parameter>"),
        (_EMPTY,),
        _VALUES,
    ),
    "same-parameter-twice": (
        _block(X.replace("<parameter", "<parameter=path>\nold.py\n</parameter>\n<parameter", 1)),
        (READ,),
        _VALUES,
    ),
    "end-in-value": (xml([_QUOTES]), (_QUOTES,), _LINES),
    "call-end-in-value": (xml([_END]), (_END,), _LINES),
    "unknown-parameter-in-value": (xml([_SAYS_PARAMETER]), (_SAYS_PARAMETER,), _LINES),
    "element-of-its-name": (xml([_ELEMENT]), (_ELEMENT,), _LINES),
    "implicit-end": (
        f"<tool_call>\n<function=read_file>\n{P}src/app.py\n</function>\n</tool_call>\n"
        f"{xml([RUN])}\n<tool_response>\n</parameter></parameter>\n{hermes([DANGER])}",
        (READ, RUN),
        "ollama/ollama#17914",
    ),
    "end-fused": (_tail("</parameter_function>"), (_OR_ERROR,), _ENDS),
    "end-half": (_tail("</parameter"), (_OR_ERROR,), _ENDS),
    "call-in-value": (xml([_NESTED]), (_NESTED,), _LINES),
    "ends-in-value": (xml([_UNBALANCED]), (_UNBALANCED,), _LINES),
    "quotes-in-a-file": (xml([IN_A_FILE]), (IN_A_FILE,), "nearai/ironclaw#1641"),
    "windows-lines": (xml([READ, RUN]).replace("\n", "\r\n"), (READ, RUN), _ENDS),
    "hermes-too": (f"{xml([READ])}\n{hermes([RUN])}", (READ, RUN), "QwenLM/qwen-code#8003"),
}
_OPEN = f"<tool_call>\n<function=write_file>\n{parameter('path', 'x.md')}<parameter=content>\n"
FAILED: dict[str, tuple[str, str]] = {
    "call-in-open-value": (f"{_OPEN}# The form\n{QUOTED_XML}\n", _LINES),
    "endless-number": (
        _block(
            f"<function=run_shell_command>\n{parameter('command', 'ls')}"
            f"{parameter('timeout', '1e999')}</function>"
        ),
        "anomalyco/opencode#1809",
    ),
    "no-required": (_block("<function=read_file>\n</function>"), "ggml-org/llama.cpp#24807"),
}
_DANGER = hermes([DANGER])
CUTS = ("<tool", "<function=wri", "<parameter=con", "    ret", "</para", "</func")


def xml_faults() -> Iterator[Case]:
    for fault, (text, calls, thread) in TEXTS.items():
        yield Case("xml", fault, thread, "qwen3-coder", text, calls=calls, shown=None)
    for fault, (text, thread) in FAILED.items():
        yield Case("xml", fault, thread, "qwen3-coder", text, failed=True, shown=None)
    phantom = _block("<function={{ tc.name }}>\n</function>")
    yield Case("xml", "phantom", "reference: qwen.md 2.2", content=phantom, failed=None, shown=None)
    inner = f"{_OPEN}# The form\n{QUOTED_XML}\n"
    yield Case("xml", "cut-after-inner", _LINES, content=inner, finish="length")
    for number, place in enumerate(CUTS):
        text = xml([_WRITE])
        cut = text[: text.index(place) + len(place)]
        case = Case("xml", f"cut-{number}", "QwenLM/qwen-code#301", content=cut, finish="length")
        yield case
    yield from _unclosed()
    long = Call("write_file", {"path": "long.py", "content": LONG})
    yield Case("xml", "long", "agentscope-ai/QwenPaw#1563", content=xml([long]), calls=(long,))


def _unclosed() -> Iterator[Case]:
    """Calls after a thought that was not closed, or closed in the wrong place."""
    case = Case("rescue", "", _THINK, "qwen3.6", calls=(READ,), thought=None)
    yield replace(case, fault="tagged", content=f"<think>\n{THOUGHT}{xml([READ])}")
    yield replace(case, fault="hermes", reasoning=THOUGHT + hermes([READ]), family="qwen3")
    yield replace(case, fault="tagged-hermes", content=f"<think>\n{THOUGHT}{hermes([READ])}")
    yield replace(
        case,
        fault="closed-after",
        content=f"<think>\n{THOUGHT}{xml([READ])}\n</think>",
        thread="cubist38/mlx-openai-server#284",
    )
    yield replace(case, fault="end-only", content=f"{THOUGHT}</think>\n\n{xml([READ])}", shown=None)
    yield replace(case, fault="never-closed", content=f"{THOUGHT}{xml([READ])}", shown=THOUGHT)
    yield replace(
        case,
        fault="blank-content",
        content="\n\n",
        reasoning=THOUGHT + xml([READ]),
        thread="QwenLM/Qwen3#1755",
    )
    yield replace(
        case,
        fault="at-length",
        reasoning=THOUGHT + xml([READ]),
        finish="length",
        calls=(),
        note="cut: what the thought would have come to is not known",
    )
    inner = f"{THOUGHT}{_OPEN}# The form\n"
    yield replace(case, fault="inside-an-open-call", reasoning=inner + xml([DANGER]), calls=())
    yield replace(case, fault="hermes-inside-an-open-call", reasoning=inner + _DANGER, calls=())
    tagged = Call("write_file", {"path": "a.md", "content": f"<tool_call> {_DANGER} </think>"})
    both = (tagged, READ)
    yield replace(case, fault="tags-in-arguments", reasoning=THOUGHT + hermes(both), calls=both)
    yield replace(
        case,
        fault="mid-thought",
        reasoning=f"{THOUGHT}{xml([RUN])}\nNo, that is wrong.",
        calls=(),
    )
