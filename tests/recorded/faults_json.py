"""Faults of calls written as JSON: what Qwen2.5, its Coder and Qwen3 make of the Hermes form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.recorded.answers import Call, Case
from tests.recorded.forms import as_json, bare, doubled, fenced, hermes, several
from tests.recorded.quoted import IN_A_FILE
from tests.recorded.values import DANGER, LONG, READ, RUN

J = as_json(READ)
_BROKEN = Call("write_file", {"path": "a.md", "content": f'"hi"\n{hermes([DANGER])}\n'}, sure=False)
_RAW = Call("write_file", {"path": "a.py", "content": "def f():\n\treturn '```'\n```\n"})
_SAYS = Call("write_file", {"path": "a.py", "content": 'print("hi")\n'})
_PAIR = Call("write_file", {"path": "a.py", "content": 'f("a", "b")\n'}, sure=False)
_LISTED = Call("read_file", {"path": ["a.py"]}, sure=False)
_FLAGS = Call("run_shell_command", {"command": "ls", "background": True})
_EXTRA_DATA, _OPENCODE = "vllm-project/vllm#17790", "anomalyco/opencode#1809"


def _tags(inner: str) -> str:
    return f"<tool_call>\n{inner}\n</tool_call>"


def _unescaped(call: Call) -> str:
    """With the newlines and tabs of its strings as they are."""
    return as_json(call).replace("\\n", "\n").replace("\\t", "\t")


def _inner_quotes(call: Call) -> str:
    return as_json(call).replace('\\"', '"')


HERMES: dict[str, tuple[str, tuple[Call, ...], str]] = {
    "end-token": (f"{hermes([READ])}<|im_end|>", (READ,), "ggml-org/llama.cpp#15012"),
    "turn-goes-on": (
        f"{hermes([READ])}<|im_end|>\n<|im_start|>user\nGo on.\n<|im_start|>assistant\n"
        f"{hermes([DANGER])}",
        (READ,),
        "ggml-org/llama.cpp#15012",
    ),
    "lone-backtick": (f"It`s the file.\n{hermes([READ])}", (READ,), "unslothai/unsloth#8312"),
    "one-line": (f"Sure: <tool_call>{J}</tool_call>", (READ,), "QwenLM/Qwen3-Coder#180"),
    "no-end-tag": (f"<tool_call>\n{J}\n", (READ,), "vllm-project/vllm#22885"),
    "no-start-tag": (f"{J}\n</tool_call>", (READ,), "QwenLM/Qwen3-Coder#475"),
    "other-end-tag": (f"<tool_call>\n{J}\n</tools>", (READ,), "vllm-project/vllm#32926"),
    "extra-brace": (_tags(J + "}"), (READ,), "vllm-project/vllm#22885"),
    "raw-newlines": (_tags(_unescaped(_RAW)), (_RAW,), "QwenLM/qwen-code#442"),
    "inner-quotes": (_tags(_inner_quotes(_SAYS)), (_SAYS,), "QwenLM/qwen-code#442"),
    "inner-quotes-and-commas": (_tags(_inner_quotes(_PAIR)), (_PAIR,), "QwenLM/qwen-code#442"),
    "inner-quotes-and-a-call": (_tags(_inner_quotes(_BROKEN)), (_BROKEN,), "nearai/ironclaw#1641"),
    "trailing-comma": (_tags(J.replace("}}", ",},}")), (READ,), _EXTRA_DATA),
    "single-quotes": (_tags(J.replace('"', "'")), (READ,), _EXTRA_DATA),
    "wrong-type": (hermes([_LISTED]), (_LISTED,), _OPENCODE),
    "python-words": (_tags(as_json(_FLAGS).replace("true", "True")), (_FLAGS,), _EXTRA_DATA),
    "string-arguments": (
        _tags('{"name": "read_file", "arguments": "{\\"path\\": \\"src/app.py\\"}"}'),
        (READ,),
        _OPENCODE,
    ),
    "parameters": (_tags(as_json(READ, arguments="parameters")), (READ,), _OPENCODE),
    "args": (_tags(as_json(READ, arguments="args")), (READ,), _OPENCODE),
    "arguments-first": (
        _tags('{"arguments": {"path": "src/app.py"}, "name": "read_file"}'),
        (READ,),
        _OPENCODE,
    ),
    "function-object": (
        _tags(f'{{"type": "function", "function": {J}}}'),
        (READ,),
        "QwenLM/Qwen3-Coder#180",
    ),
    "objects-in-a-row": (_tags(f"{J}\n{as_json(RUN)}"), (READ, RUN), "vllm-project/vllm#33083"),
    "fence-within": (_tags(f"```json\n{J}\n```"), (READ,), "vllm-project/vllm#32926"),
    "quotes-in-a-file": (hermes([IN_A_FILE]), (IN_A_FILE,), "nearai/ironclaw#1641"),
    "one-broken-of-two": (
        f"{hermes([READ])}\n{_tags(as_json(RUN) + '}')}",
        (READ, RUN),
        "vllm-project/vllm#21544",
    ),
    "after-a-thought": (
        f"<think>\nHm.\n</think>\n\n{hermes([READ])}",
        (READ,),
        "lmstudio-ai/lmstudio-bug-tracker#827",
    ),
    "windows-lines": (
        hermes([READ, RUN]).replace("\n", "\r\n"),
        (READ, RUN),
        "lmstudio-ai/lmstudio-bug-tracker#825",
    ),
}
OTHER: dict[str, tuple[str, str, tuple[Call, ...], str]] = {
    "raw-newlines": ("fence", f"```json\n{_unescaped(_RAW)}\n```", (_RAW,), "QwenLM/qwen-code#442"),
    "quotes-in-a-file": ("fence", fenced([IN_A_FILE]), (IN_A_FILE,), "nearai/ironclaw#1641"),
    "no-end": ("fence", f"```json\n{J}", (READ,), "vllm-project/vllm#32926"),
    "unlabelled": ("fence", f"Sure:\n```\n{J}\n```", (READ,), "vllm-project/vllm#32926"),
    "windows-lines": (
        "fence",
        fenced([READ]).replace("\n", "\r\n"),
        (READ,),
        "lmstudio-ai/lmstudio-bug-tracker#825",
    ),
    "array": (
        "fence",
        f"```json\n[{J}, {as_json(RUN)}]\n```",
        (READ, RUN),
        "vllm-project/vllm#33083",
    ),
    "parameters": ("bare", as_json(READ, arguments="parameters"), (READ,), "ollama/ollama#12174"),
    "end-token": ("bare", f"{J}<|im_end|>", (READ,), "ollama/ollama#12174"),
    "pretty": ("bare", as_json(READ, indent=2), (READ,), "ollama/ollama#12174"),
    "single-quotes": ("bare", J.replace('"', "'"), (READ,), "ollama/ollama#12174"),
    "array-in-tools": (
        "tools",
        f"<tools>\n[{J}, {as_json(RUN)}]\n</tools>",
        (READ, RUN),
        "vllm-project/vllm#33083",
    ),
    "bare-doubled": ("doubled", f"{{{J}}}", (READ,), "reference: template of the 1.5B GGUF"),
    "one-end-missing": ("doubled", f"<tool_call>\n{{{J}\n</tool_call>", (READ,), "reference"),
    "fences-follow": (
        "doubled",
        f"{{{J}}}\n</tool_call>\n```\n```\n",
        (READ,),
        "reference: measured on the 1.5B with tool_choice required",
    ),
    "rows": (
        "several",
        f"<tool_call>\n{J},\n{as_json(RUN)}\n</tool_call>",
        (READ, RUN),
        "vllm-project/vllm#33083",
    ),
}
FAILED: dict[str, tuple[str, str]] = {
    "same-key-twice": (
        _tags('{"name": "read_file", "arguments": {"path": "a", "path": "b"}}'),
        _OPENCODE,
    ),
    "not-closed": (
        _tags('{"name": "read_file", "arguments": {"path": "a.py}}'),
        "QwenLM/qwen-code#301",
    ),
    "no-name": (_tags('{"arguments": {"path": "a.py"}}'), _OPENCODE),
    "no-required": (_tags('{"name": "read_file", "arguments": {}}'), _OPENCODE),
    "endless-number": (
        _tags('{"name": "run_shell_command", "arguments": {"command": "ls", "timeout": 1e999}}'),
        _OPENCODE,
    ),
    "list-arguments": (_tags('{"name": "read_file", "arguments": ["a.py"]}'), _OPENCODE),
}


def json_faults() -> Iterator[Case]:
    for fault, (text, calls, thread) in HERMES.items():
        yield Case("hermes", fault, thread, "qwen3", text, calls=calls, shown=None)
    extra = Case("hermes", "extra-data", _EXTRA_DATA, "qwen3", shown="Now I read it.")
    yield replace(extra, content=_tags(J + "\nNow I read it."), calls=(READ,))
    for fault, (form, text, calls, thread) in OTHER.items():
        yield Case(form, fault, thread, "qwen2.5-coder", text, calls=calls, shown=None)
    for fault, (text, thread) in FAILED.items():
        yield Case("hermes", fault, thread, "qwen3", text, failed=True, shown=None)
    torn = Call("write_file", {"path": "a.md", "content": "done \U0001f389\U0001f469 ok"})
    yield Case(
        "hermes",
        "torn-pairs",
        "constructed: a server that cuts UTF-16 strings",
        "qwen3",
        f"\U0001f389 {hermes([torn])}",
        calls=(torn,),
        shown="\U0001f389 ",
        halves=True,
        whole=True,
    )
    yield from _long()


def _long() -> Iterator[Case]:
    call = Call("write_file", {"path": "long.py", "content": LONG})
    long = Case("", "long", "agentscope-ai/QwenPaw#1563", "qwen2.5-coder", calls=(call,))
    for form, write in (("hermes", hermes), ("fence", fenced), ("bare", bare)):
        yield replace(long, form=form, content=write([call]))
    yield replace(long, form="doubled", content=doubled([call]))
    yield replace(long, form="several", content=several([call, DANGER]), calls=(call, DANGER))
    yield replace(long, form="native", native=(call,), finish="tool_calls")
