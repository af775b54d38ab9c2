"""Tables and bars in columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from qwright.agent.render.ink import cut
from qwright.agent.repl.columns import bar, facts, one_line, table

WORDS = st.text(st.sampled_from("ab 中\t\n\x1b[m…\u202e"), max_size=30)


def test_columns_line_up_whatever_the_letters() -> None:
    assert table([("a", "模型", "x"), ("bbb", "m", "y")], 40) == "a    模型  x\nbbb  m     y"


def test_what_has_no_value_is_left_out() -> None:
    assert facts([("Title", ""), ("Mode", "auto")], 40) == "Mode  auto"
    assert table([], 40) == ""


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), max_size=5), st.integers(5, 80))
def test_no_line_is_wider_than_told_or_holds_control_characters(
    rows: list[list[str]], width: int
) -> None:
    lines = table(rows, width).split("\n") if rows else []
    assert len(lines) == len(rows)
    for line in lines:
        assert cell_len(line) <= width
        assert line.isprintable()


@pytest.mark.parametrize(
    ("shares", "whole", "drawn"),
    [
        ([("s", 50)], 100, "sssss·····"),
        ([("s", 1), ("t", 1)], 10_000, "st········"),
        ([("s", 60), ("t", 60)], 100, "sssssstttt"),
        ([("s", 0)], 0, "··········"),
    ],
)
def test_a_bar_shows_every_share_and_never_overflows(
    shares: list[tuple[str, int]], whole: int, drawn: str
) -> None:
    assert bar(shares, whole, 10) == drawn


def test_what_is_cut_says_so() -> None:
    assert cut("中文字符", 5) == "中文…"
    assert cut("abc", 3) == "abc"
    assert one_line(" a\n  b\x1b[31m ", 80) == "a b"
