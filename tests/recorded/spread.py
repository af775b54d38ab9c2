"""Every form with every value and every fault that any form can have: these go to all servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.recorded.answers import Call, Case
from tests.recorded.forms import FORMS, xml
from tests.recorded.values import READ, RUN, UNKNOWN, VALUES

BEFORE = "I will look at it first; a < b.\n\n"
AFTER = "\n\nThen I will go on."
THOUGHT = "The user wants tests. First I read the file.\n\n"
NATIVE = Case("native", "", "sgl-project/sglang#7117", finish="tool_calls")
RESCUE = Case("rescue", "", "vllm-project/vllm#35687", "qwen3.6", thought=None)
_WRITE = Call("write_file", {"path": "big.py", "content": "a = 1\n" * 12})


def spread() -> Iterator[Case]:
    yield from _native()
    yield from _rescued()
    for form in FORMS:
        yield from _written(form)
        yield from _spoiled(form)


def _native() -> Iterator[Case]:
    for fault, calls in VALUES.items():
        yield replace(NATIVE, fault=fault, native=calls, calls=calls)
    both, said = (READ, RUN), BEFORE.strip()
    yield replace(
        NATIVE, fault="prose", content=said, native=both, calls=both, shown=said, family="qwen3"
    )
    yield replace(NATIVE, fault="unregistered", native=(UNKNOWN,), failed=True)
    thread = "anomalyco/opencode#1809"
    yield replace(
        NATIVE, fault="finish-stop", thread=thread, native=both, calls=both, finish="stop"
    )


def _rescued() -> Iterator[Case]:
    for fault, calls in VALUES.items():
        yield replace(RESCUE, fault=fault, reasoning=THOUGHT + xml(calls), calls=calls)
    cut = THOUGHT + xml([_WRITE])[:90]
    yield replace(RESCUE, fault="cut", reasoning=cut, finish="length")
    yield replace(RESCUE, fault="cut-unsaid", reasoning=cut)
    yield replace(RESCUE, fault="unregistered", reasoning=THOUGHT + xml([UNKNOWN]))


def _of(form: str, fault: str, content: str, calls: Sequence[Call] = (), shown: str = "") -> Case:
    _, family, thread = FORMS[form]
    return Case(form, fault, thread, family, content, calls=tuple(calls), shown=shown)


def _written(form: str) -> Iterator[Case]:
    write = FORMS[form][0]
    for fault, calls in VALUES.items():
        yield replace(_of(form, fault, write(calls), calls), whole=fault == "base")
    after = "" if form == "bare" else AFTER
    yield _of(form, "prose", BEFORE + write([READ]) + after, [READ], BEFORE + after)


def _spoiled(form: str) -> Iterator[Case]:
    write = FORMS[form][0]
    call = write([_WRITE])
    cut = _of(form, "cut", BEFORE + call[: len(call) * 2 // 3], (), BEFORE)
    yield replace(cut, thread="QwenLM/qwen-code#301", finish="length")
    if form not in ("bare", "several"):
        both = write([READ]) + "\n" + call[: len(call) * 2 // 3]
        yield replace(_of(form, "cut-second", both, [READ]), finish="length")
    # Only a tag leaves no doubt that a call was meant; what bears no known name else is text.
    tagged = form not in ("fence", "bare", "tools")
    unknown = _of(form, "unregistered", write([UNKNOWN]))
    yield replace(unknown, failed=tagged, shown="" if tagged else None)
    response = "\n<tool_response>\nprint(1)\n</tool_response>\nThe file prints 1."
    made_up = _of(form, "response", write([READ]) + response, [READ])
    yield replace(made_up, thread="QwenLM/Qwen3-Coder#475")
