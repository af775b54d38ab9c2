"""The recorded streams, what is expected of them, and what a reader made of one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from qwright.agent.dialects import Delta, Dialect, DialectName, Reader
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.select import dialect_for
from qwright.agent.model import CallChunk, ReasoningDelta, TextDelta, ToolSpec
from qwright.agent.server_chunk import read_chunk

RECORDED = Path(__file__).parents[1] / "recorded"
PATHS = sorted(RECORDED.glob("*/*.json"))


@dataclass(frozen=True)
class Seen:
    """One answer as a user and the loop see it; ids left out, since they are random."""

    shown: str
    reasoning: str
    calls: tuple[tuple[str, dict[str, Any], str | None], ...]
    text: str
    cut: bool


@cache
def stream(path: Path) -> dict[str, Any]:
    """A stream's file: where it is from, what is expected of it, and its events as sent."""
    return json.loads(path.read_text(encoding="utf-8"))


_BY_NAME = {path.stem: path for path in PATHS if "fault" not in stream(path)}
NAMES = sorted(_BY_NAME)
"""The streams that were recorded or written by hand; the others build.py makes."""


def expected(name: str) -> dict[str, Any]:
    return stream(_BY_NAME[name])["expect"]


def calls_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["arguments"]) for call in expected(name)["calls"]]


def body_of(path: Path) -> bytes:
    return "".join(stream(path)["sse"]).encode()


def stream_bytes(name: str) -> bytes:
    return body_of(_BY_NAME[name])


def tools_of(path: Path) -> tuple[ToolSpec, ...]:
    return tools_named(stream(path)["tools"])


@cache
def tools_named(kind: str) -> tuple[ToolSpec, ...]:
    sets = json.loads((RECORDED / "tools.json").read_text())
    return tuple(ToolSpec(**tool) for tool in sets[kind])


def reader_of(path: Path, dialect: DialectName | None = None) -> Reader:
    """The reader of the stream's own dialect, or of another."""
    spoken = dialect_for(dialect) if dialect else dialect_of(path)
    return spoken.reader(tools_of(path))


def dialect_of(path: Path) -> Dialect:
    return dialect_for(cast(DialectName, stream(path)["dialect"]))


def events(parts: Iterable[bytes]) -> list[JsonValue]:
    """The events of a body that arrives in `parts`, through the SDK's own decoder."""
    from openai._streaming import SSEDecoder

    found: list[JsonValue] = []
    for event in SSEDecoder().iter_bytes(iter(parts)):
        if event.data.startswith("[DONE]"):
            break
        found.append(cast(JsonValue, event.json()))
    return found


def deltas_of(path: Path) -> tuple[list[Delta], str]:
    """The deltas of a stream and its finish_reason, "" where none came."""
    chunks = [read_chunk(event) for event in events([body_of(path)])]
    finish = next((chunk.finish for chunk in chunks if chunk.finish), "")
    return [chunk.delta for chunk in chunks], finish


def deltas(name: str) -> tuple[list[Delta], str]:
    return deltas_of(_BY_NAME[name])


def read(reader: Reader, fed: Iterable[Delta], finish: str) -> Seen:
    shown = [one for delta in fed for one in reader.feed(delta)]
    last = reader.finish(finish)
    calls = [one.call for one in last if isinstance(one, CallChunk)]
    return Seen(
        shown="".join(one.text for one in (*shown, *last) if isinstance(one, TextDelta)),
        reasoning="".join(one.text for one in (*shown, *last) if isinstance(one, ReasoningDelta)),
        calls=tuple((call.name, call.arguments, call.error) for call in calls),
        text=reader.text,
        cut=reader.cut,
    )


def pieces(text: str, cuts: Sequence[int]) -> list[Delta]:
    """`text` cut at the given positions."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    return [Delta(text[a:b]) for a, b in pairwise(places)]


def chunks_from(body: bytes, start: int, size: int) -> Iterator[bytes]:
    """`body` in chunks of `size` bytes, the first one `start` bytes long."""
    yield body[:start]
    for place in range(start, len(body), size):
        yield body[place : place + size]
