"""Where a file looks most like a text that is not in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

_ANCHORS = 12
"""Lines of the text that are looked up one by one in the file."""
_CANDIDATES = 12
_LEAST = 50.0
"""Likeness in percent under which a region would only mislead."""
_COMPARED = 20_000
"""Characters of a region that are compared."""


@dataclass(frozen=True, slots=True)
class Closest:
    """Lines `first` to `first + len(lines) - 1` (from 1) of the file."""

    first: int
    lines: list[str]
    likeness: float
    """Percent."""
    differs: int | None
    """Index into `lines` of the first one that differs, None when only their number does."""


def closest(lines: list[str], wanted: list[str]) -> Closest | None:
    """The region of `lines` most like `wanted`; None when nothing is like it."""
    from rapidfuzz import fuzz

    if not lines or not any(line.strip() for line in wanted):
        return None
    bare = [line.strip() for line in lines]
    target = "\n".join(line.strip() for line in wanted)[:_COMPARED]
    best, likeness = 0, 0.0
    for start in _starts(bare, [line.strip() for line in wanted]):
        region = "\n".join(bare[start : start + len(wanted)])[:_COMPARED]
        score = fuzz.ratio(region, target, score_cutoff=likeness)
        if score > likeness:
            best, likeness = start, score
    if likeness < _LEAST:
        return None
    region = lines[best : best + len(wanted)]
    pairs = zip(region, wanted, strict=False)
    differs = next((i for i, (a, b) in enumerate(pairs) if a.rstrip() != b.rstrip()), None)
    return Closest(best + 1, region, likeness, differs)


def _starts(bare: list[str], wanted: list[str]) -> list[int]:
    """Lines where the text may begin, by how well its longest lines fit from there."""
    from rapidfuzz import fuzz, process

    longest = sorted(range(len(wanted)), key=lambda i: -len(wanted[i]))[:_ANCHORS]
    votes: Counter[int] = Counter()
    for index in longest:
        if not wanted[index]:
            continue
        hits = process.extract(wanted[index], bare, scorer=fuzz.ratio, score_cutoff=55, limit=8)
        for _, score, at in hits:
            votes[max(at - index, 0)] += round(score)
    near = Counter({start: sum(votes[start + d] for d in (-1, 0, 1)) for start in votes})
    return [start for start, _ in near.most_common(_CANDIDATES)]
