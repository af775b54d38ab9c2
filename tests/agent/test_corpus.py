"""Every recorded or constructed stream, cut at every byte: the calls that were meant, no other.

Two layers. The server's bytes reach the reader through the SDK's event decoder, which is fed every
body byte by byte and with a cut at every position. What the events carry reaches it as deltas,
which are cut at every character, one cut at a time and all at once.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.dialects import CallDelta, Delta
from qwright.agent.model import CallChunk, Chunk, Finish, TextDelta
from qwright.agent.server_chunk import read_chunk
from tests.agent.asking import ASK, model_at
from tests.agent.replay import Reply, serving
from tests.agent.streams import (
    PATHS,
    Seen,
    body_of,
    chunks_from,
    deltas_of,
    dialect_of,
    events,
    read,
    reader_of,
    stream,
    tools_of,
)
from tests.recorded.build import HERE, streams
from tests.recorded.table import SERVERS

_STEP = 3
"""Bytes to a chunk; with as many starts, every position of a body is a cut once."""
_LONG = 3000
"""Of answers longer than this, one cut in `_STRIDE` positions is tried."""
_STRIDE = 997


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


FAULTY = [path for path in PATHS if "fault" in stream(path)]


def test_the_builder_makes_the_files_that_are_kept() -> None:
    built = dict(streams())
    assert set(built) == set(FAULTY)
    for path, text in built.items():
        assert path.read_bytes() == text.encode(), _id(path)


def test_the_corpus_covers_forms_servers_and_faults() -> None:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in FAULTY:
        one = stream(path)
        found[one["form"]][one["server"]].add(one["fault"])
    assert len(PATHS) >= 400
    assert len(found) >= 8
    for form, servers in found.items():
        assert set(servers) == set(SERVERS), form
        assert all(len(faults) >= 8 for faults in servers.values()), form
    faults = {f"{form}.{fault}" for form in found for one in found[form].values() for fault in one}
    print(f"{len(PATHS)} streams: {len(found)} forms, {len(SERVERS)} servers, {len(faults)} faults")
    print(f"cuts between bytes: {sum(len(body_of(path)) - 1 for path in PATHS)}")


def test_each_stream_says_where_it_is_from() -> None:
    assert {stream(path)["source"] for path in PATHS} == {"recorded", "constructed"}
    for path in PATHS:
        one = stream(path)
        assert one["server"] == path.parent.name
        assert one["model"]
        assert one["thread"]
    assert {path.parent for path in PATHS} == {HERE / name for name in SERVERS}


@pytest.mark.parametrize("path", PATHS, ids=_id)
def test_any_chunks_of_bytes_are_the_same_events(path: Path) -> None:
    body = body_of(path)
    whole = events([body])
    size = _STEP if len(body) < 100_000 else 9973
    assert whole
    for start in range(size if size == _STEP else 1):
        assert events(chunks_from(body, start, size)) == whole
    if len(body) < 100_000:
        assert events(body[n : n + 1] for n in range(len(body))) == whole


@pytest.mark.parametrize("path", FAULTY, ids=_id)
def test_what_was_meant_is_run_once_and_nothing_else(path: Path) -> None:
    fed, finish = deltas_of(path)
    assert finish
    for dialect in _readers(path):
        _check(read(reader_of(path, dialect), fed, finish), stream(path)["expect"])


def _readers(path: Path) -> tuple[Any, ...]:
    """Text is read alike by all readers; native calls only where tools were sent natively."""
    native = any('"tool_calls":[{' in event for event in stream(path)["sse"])
    return ("native",) if native else ("native", "hermes", "xml", "tools")


def _check(seen: Seen, expect: dict[str, Any]) -> None:
    wanted = list(expect["calls"])
    for name, arguments, error in seen.calls:
        if error is None:
            assert wanted, f"a call that was not meant: {name} {arguments}"
            one = wanted.pop(0)
            assert (name, _plain(arguments)) == (one["name"], _plain(one["arguments"]))
        elif wanted and "or_error" in wanted[0]:
            wanted.pop(0)
        else:
            assert expect["failed"] is not False, f"{name} came back as: {error}"
    assert not wanted, "a call was lost"
    if expect["failed"]:
        assert any(error for _, _, error in seen.calls), "a wrong call gave no message"
    if expect["shown"] is not None:
        assert seen.shown.split() == expect["shown"].split()
    if expect["reasoning"] is not None:
        assert seen.reasoning == expect["reasoning"]


def _plain(arguments: dict[str, Any]) -> str:
    """To compare exactly: 1, 1.0 and True are equal in Python."""
    return json.dumps(arguments, sort_keys=True)


def _answers() -> Iterator[tuple[str, Path]]:
    """One stream of each answer: how it was cut makes no difference to what cutting it finds."""
    known: set[tuple[Any, ...]] = set()
    for path in PATHS:
        fed, finish = deltas_of(path)
        calls = tuple(call for delta in fed for call in delta.calls)
        said = "".join(delta.content for delta in fed), "".join(delta.reasoning for delta in fed)
        key = (*said, calls, finish, stream(path)["dialect"], stream(path)["tools"])
        if key not in known:
            known.add(key)
            yield _id(path), path


ANSWERS = dict(_answers())


@pytest.mark.parametrize("path", ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_cut_at_every_character_are_read_alike(path: Path) -> None:
    fed, finish = deltas_of(path)
    finish = finish or "stop"
    whole = read(reader_of(path), _joined(fed), finish)
    assert read(reader_of(path), fed, finish) == whole
    length = sum(len(delta.content) + len(delta.reasoning) for delta in fed)
    for cut in range(1, length, 1 if length < _LONG else _STRIDE):
        assert read(reader_of(path), _joined(fed, cut), finish) == whole, cut
    assert read(reader_of(path), _single(fed), finish) == whole


def _joined(fed: list[Delta], cut: int = 0) -> Iterator[Delta]:
    """Thoughts, text and calls, each in one delta but for the one that is cut."""
    reasoning = "".join(delta.reasoning for delta in fed)
    content = "".join(delta.content for delta in fed)
    at = cut - len(reasoning)
    yield from (Delta(reasoning=part) for part in (reasoning[:cut], reasoning[cut:]) if part)
    if 0 < at < len(content):
        yield from (Delta(content[:at]), Delta(content[at:]))
    elif content:
        yield Delta(content)
    yield from (Delta(calls=delta.calls) for delta in fed if delta.calls)


def _single(fed: list[Delta]) -> Iterator[Delta]:
    """Every character in a delta of its own; of a call's arguments too."""
    for delta in fed:
        yield from (Delta(reasoning=char) for char in delta.reasoning)
        yield from (Delta(char) for char in delta.content)
        for call in delta.calls:
            yield from _characters(call) if _is_clear(fed) else [Delta(calls=(call,))]


