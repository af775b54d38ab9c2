"""The forms in which Qwen models write calls as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.recorded.answers import Call


def as_json(call: Call, *, indent: int | None = None, arguments: str = "arguments") -> str:
    return json.dumps(
        {"name": call.name, arguments: call.arguments}, ensure_ascii=False, indent=indent
    )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parameter(name: str, value: Any) -> str:
    return f"<parameter={name}>\n{_value(value)}\n</parameter>\n"


def function(call: Call) -> str:
    inner = "".join(parameter(name, value) for name, value in call.arguments.items())
    return f"<function={call.name}>\n{inner}</function>"


def hermes(calls: Sequence[Call]) -> str:
    return "\n".join(f"<tool_call>\n{as_json(call)}\n</tool_call>" for call in calls)


def fenced(calls: Sequence[Call]) -> str:
    return "\n\n".join(f"```json\n{as_json(call, indent=2)}\n```" for call in calls)


def bare(calls: Sequence[Call]) -> str:
    return "\n".join(as_json(call) for call in calls)


def tools(calls: Sequence[Call]) -> str:
    return "\n".join(f"<tools>\n{as_json(call)}\n</tools>" for call in calls)


def xml(calls: Sequence[Call]) -> str:
    return "\n".join(f"<tool_call>\n{function(call)}\n</tool_call>" for call in calls)


def doubled(calls: Sequence[Call]) -> str:
    blocks = [f"<tool_call>\n{{{as_json(call)}}}\n</tool_call>" for call in calls]
    return "\n".join(blocks)


def several(calls: Sequence[Call]) -> str:
    """All calls in one block: an array of them."""
    return f"<tool_call>\n[{', '.join(as_json(call) for call in calls)}]\n</tool_call>"


FORMS: dict[str, tuple[Callable[[Sequence[Call]], str], str, str]] = {
    "hermes": (hermes, "qwen3", "QwenLM/Qwen3-Coder#180"),
    "fence": (fenced, "qwen2.5-coder", "vllm-project/vllm#32926"),
    "bare": (bare, "qwen2.5-coder", "NousResearch/hermes-agent#5867"),
    "tools": (tools, "qwen2.5-coder", "vllm-project/vllm#33083"),
    "xml": (xml, "qwen3-coder", "QwenLM/qwen-code#10692"),
    "doubled": (doubled, "qwen2.5-coder", "reference: template of Qwen2.5-Coder-1.5B GGUF"),
    "several": (several, "qwen2.5-coder", "vllm-project/vllm#33083"),
}
"""Form: how it is written, the family that writes it, and where it was seen."""
