from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.dialects.lenient_json import Scan, parse, scan

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(value=VALUES, indent=st.sampled_from([None, 1]), escaped=st.booleans())
def test_valid_json_means_what_it_means(value: Any, indent: int | None, *, escaped: bool) -> None:
    finite = json.loads(json.dumps(value).replace("Infinity", "1"))
    assert parse(json.dumps(finite, indent=indent, ensure_ascii=escaped)) == finite


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=9), SCALARS, min_size=1), st.text(max_size=20))
def test_the_end_is_found_whatever_follows(value: dict[str, Any], after: str) -> None:
    text = json.dumps(value).replace("Infinity", "1")
    span = scan(text + after, 0)
    assert (span.scan, span.end) == (Scan.COMPLETE, len(text))
    for end in range(len(text)):
        assert scan(text[:end], 0).scan is Scan.INCOMPLETE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "x\ny\tz"}', {"a": "x\ny\tz"}),
        ('{"a": [1, 2,], }', {"a": [1, 2]}),
        ("{'a': 'it\\'s \"so\"'}", {"a": 'it\'s "so"'}),
        ('{"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}),
        (r'{"a": "\d+\.py \$x"}', {"a": r"\d+\.py \$x"}),
        (r'{"a": "C:\users"}', {"a": r"C:\users"}),
        ('{"a": "x \\\n y"}', {"a": "x \\\n y"}),
        (r'{"a": "😀"}', {"a": "😀"}),
    ],
)
def test_certain_faults_are_mended(text: str, value: object) -> None:
    assert scan(text, 0).scan is Scan.COMPLETE
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "print("x")"}',
        '{"a": "x" "y"}',
        '{"a": undefined}',
        '{"a": 1 2}',
        '{"a": 1, "a": 2}',
        '{"a": 1',
        '{"a": [1, , 2]}',
        '{"a" 1}',
        '{"a": "\\ud800"}',
        '{"a": 1]',
        "{a: 1}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a": 1} x',
        "",
    ],
)
def test_what_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_endless_nesting_is_refused_without_recursion() -> None:
    assert scan("[" * 100_000, 0).scan is Scan.BROKEN


def test_a_long_open_string_is_scanned_in_no_time() -> None:
    text = '{"a": "' + '\\"' * 200_000
    assert scan(text, 0).scan is Scan.INCOMPLETE
