from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.tools.sanitise import collapse_progress, sanitise, shown_name, terminal_text

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = st.text(st.sampled_from("ab[]0;31mHPX\\\x1b\x07\x9b\x9d\x90\x9c\r\n\t\x08\x00" + BIDI))


@given(st.text() | HOSTILE)
def test_no_control_character_is_left(text: str) -> None:
    for char in sanitise(text):
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
        assert char not in BIDI


@given(st.text() | HOSTILE)
def test_the_result_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    clean = terminal_text(text)
    clean.encode()
    assert sanitise(clean) == clean


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf"))))
def test_plain_text_is_untouched(text: str) -> None:
    assert terminal_text(text) == text


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]52;c;cm0gLXJm\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("a\x1b]0;title\x9cb", "ab"),
        ('a\x1bP$q"p\x1b\\b', "ab"),
        ("a\x1b[?1049hb\x1b[2Ac", "abc"),
        ("a\x1b(Bb\x1b7c", "abc"),
        ("if x:\u202e return\u2066", "if x: return"),
        ("a\x1b]0;never ended\nb", "a0;never ended\nb"),
        ("a\x1b\x1b[31m[31mb", "a[31mb"),
        ("one\r\ntwo", "one\ntwo"),
        ("\ud800", "\ufffd"),
    ],
)
def test_sequences_go_and_text_stays(hostile: str, plain: str) -> None:
    assert sanitise(hostile) == plain


@pytest.mark.parametrize(
    ("shown", "last"),
    [
        ("10%\r50%\r100%\ndone\n", "100%\ndone\n"),
        ("10%\r100%\r\nnext", "100%\nnext"),
        ("N\x08NA\x08A", "NA"),
        ("plain\n", "plain\n"),
        ("\r\r\n", "\n"),
    ],
)
def test_a_progress_bar_leaves_its_last_state(shown: str, last: str) -> None:
    assert collapse_progress(shown) == last


def test_a_long_run_of_unfinished_sequences_is_quick() -> None:
    assert sanitise("\x1b]" * 200_000 + "\x1bP" * 200_000 + "\x1b[" * 200_000) != "x"


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "\x1b[31m", "\udcff", "rtl\u202e"])
def test_an_odd_name_is_quoted_on_one_line(name: str) -> None:
    shown = shown_name(name)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown_name("plain é.py") == "plain é.py"
