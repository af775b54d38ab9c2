"""Faults of native calls: how servers mix up the ids, indexes and fragments they send."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.recorded.answers import Call, Case, Fragment
from tests.recorded.forms import hermes, xml
from tests.recorded.values import READ, RUN

A, B = json.dumps(READ.arguments), json.dumps(RUN.arguments)
N, M = READ.name, RUN.name
_DEEP = '{"todos": ' + "[" * 2000 + "]" * 2000 + "}"
"""Deeper than Python's own JSON decoder can go."""
_BOTH = (READ, RUN)
_EMOJI = Call("write_file", {"path": "a.md", "content": "ok \U0001f389"})
_OR_ERROR = Call(N, READ.arguments, sure=False)
_ESCAPED = json.dumps(_EMOJI.arguments)
_HALF = _ESCAPED.index("\\udf89")
_OLLAMA, _SGLANG = "ollama/ollama#15457", "sgl-project/sglang#7117"
_DYNAMO, _QWEN_AGENT = "ai-dynamo/dynamo#4723", "QwenLM/Qwen-Agent: oai.py"
_OPENCODE, _NGRAM = "anomalyco/opencode#1809", "vllm-project/vllm#56077"
_LMSTUDIO = "lmstudio-ai/lmstudio-bug-tracker#830"


def _pieces(text: str, size: int = 6) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _stream(
    text: str, name: str, index: int | None, first: str | None, later: str | None = None
) -> list[Fragment]:
    """One call in pieces: `first` and `later` are the ids of its fragments."""
    head, *rest = _pieces(text)
    return [Fragment(index, first, name, head)] + [Fragment(index, later, None, p) for p in rest]


