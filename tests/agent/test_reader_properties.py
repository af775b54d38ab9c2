"""The readers' invariants for answers that hypothesis thinks of.

`HYPOTHESIS_PROFILE=long` looks for an hour instead of seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwright.agent.dialects import Delta, DialectName
from tests.agent.streams import read
from tests.fuzz.fragments import TOKENS
from tests.fuzz.invariants import check, check_text, reader
from tests.recorded.answers import Call
from tests.recorded.forms import FORMS

_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
_ANY = settings(
    max_examples=250_000 if _LONG else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
_DIALECTS: Sequence[DialectName] = ("native", "hermes", "xml", "tools")
_TEXTS = st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=30).map("".join)
_STRUCTURE = ("<parameter", "</parameter", "<function", "</function", "<tool", "</tool")


@_ANY
@given(st.binary(max_size=300))
def test_decisions_of_bytes_hold(data: bytes) -> None:
    check(data)


@_ANY
@given(
    st.sampled_from(_DIALECTS),
    st.just("") | _TEXTS,
    _TEXTS,
    st.sampled_from(["stop", "length", "tool_calls"]),
    st.lists(st.integers(0, 255), max_size=8),
)
def test_any_text_is_read_the_same_however_it_is_split(
    dialect: DialectName, reasoning: str, text: str, finish: str, cuts: list[int]
) -> None:
    check_text(dialect, reasoning, text, finish, cuts)


@pytest.mark.parametrize("form", FORMS)
@_ANY
@given(path=st.text(max_size=20), content=_TEXTS | st.text(), dialect=st.sampled_from(_DIALECTS))
def test_any_arguments_come_back_exactly(
    form: str, path: str, content: str, dialect: DialectName
) -> None:
    if form == "xml" and any(tag in path + content for tag in _STRUCTURE):
        content = path = ""
    if form == "xml" and (path.endswith("\r") or content.endswith("\r")):
        content = path = ""
    given_call = Call("write_file", {"path": path, "content": content})
    text = FORMS[form][0]([given_call, Call("status")])
    seen = read(reader(dialect), [Delta(text)], "stop")
    assert [call[:2] for call in seen.calls] == [
        ("write_file", given_call.arguments),
        ("status", {}),
    ]
    assert not any(call[2] for call in seen.calls)
    assert not seen.shown.strip()
