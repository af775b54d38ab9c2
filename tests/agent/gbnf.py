"""Writes answers that a GBNF grammar allows: enough of the format for the grammars made here."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<literal>"(?:[^"\\]|\\.)*")|(?P<set>\[\^?(?:[^\]\\]|\\.)+\])
    |(?P<rule>[a-z][a-zA-Z0-9-]*)|(?P<mark>[()|])|(?P<repeat>[*?+]|\{\d+(?:,\d+)?\})|\s+""",
    re.VERBOSE | re.DOTALL,
)
_ALPHABET = "abcnamelotl_s019dD- \n\t<>`~{}[]\"'\\/:,.uEé"
_UNBOUNDED = 10_000


@dataclass
class Node:
    kind: str
    text: str = ""
    parts: list[Node] = field(default_factory=list["Node"])
    low: int = 1
    high: int = 1


class Grammar:
    def __init__(self, text: str) -> None:
        self.rules: dict[str, Node] = {}
        for line in text.splitlines():
            name, body = line.split(" ::= ", 1)
            tokens = [match for match in _TOKEN.finditer(body) if match.lastgroup]
            assert "".join(match[0] for match in tokens) == _compact(body), f"unread: {body}"
            self.rules[name] = _choice(tokens)
            assert not tokens, f"unread in {name}"

    def undefined(self) -> set[str]:
        nodes = [node for rule in self.rules.values() for node in _all(rule)]
        return {node.text for node in nodes if node.kind == "rule"} - self.rules.keys()

    def sets(self, rule: str) -> list[str]:
        """The character sets a rule holds."""
        return [node.text for node in _all(self.rules[rule]) if node.kind == "set"]

    def sample(self, draw: random.Random, *, limit: int, eager: float) -> str:
        """An answer. After `limit` rules nothing optional is taken, before it with `eager`."""
        self._draw, self._left, self._eager = draw, limit, eager
        return "".join(self._walk(self.rules["root"]))

    def _walk(self, node: Node) -> Iterator[str]:
        for _ in range(self._times(node)):
            if node.kind == "literal":
                yield node.text
            elif node.kind == "set":
                yield self._draw.choice([c for c in _ALPHABET if re.fullmatch(node.text, c)])
            elif node.kind == "rule":
                self._left -= 1
                yield from self._walk(self.rules[node.text])
            elif node.kind == "choice":
                yield from self._walk(self._draw.choice(node.parts))
            else:
                for part in node.parts:
                    yield from self._walk(part)

    def _times(self, node: Node) -> int:
        times = node.low
        while times < node.high and self._left > 0 and self._draw.random() < self._eager:
            times += 1
            self._left -= node.high > 1
        return times


def _compact(body: str) -> str:
    return "".join(match[0] for match in _TOKEN.finditer(body) if not match[0].isspace())


def _choice(tokens: list[re.Match[str]]) -> Node:
    options = [_sequence(tokens)]
    while tokens and tokens[0][0] == "|":
        tokens.pop(0)
        options.append(_sequence(tokens))
    return Node("choice", parts=options)


def _sequence(tokens: list[re.Match[str]]) -> Node:
    parts: list[Node] = []
    while tokens and tokens[0][0] not in ("|", ")"):
        token = tokens.pop(0)
        if token.lastgroup == "repeat":
            parts[-1].low, parts[-1].high = _bounds(token[0])
        elif token[0] == "(":
            parts.append(_choice(tokens))
            assert tokens.pop(0)[0] == ")"
        else:
            parts.append(Node(token.lastgroup or "", _plain(token)))
    return Node("sequence", parts=parts)


def _plain(token: re.Match[str]) -> str:
    if token.lastgroup != "literal":
        return token[0]
    known = {"n": "\n", "t": "\t"}
    return re.sub(r"\\(.)", lambda escape: known.get(escape[1], escape[1]), token[0][1:-1])


def _bounds(repeat: str) -> tuple[int, int]:
    fixed = {"*": (0, _UNBOUNDED), "?": (0, 1), "+": (1, _UNBOUNDED)}
    if repeat in fixed:
        return fixed[repeat]
    low, _, high = repeat.strip("{}").partition(",")
    return int(low), int(high or low)


def _all(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _all(part)