def _is_clear(fed: list[Delta]) -> bool:
    """Whether each index is one call. Else where a fragment ends says which call it is of."""
    fragments = [call for delta in fed for call in delta.calls]
    named = [call.index for call in fragments if call.name]
    ids = [call.id for call in fragments if call.name and call.id]
    return None not in named and len(named) == len(set(named)) and len(ids) == len(set(ids))


def _characters(call: CallDelta) -> Iterator[Delta]:
    first, rest = (call.arguments or "")[:1], (call.arguments or "")[1:]
    yield Delta(calls=(CallDelta(call.index, call.id, call.name, first or None),))
    yield from (Delta(calls=(CallDelta(call.index, call.id, None, char),)) for char in rest)


def _sample() -> list[Path]:
    """One stream of every form on every server, with a different fault each."""
    groups: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in FAULTY:
        groups[path.parent.name, stream(path)["form"]].append(path)
    return [group[turn % len(group)] for turn, group in enumerate(groups.values())]


@pytest.mark.parametrize("path", _sample(), ids=_id)
def test_over_http_the_same_calls_come_as_from_the_events(path: Path) -> None:
    fed, finish = deltas_of(path)
    seen = read(reader_of(path), fed, finish)

    async def main() -> list[Chunk]:
        async with serving([Reply(body_of(path), chunk=29)]) as server:
            model = model_at(server.url, dialect=dialect_of(path))
            chunks = [chunk async for chunk in model.stream(ASK, tools_of(path))]
            await model.close()
            return chunks

    chunks = asyncio.run(main())
    calls = [chunk.call for chunk in chunks if isinstance(chunk, CallChunk)]
    assert tuple((call.name, call.arguments, call.error) for call in calls) == seen.calls
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta)) == seen.shown
    assert isinstance(chunks[-1], Finish)


def test_an_event_that_is_no_chunk_adds_nothing() -> None:
    assert read_chunk({"choices": []}).delta == Delta()
