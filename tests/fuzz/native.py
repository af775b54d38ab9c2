"""Native calls as servers send them: cut into fragments, with ids and indexes in many manners."""

from __future__ import annotations

import json

from qwright.agent.dialects import CallDelta, Delta
from tests.fuzz.source import Source
from tests.recorded.answers import Call


def native_deltas(source: Source, calls: list[Call]) -> list[Delta]:
    """The fragments of all calls, in a manner that leaves no doubt which call each is of."""
    manner = source.below(6)
    deltas: list[Delta] = []
    for place, call in enumerate(calls):
        text = json.dumps(call.arguments, ensure_ascii=source.chance(2))
        pieces = _pieces(source, text)
        for number, piece in enumerate(pieces):
            deltas.append(Delta(calls=(_fragment(manner, place, number, call.name, piece),)))
    return deltas


def _fragment(manner: int, place: int, number: int, name: str, piece: str) -> CallDelta:
    first = number == 0
    own, index = f"call_{place}", place
    if manner == 1:  # one index for all: the ids tell
        return CallDelta(0, own, name if first else None, piece)
    if manner == 2:  # later fragments without an id
        return CallDelta(index, own if first else None, name if first else None, piece)
    if manner == 3:  # no ids at all
        return CallDelta(index, None, name if first else None, piece)
    if manner == 4:  # the name on every fragment
        return CallDelta(index, own, name, piece)
    if manner == 5:  # no index: the ids tell
        return CallDelta(None, own, name if first else None, piece)
    return CallDelta(index, own, name if first else None, piece)


def _pieces(source: Source, text: str) -> list[str]:
    size = 1 + source.below(40)
    return [text[at : at + size] for at in range(0, len(text), size)]
