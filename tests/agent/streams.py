"""The recorded streams, what is expected of them, and what a reader made of one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from qwright.agent.dialects import Delta, Reader
from qwright.agent.model import CallChunk, ReasoningDelta, TextDelta
from qwright.agent.server_chunk import read_chunk

RECORDED = Path(__file__).parents[1] / "recorded"
NAMES = sorted(path.stem for path in RECORDED.glob("*.sse"))


@dataclass(frozen=True)
class Seen:
    """One answer as a user and the loop see it; ids left out, since they are random."""

    shown: str
    reasoning: str
    calls: tuple[tuple[str, dict[str, Any], str | None], ...]
    text: str
    cut: bool


def expected(name: str) -> dict[str, Any]:
    return json.loads((RECORDED / f"{name}.json").read_text())["expect"]


def calls_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["arguments"]) for call in expected(name)["calls"]]


def stream_bytes(name: str) -> bytes:
    return (RECORDED / f"{name}.sse").read_bytes()


def deltas(name: str) -> tuple[list[Delta], str]:
    """The recorded deltas and the finish_reason, "" where none came."""
    lines = stream_bytes(name).decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    chunks = [read_chunk(event) for event in events]
    finish = next((chunk.finish for chunk in chunks if chunk.finish), "")
    return [chunk.delta for chunk in chunks], finish


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
