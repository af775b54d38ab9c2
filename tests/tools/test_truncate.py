from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qwright.tools.truncate import cut_line, truncate

LINES = st.lists(st.text(st.sampled_from("abc"), max_size=40), max_size=60).map("\n".join)


@given(LINES, st.integers(200, 1000))
def test_output_never_exceeds_the_limit_and_keeps_both_ends(text: str, limit: int) -> None:
    short = truncate(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        head, tail = short.split("[... ")[0], short.split(" ...]\n")[1]
        assert text.startswith(head.removesuffix("\n"))
        assert text.endswith(tail)


def test_the_note_counts_what_is_missing() -> None:
    text = "".join(f"line {n}\n" for n in range(1000))
    short = truncate(text, 500)
    kept = short.count("line ")
    assert f"[... {1000 - kept} lines, " in short
    assert short.startswith("line 0\n")
    assert short.endswith("line 999\n")


def test_one_endless_line_is_cut_in_the_middle() -> None:
    short = truncate("x" * 10_000, 400)
    assert len(short) <= 400
    assert "characters left out" in short


def test_a_long_line_says_how_much_more_there_is() -> None:
    assert cut_line("x" * 30, 10) == "xxxxxxxxxx [... 20 more characters]"
    assert cut_line("x" * 10, 10) == "x" * 10
