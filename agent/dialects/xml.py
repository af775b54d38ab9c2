"""Qwen3-Coder's calls: `<function=NAME>` with `<parameter=KEY>` blocks, values in raw text.

Nothing in a value is escaped, and a file to be written may itself hold these tags. So a value ends
where the rest of the call still makes sense: at the first `</parameter>` that is followed by the
call's own structure while every call opened inside the value is closed again. Only when there is
none are the faults models make looked for; in an answer that was cut off, only the certain ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from qwright.agent.dialects.lenient_json import Scan, scan
from qwright.agent.dialects.tags import Kind, Tag, tags_of

_OPENED = {
    Kind.END_PARAMETER: Kind.PARAMETER,
    Kind.END_FUNCTION: Kind.FUNCTION,
    Kind.END_CALL: Kind.CALL,
}
_BEGINS_ANOTHER = (Kind.CALL, Kind.FUNCTION, Kind.RESPONSE, Kind.END)
_AFTER_PARAMETER = (Kind.PARAMETER, Kind.END_FUNCTION, Kind.END_CALL, Kind.END)
_AFTER_FAULT = (*_AFTER_PARAMETER, *_BEGINS_ANOTHER)
_AFTER_FUNCTION = (Kind.PARAMETER, Kind.END_CALL, *_BEGINS_ANOTHER)
_CLOSING = (*_OPENED, Kind.STRAY)


class Shape(Enum):
    WHOLE = "whole"
    CUT = "cut"
    """The text ends before the call does."""
    WRONG = "wrong"
    """Something stands in it that is no part of a call."""


@dataclass(frozen=True, slots=True)
class Function:
    """A call as it was written. `end` is where the text goes on after it."""

    name: str
    shape: Shape
    end: int
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    json: str = ""
    """Arguments written as one JSON object instead of parameters."""
    problem: str = ""
    """What is wrong with a WRONG one, as a clause."""
    begun: bool = True
    """Whether more than the opening tag was written, so that it was no mere mention."""
    tagged: bool = False
    """Whether a `</tool_call>` follows it."""


class XmlText:
    """A complete text with its tags. `cut`: the server stopped it at the token limit.

    `known`: the parameters of each known tool.
    """

    def __init__(self, text: str, known: Mapping[str, frozenset[str]], *, cut: bool) -> None:
        self._text = text
        self._known = known
        self._cut = cut
        self._tags = tags_of(text)
        self._places = {tag.start: place for place, tag in enumerate(self._tags)}

    def functions(self, start: int) -> list[Function]:
        """The calls in a row whose first opening tag is at `start`; empty when there is none.

        The last one's `end` lies after the `</tool_call>`; only the last can be CUT or WRONG.
        """
        found: list[Function] = []
        place = self._places.get(start, -1)
        while self._tags[place].kind is Kind.FUNCTION and (not found or self._tags[place].adjoins):
            function, place = self._function(place)
            closing = place
            while self._tags[closing].kind in _CLOSING and self._tags[closing].adjoins:
                closing += 1
            if function.shape is Shape.WHOLE and closing > place:
                ends = any(tag.kind is Kind.END_CALL for tag in self._tags[place:closing])
                function = replace(function, end=self._tags[closing - 1].end, tagged=ends)
                place = closing
            found.append(function)
            if function.shape is not Shape.WHOLE:
                break
            if function.tagged and self._tags[place].name not in self._known:
                break
        return found

    def _function(self, place: int) -> tuple[Function, int]:
        """The call whose opening tag is at `place`, and the place of the tag after it."""
        opening, values = self._tags[place], dict[str, str]()
        if self._text[opening.end : opening.end + 80].lstrip()[:1] == "{":
            return self._json(opening, place + 1)
        place = self._past_strays(place + 1)
        implied = -1
        while (tag := self._tags[place]).adjoins or place == implied:
            if tag.kind is Kind.PARAMETER:
                value, after = self._value(place, opening.name, values)
                if value is None:
                    return self._fault(
                        opening, f'its parameter "{tag.name[:60]}" has no end'
                    ), place
                values[tag.name], place, implied = value, after, after
            elif tag.kind is not Kind.END_FUNCTION:
                return self._unclosed(opening, values, tag), place
            elif not self._goes_on(place + 1, opening.name, values):
                return Function(opening.name, Shape.WHOLE, tag.end, values), place + 1
            else:
                place += 1
            place = self._past_strays(place)
        problem = "there is text where a <parameter=...> or </function> should be"
        return self._fault(opening, problem, begun=bool(values)), place

    def _unclosed(self, opening: Tag, values: Mapping[str, str], after: Tag) -> Function:
        """A call without `</function>`, before a tag that cannot belong to it."""
        if self._cut and after.kind is not Kind.END_CALL:
            return self._fault(opening, "", begun=bool(values))
        if not values and after.kind is not Kind.END_CALL:
            return self._fault(opening, "it has no </function>", begun=False)
        return Function(opening.name, Shape.WHOLE, after.start, values)

    def _json(self, opening: Tag, place: int) -> tuple[Function, int]:
        start = self._text.index("{", opening.end)
        span = scan(self._text, start)
        if span.scan is Scan.COMPLETE:
            while self._tags[place].start < span.end:
                place += 1
            closing = self._tags[place]
            ends = closing.kind in (Kind.END_FUNCTION, Kind.END_CALL)
            if ends and not self._text[span.end : closing.start].strip():
                own = closing.kind is Kind.END_FUNCTION
                end = closing.end if own else closing.start
                json = self._text[start : span.end]
                return Function(opening.name, Shape.WHOLE, end, json=json), place + own
        return self._fault(opening, "its arguments are no JSON object"), place

    def _fault(self, opening: Tag, problem: str, *, begun: bool = True) -> Function:
        shape = Shape.CUT if self._cut else Shape.WRONG
        return Function(opening.name, shape, len(self._text), problem=problem, begun=begun)

    def _value(self, place: int, function: str, given: Mapping[str, str]) -> tuple[str | None, int]:
        """A parameter's value, and the place of the tag after it; None where it has no end."""
        tag = self._tags[place]
        end = self._closed(place, function, (Kind.PARAMETER, Kind.FUNCTION, Kind.CALL))
        if end is None:
            end = self._mended(place, function, given)
        if end is None:
            return None, place
        closing = self._tags[end]
        raw = self._text[tag.end : closing.start]
        if tag.joined and ("\n" in raw or raw[:1] in "\"'" or raw.endswith(">")):
            return None, place
        if closing.kind is not Kind.END_PARAMETER and closing.begins:
            raw = raw.rstrip(" \t")
        elif closing.begins and (margin := self._margin(closing)) == self._margin(tag):
            raw = raw.removesuffix(margin)
        used = closing.kind in (Kind.END_PARAMETER, Kind.STRAY) or (
            closing.kind is Kind.END_FUNCTION and self._goes_on(end + 1, function, given)
        )
        return _without_own_tag(_unwrapped(raw), tag.name), end + 1 if used else end

    def _margin(self, tag: Tag) -> str:
        """The indentation of a tag that begins its line."""
        line = self._text.rfind("\n", 0, tag.start) + 1
        return self._text[line : tag.start] if tag.begins else ""

    def _mended(self, place: int, function: str, given: Mapping[str, str]) -> int | None:
        """The place of the tag that ends a value with a fault, the likelier readings first."""
        end = None if self._cut else self._closed(place, function, (Kind.PARAMETER,))
        if end is None or self._quotes_call(place, end):
            end = self._implied(place, function, given)
        if end is None and not self._cut:
            end = self._closed(place, function, ())
        if end is None and not self._cut:
            end = self._closed(place, function, (), loose=True)
        return None if end is None or self._quotes_call(place, end) else end

    def _quotes_call(self, place: int, end: int) -> bool:
        """Whether a call with a parameter begins in a value, whose end may then be that call's."""
        kinds = {tag.kind for tag in self._tags[place + 1 : end] if tag.clean}
        return Kind.PARAMETER in kinds and bool(kinds & {Kind.CALL, Kind.FUNCTION})

    def _closed(
        self, place: int, function: str, nesting: tuple[Kind, ...], *, loose: bool = False
    ) -> int | None:
        """The place of the `</parameter>` that ends the value begun at `place`.

        What `nesting` names and was opened inside the value must be closed before it. Where a
        parameter is closed once more after the call, the call went on until there.
        """
        lines = self._text.startswith(("\n", "\r\n"), self._tags[place].end)
        follows = _AFTER_PARAMETER if Kind.CALL in nesting else _AFTER_FAULT
        depth, last, beyond = dict.fromkeys(nesting, 0), None, False
        for here in range(place + 1, len(self._tags)):
            tag = self._tags[here]
            opened = _OPENED.get(tag.kind)
            if tag.kind in depth:
                depth[tag.kind] += tag.clean
            elif opened and depth.get(opened):
                depth[opened] -= 1
            elif tag.kind is Kind.END_PARAMETER and not any(depth.values()):
                own_line = loose or tag.begins or not lines or self._tags[here + 1].begins
                ends = not beyond or self._certain(here + 1, function)
                if own_line and ends and self._structural(here + 1, follows, loose=loose):
                    last = here
                    if not self._reopened(here + 1):
                        return here
            elif tag.kind is Kind.END_CALL:
                beyond = True
            elif beyond and tag.kind is Kind.RESPONSE and tag.adjoins:
                break
        return last

    def _certain(self, place: int, function: str) -> bool:
        """Whether the tags from `place` on leave no doubt that a call goes on, or ends, here.

        So it must be where the call could have ended before.
        """
        place = self._past_strays(place)
        tag, following = self._tags[place], self._tags[min(place + 1, len(self._tags) - 1)]
        if tag.kind is Kind.PARAMETER:
            return tag.name in self._known.get(function, frozenset())
        return tag.kind is Kind.END_FUNCTION and following.kind is Kind.END_CALL

    def _structural(
        self, place: int, follows: Collection[Kind] = _AFTER_PARAMETER, *, loose: bool = False
    ) -> bool:
        """Whether the tag at `place` goes on with a call after a `</parameter>`, or ends it."""
        place = self._past_strays(place)
        tag = self._tags[place]
        if not tag.adjoins or tag.kind not in follows:
            return False
        if tag.kind is Kind.END_FUNCTION and not loose:
            after = self._tags[self._past_strays(place + 1)]
            return after.adjoins and after.kind in _AFTER_FUNCTION
        return True

    def _reopened(self, place: int) -> bool:
        """Whether a parameter is closed once more, after some text, before another call begins."""
        text_between = False
        while (tag := self._tags[place]).kind in _CLOSING:
            text_between = text_between or not tag.adjoins
            if tag.kind is Kind.END_PARAMETER and text_between:
                return tag.begins
            place += 1
        return False

    def _implied(self, place: int, function: str, given: Mapping[str, str]) -> int | None:
        """Where a value without its `</parameter>` ends: at the next part of the call."""
        own = self._tags[place].name
        known = self._known.get(function, frozenset())
        for here in range(place + 1, len(self._tags)):
            tag = self._tags[here]
            if tag.kind is Kind.PARAMETER and tag.clean and tag.name in known:
                fresh = tag.name not in given and tag.name != own
                return here if fresh and not self._named_again(here) else None
            if tag.kind is Kind.STRAY and tag.name == own and self._structural(here + 1):
                return here
            if tag.kind in (Kind.END_FUNCTION, Kind.END_CALL):
                following = self._tags[here + 1]
                ends = following.kind is Kind.END_CALL and following.adjoins and tag.begins
                return here if ends or not self._cut else None
            if tag.kind in (Kind.END_PARAMETER, *_BEGINS_ANOTHER):
                return None
        return None

    def _named_again(self, place: int) -> bool:
        """Whether the parameter at `place` comes once more, so that here it was only quoted."""
        name = self._tags[place].name
        while (tag := self._tags[place + 1]).kind not in (Kind.END_FUNCTION, *_BEGINS_ANOTHER):
            if tag.kind is Kind.PARAMETER and tag.clean and tag.name == name:
                return True
            place += 1
        return False

    def _goes_on(self, place: int, function: str, given: Mapping[str, str]) -> bool:
        """Whether a `</function>` was written for `</parameter>`: a parameter follows it."""
        tag = self._tags[self._past_strays(place)]
        known = self._known.get(function, frozenset())
        return (
            tag.kind is Kind.PARAMETER
            and tag.adjoins
            and tag.name in known
            and tag.name not in given
        )

    def _past_strays(self, place: int) -> int:
        """Over closing tags that close nothing."""
        strays = (Kind.STRAY, Kind.END_PARAMETER)
        while self._tags[place].kind in strays and self._tags[place].adjoins:
            place += 1
        return place


def _unwrapped(raw: str) -> str:
    """Without the one newline after the opening tag and the one before the closing tag."""
    if raw.startswith("\r\n"):
        return raw[2:].removesuffix("\n").removesuffix("\r")
    return raw.removeprefix("\n").removesuffix("\n")


def _without_own_tag(value: str, name: str) -> str:
    """Without a last line that closes the parameter by its name, as in `</command>`."""
    head, _, last = value.rpartition("\n")
    return head if last.strip() == f"</{name}>" and f"<{name}" not in head else value
