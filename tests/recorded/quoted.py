"""Calls that were only quoted: none of them may run, and all of them are shown."""

from __future__ import annotations

from collections.abc import Iterator

from tests.recorded.answers import Call, Case
from tests.recorded.forms import fenced, function, hermes, xml
from tests.recorded.values import DANGER, QUOTED_JSON, READ

_INLINE_XML = xml([DANGER]).replace("\n", "")
_FENCE = "```"
_IRONCLAW, _DS2API = "nearai/ironclaw#1641", "CJackHwang/ds2api#267"
_IN_THOUGHT = "lmstudio-ai/lmstudio-bug-tracker#1592"

_LISTED = (
    '{"name": "list_directory", "description": "List a directory.", "parameters": '
    '{"type": "object", "properties": {"path": {"type": "string"}}}}'
)

TEXTS: dict[str, tuple[str, str]] = {
    "fence-xml": (f"You would write:\n\n{_FENCE}xml\n{xml([DANGER])}\n{_FENCE}\n", _IRONCLAW),
    "fence-plain": (f"It is\n{_FENCE}\n{hermes([DANGER])}\n{_FENCE}\nas I said.", _DS2API),
    "fence-python": (f"{_FENCE}python\nX = {QUOTED_JSON}\n{QUOTED_JSON}\n{_FENCE}\n", _DS2API),
    "fence-tildes": (f"Like so:\n~~~\n{xml([DANGER])}\n~~~\n", _DS2API),
    "fence-longer": (f"````md\n{fenced([DANGER])}\n{xml([DANGER])}\n````\nDone.", _DS2API),
    "fence-orphan": (f"{_FENCE}xml\n{function(DANGER)}\n{_FENCE}\nis one.", _IRONCLAW),
    "fence-open": (f"The form:\n{_FENCE}text\n{hermes([DANGER])}", _DS2API),
    "inline": (f"Write `{_INLINE_XML}` to call it.", "unslothai/unsloth#8312"),
    "inline-json": (f"Write `<tool_call>{QUOTED_JSON}</tool_call>`, no more.", _DS2API),
    "inline-doubled": (
        f"Write ``<tool_call>{QUOTED_JSON}</tool_call>``, no more.",
        "unslothai/unsloth#8312",
    ),
    "tools-fence": (f"I have:\n{_FENCE}json\n{_LISTED}\n{_FENCE}\n", "jyjeanne/crustly#39"),
    "tools-bare": (_LISTED, "jyjeanne/crustly#39"),
    "tools-tag": (
        f'<tools>\n{{"type": "function", "function": {_LISTED}}}\n</tools>\nare my tools.',
        "vllm-project/vllm#33083",
    ),
    "mid-line": (f"The call {QUOTED_JSON} would delete all.", _IRONCLAW),
    "line": (f"> <tool_call>{QUOTED_JSON}</tool_call>\n\nis what I said.", _DS2API),
    "named": (
        "Use <tool_call> with <function=NAME> in it, then </tool_call>; `<tools>` lists.",
        _IN_THOUGHT,
    ),
    "schema": (
        '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}',
        "jyjeanne/crustly#39",
    ),
}
IN_THOUGHT = f"""\
The format is <function=...> in <tool_call>. For example:
{xml([DANGER])}
or {QUOTED_JSON}, which I must not do.
"""


def quoted() -> Iterator[Case]:
    for fault, (text, thread) in TEXTS.items():
        yield Case("quoted", fault, thread, "qwen3", text, shown=text)
    example = f"{_FENCE}xml\n{xml([DANGER])}\n{_FENCE}\n"
    yield Case(
        "quoted",
        "fence-then-call",
        _DS2API,
        content=f"As in\n{example}I call:\n{xml([READ])}",
        calls=(READ,),
        shown=f"As in\n{example}I call:",
    )
    said = "Nothing needs to be done."
    thought = Case("quoted", "thought", _IN_THOUGHT, "qwen3.6", said, IN_THOUGHT, shown=said)
    yield thought
    yield Case("quoted", "thought-alone", _IN_THOUGHT, "qwen3.6", reasoning=IN_THOUGHT)
    yield Case(
        "quoted",
        "thought-then-call",
        _IN_THOUGHT,
        "qwen3.6",
        xml([READ]),
        IN_THOUGHT,
        calls=(READ,),
    )
    for fault, first in (
        ("thought-second", "<think>\nHm.\n</think>\n\n"),
        ("thought-late", "So. "),
    ):
        yield Case(
            "quoted",
            fault,
            _IN_THOUGHT,
            "qwen3.6",
            f"{first}<think>\nIf I ran\n{xml([DANGER])}\n</think>\n{said}",
            shown=None,
            note="models that think between steps open a further thought",
        )
    yield Case(
        "quoted",
        "thought-ends-in-call",
        "ggml-org/llama.cpp#24202",
        "qwen3.6",
        said,
        f"I might run\n{xml([DANGER])}",
        shown=said,
        note="the answer has text: the call at the end of the thought was not the answer",
    )
    yield Case(
        "quoted",
        "beside-native",
        _IRONCLAW,
        "qwen3-coder",
        f"Unlike `{QUOTED_JSON}` this is safe.",
        native=(READ,),
        finish="tool_calls",
        calls=(READ,),
        shown=f"Unlike `{QUOTED_JSON}` this is safe.",
    )


def _document() -> str:
    return f"# How to call\n\n{fenced([DANGER])}\n\n{hermes([DANGER])}\n"


IN_A_FILE = Call("write_file", {"path": "how.md", "content": _document()})
