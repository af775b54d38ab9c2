from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.render.ink import columns
from qwright.agent.render.markdown import MarkdownStream
from qwright.agent.render.theme import Theme
from tests.agent.repl.paper import DARK, PLAIN, unstyled
from tests.agent.repl.recorded import ANSWER

_OURS = re.compile(r"\x1b\[[0-9;]*m")
_PIECES = (
    "word ", "**bold** ", "`code` ", "\n", "\n\n", "- item\n", "  - deeper\n", "1. first\n", "```",
    "```python\n", "```\n", "| a | b |\n", "|---|--:|\n", "| 1 | 2 |\n", "# head\n", "> quote\n",
    "---\n", "[a](http://b)", "三个苹果", "\t", '"""', "\x1b[2J", "\x1b]0;t\x07", "\r\n", "\x9b1A",
    "*", "_", "|", "~~~\n", "    indented\n", "- [x] done\n", "\u202e", "\x00", "https://x.y ",
)  # fmt: skip
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)


def drawn(text: str, width: int = 60, theme: Theme = PLAIN) -> str:
    stream = MarkdownStream(width, theme)
    return stream.feed(text) + stream.end()


@given(_TEXTS, st.data())
def test_what_is_committed_does_not_depend_on_how_it_came(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = MarkdownStream(40, DARK)
    committed = ""
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        committed += stream.feed(text[start:end])
        stream.tail()
    assert committed + stream.end() == drawn(text, 40, DARK)


@given(_TEXTS, st.integers(16, 120))
def test_only_our_own_colours_come_out_and_no_line_is_too_wide(text: str, width: int) -> None:
    stream = MarkdownStream(width, DARK, 2)
    shown = stream.feed(text) + stream.tail() + stream.end()
    bare = _OURS.sub("", shown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", bare)
    assert all(columns(line) <= width + 2 for line in bare.split("\n"))
    assert shown == "" or shown.endswith("\n")


@given(_TEXTS)
def test_a_line_ends_without_any_style(text: str) -> None:
    for line in drawn(text, 40, DARK).split("\n"):
        styles = _OURS.findall(line)
        assert not styles or styles[-1] == "\x1b[0m"


def test_nothing_of_an_answer_is_lost() -> None:
    words = re.findall(r"\w+", re.sub(r"```python|:-+:?|-+:|\[x\]", "", ANSWER))
    assert re.findall(r"\w+", drawn(ANSWER)) == words


def test_paragraphs_keep_their_lines_and_one_blank_between() -> None:
    assert drawn("One.\nTwo.\n\n\n\nThree.") == "One.\nTwo.\n\nThree.\n"


def test_long_lines_break_between_words_and_hang_below_their_bullet() -> None:
    assert drawn("- one two three four", 12) == "• one two\n  three four\n"
    assert drawn("10. one two three", 12) == "10. one two\n    three\n"


def test_items_nest_and_their_paragraphs_go_on_below_them() -> None:
    text = "1. one\n   - two\n     - three\n\n   more of one\n2. last\n\nafter"
    shown = drawn(text).split("\n")
    assert shown[:3] == ["1. one", "   ◦ two", "     ◦ three"]
    assert shown[-4:-1] == ["2. last", "", "after"]


def test_items_that_blank_lines_part_stand_together() -> None:
    assert drawn("- a\n\n- b\n\ntext") == "• a\n• b\n\ntext\n"


def test_a_heading_stands_apart() -> None:
    assert drawn("text\n## Head\ntext") == "text\n\nHead\n\ntext\n"


def test_code_is_indented_and_left_as_it_is() -> None:
    text = "Look:\n```python\nif x:\n\treturn  **1**\n\n```\nDone."
    assert drawn(text) == "Look:\n\n  if x:\n      return  **1**\n\n\nDone.\n"


def test_code_in_an_item_loses_the_items_indent_only() -> None:
    text = "1. do\n   ```sh\n   make\n     install\n   ```\n"
    assert drawn(text) == "1. do\n\n     make\n       install\n"


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert drawn("````\n```\nx\n```\n````\nafter") == "  ```\n  x\n  ```\n\nafter\n"


def test_a_string_over_several_lines_keeps_its_colour() -> None:
    shown = drawn('```python\nx = """one\ntwo = 2\n"""\ny = 3\n```', theme=DARK).split("\n")
    colour = _OURS.findall(shown[0])[-2]
    assert f"{colour}two = 2" in shown[1]
    assert f"{colour}y" not in shown[3]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[docs](https://a.b/c)", "docs (https://a.b/c)"),
        ("<https://a.b/c>", "https://a.b/c"),
        ("![alt](x.png)", "alt (x.png)"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("a & b < c", "a & b < c"),
        ("<b>not html</b>", "<b>not html</b>"),
        ("`a` **b", "a **b"),
        (r"\*no\*", "*no*"),
    ],
)
def test_marks_within_a_line(text: str, plain: str) -> None:
    assert unstyled(drawn(text, theme=DARK)) == f"{plain}\n"


def test_without_colours_the_marks_stay() -> None:
    assert drawn("**a** *b* `c` ~~d~~") == "**a** *b* `c` ~~d~~\n"


def test_a_link_is_never_a_terminals_link() -> None:
    assert "\x1b]8" not in drawn("[x](https://a.b)", theme=DARK)


def test_a_table_stands_in_columns_by_the_cells_it_takes() -> None:
    text = "| Name | N |\n|:--|--:|\n| 苹果 | 1 |\n| a \\| b | `22` |\n"
    shown = unstyled(drawn(text, theme=DARK))
    assert shown == "Name    N\n─────  ──\n苹果    1\na | b  22\n"


def test_a_table_that_is_too_wide_wraps_its_widest_column() -> None:
    text = "| k | text |\n|--|--|\n| a | one two three four five six |\n"
    shown = drawn(text, 24).split("\n")
    assert shown[2:4] == ["a  one two three four", "   five six"]


def test_a_table_with_no_room_becomes_entries() -> None:
    head = "|" + "|".join(f" name {n} " for n in range(5)) + "|\n" + "|--" * 5 + "|\n"
    shown = drawn(head + "|" + "|".join(f" value {n} " for n in range(5)) + "|\n", 30)
    assert shown.split("\n")[:2] == ["name 0: value 0", "name 1: value 1"]


def test_what_only_looks_like_a_table_stays_as_it_is() -> None:
    assert drawn("| not | a table |\ntext") == "| not | a table |\n\ntext\n"


def test_the_tail_shows_what_is_not_final_and_leaves_it_so() -> None:
    stream = MarkdownStream(40, PLAIN)
    assert stream.feed("- one\n- tw") == "• one\n"
    assert stream.tail() == stream.tail() == "• tw\n"
    assert stream.feed("o\n| a | b |\n|--|--|\n| 1 |") == "• two\n"
    assert stream.tail() == "\na  b\n─  ─\n1\n"
    assert stream.feed(" 2 |\n") == ""
    assert stream.end() == "\na  b\n─  ─\n1  2\n"


def test_a_fence_that_is_not_yet_closed_is_not_shown() -> None:
    stream = MarkdownStream(40, PLAIN)
    assert stream.feed("```python\nx = 1\n``") == "  x = 1\n"
    assert stream.tail() == "  ``\n"
    stream.feed("`")
    assert stream.tail() == ""


def test_the_end_of_a_very_long_line_is_what_is_live() -> None:
    stream = MarkdownStream(40, PLAIN)
    text = " ".join(f"word{number}" for number in range(2_000))
    stream.feed(text)
    assert stream.tail().rstrip("\n").endswith("word1999")
    assert len(stream.tail()) < 5_000
    assert stream.end().split() == text.split()
