"""Diffs, tool lines, themes: what views and the one-shot renderer share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style

from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.agent.render.below import below, short, todo_lines
from qwright.agent.render.diffs import draw_diff
from qwright.agent.render.ink import columns, cut, cut_middle, cut_start, draw
from qwright.agent.render.read_diff import read_diff
from qwright.agent.render.theme import THEMES, Role, load
from qwright.agent.render.toolline import Call, duration, tool_line
from qwright.tools.diff import unified
from tests.agent.repl.paper import DARK, PLAIN
from tests.agent.repl.recorded import called

_GIT = """diff --git a/old.py b/new.py
similarity index 90%
rename from old.py
rename to new.py
index 83db48f..bf269f4 100644
--- a/old.py
+++ b/new.py
@@ -1,3 +1,3 @@ def f():
 a
-b
+c
 d
@@ -40 +40,2 @@
 x
+--- not a head
diff --git a/logo.png b/logo.png
index 1..2
Binary files a/logo.png and b/logo.png differ
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/fresh.txt b/fresh.txt
new file mode 100644
index 000..111
--- /dev/null
+++ b/fresh.txt
@@ -0,0 +1 @@
+only
\\ No newline at end of file
"""
_TEXTS = st.lists(st.sampled_from(["a", "b = 1", "  c(d)", "", "三", "x" * 90]), max_size=12)


def lines(diff: str, width: int = 80, limit: int = 0) -> list[str]:
    drawn = draw(draw_diff(diff, width, PLAIN, limit), PLAIN)
    return [line.rstrip() for line in drawn.split("\n")[:-1]]


def told(name: str, arguments: dict[str, Any], width: int = 80, **more: Any) -> str:
    _, done = called(name, arguments, **more)
    return draw([tool_line(Call(name, arguments), done, width, PLAIN)], PLAIN).rstrip("\n")


def test_git_says_of_files_what_is_shown_of_them() -> None:
    assert lines(_GIT) == [
        "new.py  +2 -1",
        "rename from old.py, rename to new.py",
        " 1   a",
        " 2 - b",
        " 2 + c",
        " 3   d",
        " ⋮",
        "40   x",
        "41 + --- not a head",
        "",
        "logo.png",
        "Binary files a/logo.png and b/logo.png differ",
        "",
        "run.sh",
        "old mode 100644, new mode 100755",
        "",
        "fresh.txt  +1",
        "1 + only",
    ]


@given(_TEXTS, _TEXTS)
def test_every_changed_line_is_shown_with_its_number(old: list[str], new: list[str]) -> None:
    before, after = "\n".join(old), "\n".join(new)
    diff = unified("a.py", before, after)
    if not diff.text:
        return
    (file,) = read_diff(diff.text)
    assert (file.added, file.removed) == (diff.added, diff.removed)
    for row in file.rows:
        if row.sign != "…":
            side = before if row.sign == "-" else after
            assert side.split("\n")[row.number - 1] == row.text


@given(_TEXTS, _TEXTS, st.integers(20, 100))
def test_a_diff_fits_its_width(old: list[str], new: list[str], width: int) -> None:
    diff = unified("a.py", "\n".join(old), "\n".join(new)).text
    for theme in (PLAIN, DARK):
        drawn = draw_diff(diff, width, theme)
        assert all(columns(line.plain) <= width for line in drawn)


def test_only_the_words_that_changed_are_marked() -> None:
    diff = unified("a.py", "total = price\n", "total = price * count\n").text
    (file,) = read_diff(diff)
    removed, added = (row for row in file.rows if row.sign in "+-")
    assert removed.marks == ()
    assert [added.text[start:end] for start, end in added.marks] == [" * count"]


def test_lines_that_have_nothing_in_common_are_not_marked() -> None:
    (file,) = read_diff(unified("a.py", "import os\n", "print(1)\n").text)
    assert all(row.marks == () for row in file.rows)


def test_a_long_diff_is_cut_and_says_how_much() -> None:
    diff = unified("a.txt", None, "".join(f"{n}\n" for n in range(100))).text
    shown = lines(diff, limit=10)
    assert len(shown) == 11
    assert shown[-1] == "… 91 more lines"


def test_a_hostile_diff_draws_only_its_lines() -> None:
    diff = unified("a\x1b]0;x\x07.py", None, "\x1b[2J\x1b[1Ared\r\n\x9b0m\u202e\n").text
    shown = draw(draw_diff(diff, 80, DARK), DARK)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", bare)
    assert shown.count("\n") == 3


def test_a_diff_names_what_would_not_show() -> None:
    diff = unified("a.py", "ok\n", "if a\u202e == b\u2066: # \x1b[8m\u3164\xa0\n").text
    assert lines(diff)[-1] == "1 + if a<U+202E> == b<U+2066>: # <1B>[8m<U+3164><A0>"


def test_returns_show_only_where_they_differ() -> None:
    assert "<0D>" not in "".join(lines(unified("a", "x\r\ny\r\n", "x\r\nz\r\n").text))
    assert lines(unified("a", "x\n", "x\r\n").text)[-2:] == ["1 - x", "1 + x<0D>"]


@pytest.mark.parametrize(
    ("name", "arguments", "more", "expected"),
    [
        ("read_file", {"path": "a.py"}, {"first": 1, "last": 1, "lines": 1}, "Read   a.py  1 line"),
        (
            "read_file",
            {"path": "a.py", "offset": 5},
            {"first": 5, "last": 9, "lines": 20},
            "Read   a.py  lines 5-9 of 20",
        ),
        ("grep_search", {"pattern": "x"}, {"matches": 0}, 'Search "x"  no matches'),
        ("list_directory", {"path": "."}, {"text": "a\nb"}, "List   .  2 entries"),
        ("edit", {"path": "a.py"}, {"error": True, "text": "no"}, "Edit   a.py  failed"),
        (
            "run_shell_command",
            {"command": "sleep 9"},
            {"error": True, "exit_code": 137, "timed_out": True, "seconds": 9.0},
            "Run    sleep 9  timed out · 9.0 s",
        ),
        (
            "run_shell_command",
            {"command": "x"},
            {"error": True, "exit_code": 137, "out_of_memory": True},
            "Run    x  out of memory",
        ),
        ("their_tool", {"query": "cats"}, {}, "their_tool cats"),
        ("mcp\x1b[2Jx", {}, {}, "mcpx  "),
    ],
)
def test_a_call_is_one_line(
    name: str, arguments: dict[str, Any], more: Mapping[str, Any], expected: str
) -> None:
    assert told(name, arguments, **more).rstrip() == expected.rstrip()


@given(st.text(max_size=200), st.integers(20, 120))
def test_a_tool_line_is_one_line_whatever_it_is_about(text: str, width: int) -> None:
    for name, key in (("run_shell_command", "command"), ("read_file", "path")):
        line = told(name, {key: text}, width, exit_code=0, seconds=3.0)
        assert columns(line) <= width
        assert "\n" not in line


def test_arguments_that_are_no_text_are_shown_all_the_same() -> None:
    assert told("read_file", {"path": ["a", 1]}) == "Read   ['a', 1]"


def test_output_is_the_end_of_it_behind_a_bar() -> None:
    output = "\n".join(f"line {n}" for n in range(20)) + "\n"
    _, done = called("run_shell_command", {}, exit_code=0, output=output)
    shown = draw(below(done, 80, PLAIN), PLAIN)
    assert shown == "│ … 17 earlier lines\n│ line 17\n│ line 18\n│ line 19\n"


def test_a_command_that_said_nothing_has_nothing_below() -> None:
    _, done = called("run_shell_command", {}, exit_code=0, output="")
    assert below(done, 80, PLAIN) == []


def test_steps_of_an_odd_shape_are_still_listed() -> None:
    shown = draw(todo_lines([{"status": "who knows"}, {"content": 3}], 40, PLAIN), PLAIN)
    assert shown == "○ \n○ 3\n"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 m 00 s"), (3725, "1 h 02 m")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0"), (999, "999"), (1_000, "1.0k"), (9_960, "10k"), (2e6, "2.0M")]
)
def test_counts_of_tokens(count: int, expected: str) -> None:
    assert short(int(count)) == expected


@given(st.text(max_size=60), st.integers(0, 40))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert columns(cut(text, width)) <= width
    assert columns(cut_middle(text, width)) <= width
    assert columns(cut_start(text, width)) <= width


def test_of_a_path_the_end_is_kept() -> None:
    assert cut_middle("src/one/two/three/four/file.py", 20) == "src/one/…/file.py"


def test_an_unknown_theme_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="auto, dark, light, plain"):
        load("purple")


@pytest.mark.parametrize("name", THEMES)
def test_without_colour_nothing_is_styled(name: str) -> None:
    for environ in ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, {"TERM": "dumb"}):
        assert load(name, environ).plain


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm"}, 4),
        ({"TERM": "xterm-256color"}, 4),
        ({"TERM": "xterm-256color", "COLORFGBG": "15;0"}, 8),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "COLORFGBG": "0;default;15"}, 24),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLORFGBG": "x"}, 4),
    ],
)
def test_auto_dares_as_many_colours_as_it_knows_to_be_readable(
    environ: Mapping[str, str], depth: int
) -> None:
    assert load("auto", environ).depth == depth


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("depth", [4, 8, 24])
def test_every_style_of_every_theme_can_be_drawn(name: str, depth: int) -> None:
    environ = {
        4: {"TERM": "xterm"},
        8: {"TERM": "xterm-256color"},
        24: {"COLORTERM": "truecolor"},
    }[depth]
    theme = load(name, environ)
    assert theme.depth == depth
    event = ev.ToolFinished(id="1", name="x", is_error=False, text="", details={}, seconds=0)
    for role, style in theme.styles.items():
        line = tool_line(Call("x", {"a": "b"}), event, 40, theme)
        line.stylize(style)
        assert "\x1b[" in draw([line], theme), role


_CODE: tuple[Role, ...] = ("keyword", "string", "comment", "number", "function", "type")


@pytest.mark.parametrize(
    ("name", "grounds"), [("dark", ("#000000", "#1e1e1e")), ("light", ("#ffffff",))]
)
@pytest.mark.parametrize("colourterm", ["", "truecolor"])
def test_every_colour_can_be_read_on_its_background(
    name: str, grounds: tuple[str, ...], colourterm: str
) -> None:
    theme = load(name, {"TERM": "xterm-256color", "COLORTERM": colourterm})
    styles = {role: Style.parse(style) for role, style in theme.styles.items()}
    inks = [(role, style.color) for role, style in styles.items() if style.color]
    for ground in grounds:
        faint = [role for role, ink in inks if _contrast(ink, Color.parse(ground)) < 4.5]
        assert faint == []
    for sign in ("added", "removed"):
        for part in ("line", "word"):
            back = styles[cast("Role", f"{sign}_{part}")].bgcolor
            on_it = {*_CODE, sign} if theme.tinted else {f"{sign}_line"}
            if back:
                faint = [role for role, ink in inks if role in on_it and _contrast(ink, back) < 3]
                assert faint == []


def _contrast(one: Color, other: Color) -> float:
    """As WCAG counts it: 4.5 is what text needs, 3 what large text does."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.get_truecolor()]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