FRAGMENTS: dict[str, tuple[list[Fragment], tuple[Call, ...], str]] = {
    "index-0-whole": ([Fragment(0, "c1", N, A), Fragment(0, "c2", M, B)], _BOTH, _OLLAMA),
    "index-0-pieces": (
        _stream(A, N, 0, "c1", "c1") + _stream(B, M, 0, "c2", "c2"),
        _BOTH,
        _DYNAMO,
    ),
    "index-0-no-later-id": (_stream(A, N, 0, "c1") + _stream(B, M, 0, "c2"), _BOTH, _SGLANG),
    "no-index": ([Fragment(None, "c1", N, A), Fragment(None, "c2", M, B)], _BOTH, "ollama#7881"),
    "no-index-pieces": (
        _stream(A, N, None, "c1") + _stream(B, M, None, "c2"),
        _BOTH,
        "LibreChat-AI/agents#260",
    ),
    "no-id": (_stream(A, N, 0, None) + _stream(B, M, 1, None), _BOTH, _LMSTUDIO),
    "empty-id": (_stream(A, N, 0, "", "") + _stream(B, M, 1, "", ""), _BOTH, _LMSTUDIO),
    "same-id": (_stream(A, N, 0, "c1", "c1") + _stream(B, M, 1, "c1", "c1"), _BOTH, _QWEN_AGENT),
    "fresh-ids": (
        [Fragment(0, f"c{n}", N, piece) for n, piece in enumerate(_pieces(A))],
        (READ,),
        _QWEN_AGENT,
    ),
    "name-repeated": (
        [Fragment(0, "c1", N, piece) for piece in _pieces(A)]
        + [Fragment(1, "c2", M, piece) for piece in _pieces(B)],
        _BOTH,
        _QWEN_AGENT,
    ),
    "name-alone": (
        [Fragment(0, "c1", N, ""), *[Fragment(0, None, None, piece) for piece in _pieces(A)]],
        (READ,),
        "vllm-project/vllm#19056",
    ),
    "index-from-1": (_stream(A, N, 1, "c1") + _stream(B, M, 2, "c2"), _BOTH, _SGLANG),
    "interleaved": (
        [
            Fragment(0, "c1", N, ""),
            Fragment(1, "c2", M, ""),
            *[
                piece
                for pair in zip(_pieces(A, 9), _pieces(B, 13), strict=True)
                for piece in (Fragment(0, arguments=pair[0]), Fragment(1, arguments=pair[1]))
            ],
        ],
        _BOTH,
        _SGLANG,
    ),
    "said-twice": ([*_stream(A, N, 0, "c1"), Fragment(0, "c1", N, A)], (READ,), _DYNAMO),
    "empty-last": ([*_stream(A, N, 0, "c1"), Fragment(0, "", "", "")], (READ,), _QWEN_AGENT),
    "brace-lost": ([Fragment(0, "c1", N, A[:-1])], (_OR_ERROR,), "vllm-project/vllm#22885"),
    "empty-first": (
        [Fragment(0, "c1", N, "{}"), *[Fragment(0, None, None, piece) for piece in _pieces(A)]],
        (READ,),
        "ogx-ai/ogx#5462",
    ),
    "empty-object-first": (
        [Fragment(0, "c1", N, {}), *[Fragment(0, "c1", None, piece) for piece in _pieces(A)]],
        (READ,),
        "unslothai/unsloth#10275",
    ),
    "object-within": (
        [
            Fragment(0, "c1", M, '{"command": "awk '),
            Fragment(0, arguments="{}"),
            Fragment(0, arguments=' a"}'),
        ],
        (Call(M, {"command": "awk {} a"}),),
        "mcowger/plexus#759",
    ),
    "object": ([Fragment(0, "c1", N, READ.arguments)], (READ,), _OPENCODE),
    "string-twice": (_stream(json.dumps(A), N, 0, "c1"), (READ,), "QwenLM/qwen-code#442"),
    "no-arguments": ([Fragment(0, "c1", "status")], (Call("status"),), _OPENCODE),
    "null-arguments": ([Fragment(0, "c1", "status", "null")], (Call("status"),), _OPENCODE),
    "torn-escape": (
        [
            Fragment(0, "c1", "write_file", _ESCAPED[:_HALF]),
            Fragment(0, arguments=_ESCAPED[_HALF:]),
        ],
        (_EMOJI,),
        "vllm-project/vllm#19056",
    ),
}
FAILED: dict[str, tuple[list[Fragment], str]] = {
    "not-a-number": ([Fragment(0, "c1", M, '{"command": "ls", "timeout": NaN}')], _OPENCODE),
    "endless-number": ([Fragment(0, "c1", M, '{"command": "ls", "timeout": 1e999}')], _OPENCODE),
    "too-deep": ([Fragment(0, "c1", "todo_write", _DEEP)], _OPENCODE),
    "empty-value": ([Fragment(0, "c1", N, "")], _NGRAM),
    "ngram-empty": ([Fragment(0, "c1", N, "{}")], _NGRAM),
    "ngram-key": ([Fragment(0, "c1", M, '{"command=ls": ""}')], _NGRAM),
    "unterminated": ([Fragment(0, "c1", N, A[:9])], "QwenLM/qwen-code#301"),
}


def native_faults() -> Iterator[Case]:
    for fault, (fragments, calls, thread) in FRAGMENTS.items():
        yield Case(
            "native", fault, thread, fragments=tuple(fragments), finish="tool_calls", calls=calls
        )
    for fault, (fragments, thread) in FAILED.items():
        yield Case(
            "native", fault, thread, fragments=tuple(fragments), finish="tool_calls", failed=True
        )
    cut = [*_stream(A, N, 0, "c1"), *_stream(B, M, 1, "c2")[:-1]]
    yield Case(
        "native",
        "cut-second",
        "QwenLM/qwen-code#301",
        fragments=tuple(cut),
        finish="length",
        calls=(READ,),
    )
    yield Case("native", "cut", "QwenLM/qwen-code#301", fragments=tuple(cut[:2]), finish="length")
    texts = {"text-too": hermes([READ]), "xml-too": xml([READ]), "tag-too": "<tool_call>\n"}
    for fault, text in texts.items():
        yield Case(
            "native",
            fault,
            "vllm-project/vllm#20611",
            "qwen3",
            text,
            native=(READ,),
            finish="tool_calls",
            calls=(READ,),
            shown=None,
            note="the call is sent and left, or begun, in the text too: it must run once",
        )
