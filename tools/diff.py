"""Unified diffs of one file, quick on long files because only what differs is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

_CONTEXT = 3
_COMPARED = 20_000
"""Lines on one side above which a change is shown as one block, without looking for likeness."""


@dataclass(frozen=True, slots=True)
class Diff:
    """`text` is a unified diff that `git apply` takes; empty when nothing differs."""

    text: str
    added: int
    removed: int


def unified(path: str, before: str | None, after: str) -> Diff:
    """Compare two texts of the file `path`; `before` is None for a new file."""
    old, new = _lines(before or ""), _lines(after)
    body: list[str] = []
    added = removed = 0
    for group in _groups(old, new):
        body.append(_header(group))
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                body += [_line(" ", line) for line in old[a1:a2]]
                continue
            body += [_line("-", line) for line in old[a1:a2]]
            body += [_line("+", line) for line in new[b1:b2]]
            removed, added = removed + a2 - a1, added + b2 - b1
    if not body:
        return Diff("", 0, 0)
    origin = "/dev/null" if before is None else f"a/{path}"
    return Diff(f"--- {origin}\n+++ b/{path}\n{''.join(body)}", added, removed)


def _lines(text: str) -> list[str]:
    """Lines with their ends, split at LF alone."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


_Code = tuple[str, int, int, int, int]


def _groups(old: list[str], new: list[str]) -> Iterator[list[_Code]]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    skip = max(head - _CONTEXT, 0)
    keep = max(tail - _CONTEXT, 0)
    a, b = old[skip : len(old) - keep], new[skip : len(new) - keep]
    if max(len(a), len(b)) > _COMPARED:
        yield [("replace", skip, skip + len(a), skip, skip + len(b))]
        return
    for group in SequenceMatcher(None, a, b).get_grouped_opcodes(_CONTEXT):
        shifted = [(t, a1 + skip, a2 + skip, b1 + skip, b2 + skip) for t, a1, a2, b1, b2 in group]
        if any(code[0] != "equal" for code in shifted):
            yield shifted


def _common(old: list[str], new: list[str]) -> int:
    pairs = zip(old, new, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))


def _header(group: list[_Code]) -> str:
    first, last = group[0], group[-1]
    return f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@\n"


def _span(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _line(mark: str, line: str) -> str:
    return (
        f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
    )
