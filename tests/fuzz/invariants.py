"""What must hold of the readers, whatever a model writes and a server sends.

One function per kind of input; each takes bytes, decides everything from them and raises
AssertionError with the answer when something does not hold.
"""

from __future__ import annotations

import json
from typing import Any

from qwright.agent.dialects import CallDelta, Delta, DialectName, Reader
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.select import dialect_for
from qwright.agent.model import ToolSpec
from tests.agent.streams import Seen, pieces, read, tools_named
from tests.fuzz.answers import Answer, answer
from tests.fuzz.fragments import fragments
from tests.fuzz.native import native_deltas
from tests.fuzz.source import Source

TOOLS = tools_named("agent")
_NAMES = {tool.name for tool in TOOLS}
_DIALECTS: tuple[DialectName, ...] = ("native", "hermes", "xml", "tools")
_FINISH = ("stop", "length", "tool_calls")
_CHARACTERS = 600
"""Answers up to this length are also read character by character."""


def check(data: bytes) -> None:
    """One fuzzer input: its first byte says which of the checks it is for."""
    source = Source(data)
    (check_any, check_built, check_built, check_native, check_quoted)[source.below(5)](source)


def reader(name: DialectName, tools: tuple[ToolSpec, ...] = TOOLS) -> Reader:
    return dialect_for(name).reader(tools)


def check_any(source: Source) -> None:
    """Any text: no exception, no unknown call, the same for every split, no more calls if cut."""
    dialect, finish = source.pick(_DIALECTS), source.pick(_FINISH)
    reasoning = fragments(source, 12) if source.chance(3) else ""
    cuts = [source.below(256) for _ in range(source.below(6))]
    check_text(dialect, reasoning, fragments(source, 48), finish, cuts)


def check_text(
    dialect: DialectName, reasoning: str, text: str, finish: str, cuts: list[int]
) -> None:
    """`cuts`: 256ths of the text at which it is split."""
    _sane(_same_for_splits(dialect, reasoning, text, finish, cuts))
    whole = [call for call in _read(dialect, reasoning, text, "stop").calls if call[2] is None]
    cut = [call for call in _read(dialect, reasoning, text, "length").calls if call[2] is None]
    assert cut == whole[: len(cut)], f"a cut answer runs what a whole one does not: {text!r}"


def check_quoted(source: Source) -> None:
    """Any text, quoted: in a fence, in a thought, and where there are no tools, nothing runs."""
    dialect, text = source.pick(_DIALECTS), fragments(source, 48)
    calm = text.replace("`", "'").replace("~", "-").replace("</think>", "")
    fence, word = source.pick(("```", "~~~", "`````")), source.pick(("xml", "python", "text"))
    fenced = f"So:\n{fence}{word}\n{calm}\n{fence}\nis all."
    seen = _read(dialect, "", fenced, "stop")
    assert not seen.calls, f"ran what a fence quoted: {fenced!r}"
    assert seen.shown == fenced, f"{seen.shown!r} was shown of {fenced!r}"
    assert not _read(dialect, text, "Done.", "stop").calls, f"ran a thought: {text!r}"
    calm = calm.replace("<think>", "")
    first = source.pick(("", "So. ", "<think>\nHm.\n</think>\n"))
    closed = f"{first}<think>\n{calm}\n</think>\n\nDone."
    assert not _read(dialect, "", closed, "stop").calls, f"ran a thought: {closed!r}"
    without = read(reader(dialect, ()), [Delta(text)], "stop")
    assert not [call for call in without.calls if call[2] is None], f"no tools, and ran: {text!r}"


def check_built(source: Source) -> None:
    """An answer whose calls are known: these run, exactly, and no other."""
    dialect, built = source.pick(_DIALECTS), answer(source)
    cuts = [source.below(256) for _ in range(source.below(6))]
    seen = _same_for_splits(dialect, built.reasoning, built.content, built.finish, cuts)
    _sane(seen)
    _as_meant(seen, built)


def check_native(source: Source) -> None:
    """Calls in the API's own field, in fragments: these run, exactly, whatever the text says."""
    built = answer(source)
    calls = built.calls or [*answer(Source(b"\x00\x01")).calls]
    said = fragments(source, 8)
    deltas = [Delta(said), *native_deltas(source, calls)]
    seen = read(reader("native"), deltas, source.pick(("tool_calls", "stop")))
    native = Answer(content=said, shown=None, calls=calls)
    _as_meant(seen, native)
    _any_fragments(source)


def _any_fragments(source: Source) -> None:
    """Fragments in no order at all: no exception, no unknown call."""
    deltas: list[Delta] = []
    for _ in range(source.below(8)):
        index = source.pick((0, 0, 1, 2, None, -1))
        given = source.pick((None, "", "a", "b"))
        name = source.pick((None, "", "read_file", "status", "rm"))
        deltas.append(Delta(calls=(CallDelta(index, given, name, fragments(source, 3) or None),)))
    for finish in _FINISH:
        _sane(read(reader("native"), deltas, finish))


def _read(dialect: DialectName, reasoning: str, text: str, finish: str) -> Seen:
    return read(reader(dialect), [Delta(reasoning=reasoning), Delta(text)], finish)


def _same_for_splits(
    dialect: DialectName, reasoning: str, text: str, finish: str, cuts: list[int]
) -> Seen:
    whole = _read(dialect, reasoning, text, finish)
    places = [cut * (len(text) + 1) // 256 for cut in cuts]
    again = read(reader(dialect), [Delta(reasoning=reasoning), *pieces(text, places)], finish)
    assert again == whole, f"{text!r} cut at {places}, {finish}: {again} is not {whole}"
    if len(text) + len(reasoning) <= _CHARACTERS:
        single = [*(Delta(reasoning=one) for one in reasoning), *(Delta(one) for one in text)]
        alone = read(reader(dialect), single, finish)
        assert alone == whole, f"{text!r} in characters, {finish}: {alone} is not {whole}"
    return whole


def _sane(seen: Seen) -> None:
    for name, arguments, error in seen.calls:
        assert name in _NAMES or error, f"ran {name}, which is no tool"
        assert not (error and arguments), "an error with arguments"
        assert error is None or "\n" not in error
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
        assert isinstance(arguments, dict)


def _as_meant(seen: Seen, built: Answer) -> None:
    ran = [(name, _plain(given)) for name, given, error in seen.calls if error is None]
    meant = [(call.name, _plain(call.arguments)) for call in built.calls]
    assert ran == meant, (
        f"{built.reasoning!r} {built.content!r} ({built.finish}): ran {seen.calls}, meant {meant}"
    )
    failed = [error for _, _, error in seen.calls if error]
    assert bool(failed) == built.failed, f"{built.content!r}: {failed}"
    if built.shown is not None:
        assert seen.shown.split() == built.shown.split(), f"{built.content!r}: {seen.shown!r}"


def _plain(value: JsonValue | dict[str, Any]) -> JsonValue:
    """With whole floats as integers: XML tells no difference."""
    text = json.dumps(value, sort_keys=True)
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value
