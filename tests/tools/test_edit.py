from __future__ import annotations

from collections.abc import Callable

import pytest

from qwright.tools.base import ToolResult
from qwright.tools.edit import Edit
from tests.tools.rig import Rig

Editor = Callable[..., ToolResult]


@pytest.fixture
def edit(rig: Rig) -> Editor:
    """Edit file `a` (or `path`) and return the result."""

    def run(old: str, new: str, *, everywhere: bool = False, path: str = "a") -> ToolResult:
        return rig.call(Edit(path=path, old_string=old, new_string=new, replace_all=everywhere))

    return run


def test_an_exact_edit_tells_the_region_and_the_diff(rig: Rig, edit: Editor) -> None:
    rig.put("a", "one\ntwo\nthree\nfour\n")
    result = edit("two\n", "2\n2b\n")
    assert rig.bytes("a") == b"one\n2\n2b\nthree\nfour\n"
    assert result.text == "Edited a:\n1\tone\n2\t2\n3\t2b\n4\tthree\n5\tfour"
    assert result.details == {
        "path": "a",
        "diff": "--- a/a\n+++ b/a\n@@ -1,4 +1,5 @@\n one\n-two\n+2\n+2b\n three\n four\n",
        "added": 2,
        "removed": 1,
        "match": "exact",
    }
    assert not result.is_error


def test_a_long_region_is_told_in_few_lines(rig: Rig, edit: Editor) -> None:
    rig.put("a", "x\n")
    text = edit("x", "\n".join(f"line {n}" for n in range(100))).text
    assert text.count("\n") == 13
    assert text.endswith("[... 88 more lines]")


def test_several_matches_are_told_with_their_lines(rig: Rig, edit: Editor) -> None:
    rig.put("a", "x = 1\ny\nx = 1\n")
    result = edit("x = 1", "x = 2")
    assert result.is_error
    assert "2 places in a: lines 1, 3." in result.text
    assert "replace_all" in result.text
    assert rig.bytes("a") == b"x = 1\ny\nx = 1\n"


def test_replace_all(rig: Rig, edit: Editor) -> None:
    rig.put("a", "x = 1\ny\nx = 1\n")
    result = edit("x = 1", "x = 2", everywhere=True)
    assert result.text == "Edited a: 2 replacements."
    assert rig.bytes("a") == b"x = 2\ny\nx = 2\n"


def test_overlapping_places_are_several(rig: Rig, edit: Editor) -> None:
    rig.put("a", "}\n}\n}\n")
    assert "2 places" in edit("}\n}", "x").text
    edit("}\n}", "x", everywhere=True)
    assert rig.bytes("a") == b"x\n}\n"


def test_no_match_brings_the_closest_region(rig: Rig, edit: Editor) -> None:
    rig.put("a", "import os\n\ndef area(w, h):\n    return w * h\n\ndef other():\n    pass\n")
    result = edit("def area(w, h):\n    return w + h", "x")
    assert result.is_error
    assert result.text == (
        "edit: old_string is not in a; nothing was changed. Closest are lines 3-4, 96% alike:\n"
        "3\tdef area(w, h):\n4\t    return w * h\n"
        "Line 4 is the first that differs; you wrote:\n\t    return w + h\n"
        "Copy the file's text, without line numbers, into old_string."
    )


def test_no_match_with_nothing_alike(rig: Rig, edit: Editor) -> None:
    rig.put("a", "import os\n")
    assert "Nothing in it looks like old_string" in edit("zzzz qqqq", "x").text
    rig.put("a", "")
    assert edit("zzzz", "x").is_error


def test_an_edit_made_before_is_recognised(rig: Rig, edit: Editor) -> None:
    rig.put("a", "one\nresult = compute(value)\n")
    result = edit("result = compute(valeu)", "result = compute(value)")
    assert "new_string is already there, at line 2" in result.text


def test_nothing_to_do_is_said(rig: Rig, edit: Editor) -> None:
    rig.put("a", "x\n")
    for result in (edit("x", "x"), edit("", "y"), edit("x  ", "x")):
        assert result.is_error
        assert "\n" not in result.text
    assert rig.bytes("a") == b"x\n"


def test_an_empty_old_string_fills_only_what_is_empty(rig: Rig, edit: Editor) -> None:
    assert not edit("", "new\n", path="sub/new").is_error
    assert rig.bytes("sub/new") == b"new\n"
    rig.put("a", "")
    assert not edit("", "filled\n").is_error
    assert rig.bytes("a") == b"filled\n"


@pytest.mark.parametrize(
    ("before", "old", "new", "after", "how"),
    [
        # Trailing whitespace, in the file or in what was written.
        ("a  \nb\nc\n", "a\nb", "a\nB", "a  \nB\nc\n", "whitespace"),
        ("a\nb\nc\n", "a  \nb", "A\nb", "A\nb\nc\n", "whitespace"),
        ("a\nb", "a\nb\n", "a\nB\n", "a\nB", "whitespace"),
        ("a  \nb  \nc\n", "a\nb\n", "", "c\n", "whitespace"),
        ("a\nb  \nc\n", "\nb\nc", "\nB\nc", "a\nB\nc\n", "whitespace"),
        ("x\n\na \nb\n", "x\n\na\nb", "x\n\na\nnew\nb", "x\n\na \nnew\nb\n", "whitespace"),
        # Uniform indentation.
        (
            "class A:\n    def f(self):\n        return 1\n",
            "def f(self):\n    return 1",
            "def f(self):\n    if self:\n        return 2",
            "class A:\n    def f(self):\n        if self:\n            return 2\n",
            "indentation",
        ),
        ("if x:\n  a\n  b\n", "    a\n    b", "    a\n    c", "if x:\n  a\n  c\n", "indentation"),
        ("\tif x:\n\t\ta\n", "    if x:\n        a", "    if y:\n        a\n            b",
         "\tif y:\n\t\ta\n\t\t\tb\n", "indentation"),
        ("    if x:\n        a\n", "\tif x:\n\t\ta", "\tif y:\n\t\ta", "    if y:\n        a\n",
         "indentation"),
        ("\ta\n", 8 * " " + "a", f"{8 * ' '}a\n{16 * ' '}b", "\ta\n\t\tb\n", "indentation"),
        ("\tx\n\n\ty\n", "  x\n\n  y", "  x\n\n  z", "\tx\n\n\tz\n", "indentation"),
        # Line ends: the file's own stay.
        ("a\r\nb\r\nc\r\n", "a\nb", "a\nB\nnew", "a\r\nB\r\nnew\r\nc\r\n", "line_ends"),
        ("a\r\nb\r\n", "b", "b\nc", "a\r\nb\r\nc\r\n", "exact"),
        ("a\r\nb\r\nc\r\n", "\nb", "", "a\r\nc\r\n", "exact"),
        ("a\r\nb\r\nc\r\n", "b\n", "", "a\r\nc\r\n", "line_ends"),
        ("a\nb\r\nc\nd\n", "b\nc", "b\nx\nc", "a\nb\r\nx\nc\nd\n", "line_ends"),
        ("a\nb\n", "a\r\nb", "a\r\nB", "a\nB\n", "line_ends"),
        ("a \r\n  b\r\nc", "a\n  b", "a\n  B", "a \r\n  B\r\nc", "whitespace"),
        ("  a\r\n  b\r\nc", "a\nb", "a\nB\nC", "  a\r\n  B\r\n  C\r\nc", "indentation"),
        # read_file's numbers pasted in.
        ("x\na\nb\nc\n", "2\ta\n3\tb", "2\ta\n3\tB", "x\na\nB\nc\n", "line_numbers"),
        ("x\na\n\nb\n", "  2\ta\n  3\n  4\tb\n", "a\n\nB\n", "x\na\n\nB\n", "line_numbers"),
        ("  a\n  b\n", " 9\t  a\n10\t  b", " 9\t  a\n10\t  c", "  a\n  c\n", "line_numbers"),
    ],
)  # fmt: skip
def test_tolerant_edits(
    rig: Rig, edit: Editor, before: str, old: str, new: str, after: str, how: str
) -> None:
    rig.put("a", before)
    result = edit(old, new)
    assert not result.is_error, result.text
    assert rig.bytes("a").decode() == after
    assert result.details["match"] == how


@pytest.mark.parametrize(
    ("before", "old"),
    [
        ("if x:\n  a\nif y:\n    a\n", "      a\n"),  # two places
        ("  a\n    b\n", "a\nb"),  # the difference is not uniform
        ("a b\n", "a  b"),  # inside a line
        ("1\ta\n", "2\tb\n4\ta"),  # not consecutive numbers
        ("x\n\n\n", "  \n \n"),  # nothing but blanks
    ],
)
def test_what_is_only_similar_is_not_edited(rig: Rig, edit: Editor, before: str, old: str) -> None:
    rig.put("a", before)
    assert edit(old, "new").is_error
    assert rig.bytes("a").decode() == before


def test_two_tolerant_places_are_told_even_with_replace_all(rig: Rig, edit: Editor) -> None:
    rig.put("a", "if x:\n  a()\nif y:\n    a()\n")
    result = edit("      a()\n", "      b()\n", everywhere=True)
    assert result.is_error
    assert "lines 2, 4" in result.text


def test_replace_all_with_crlf(rig: Rig, edit: Editor) -> None:
    rig.put("a", "a\r\nb\r\nx\r\na\r\nb\r\n")
    assert not edit("a\nb\n", "c\nd\n", everywhere=True).is_error
    assert rig.bytes("a") == b"c\r\nd\r\nx\r\nc\r\nd\r\n"


def test_numbers_of_the_file_itself_are_kept(rig: Rig, edit: Editor) -> None:
    rig.put("a", "1\tone\n2\ttwo\n")
    edit("1\tone", "1\tuno")
    assert rig.bytes("a") == b"1\tuno\n2\ttwo\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("é x\n".encode("latin-1"), "é ä\n".encode("latin-1")),
        ("é x".encode("utf-8-sig"), "é ä".encode("utf-8-sig")),
        (b"\xff\xfe" + "é x\n".encode("utf-16-le"), b"\xff\xfe" + "é ä\n".encode("utf-16-le")),
        (b"\xfe\xff" + "é x\n".encode("utf-16-be"), b"\xfe\xff" + "é ä\n".encode("utf-16-be")),
        (b"\x80\x81 x\r\n\r\r\n\x85", b"\x80\x81 \xe4\r\n\r\r\n\x85"),
    ],
)
def test_every_encoding_is_kept(rig: Rig, edit: Editor, before: bytes, after: bytes) -> None:
    rig.put("a", before)
    assert not edit("x", "ä").is_error
    assert rig.bytes("a") == after


def test_a_character_the_file_cannot_hold_is_one_line(rig: Rig, edit: Editor) -> None:
    rig.put("a", b"\xe9 x\n")
    result = edit("x", "→")
    assert result.is_error
    assert result.text == "a is latin-1, which has no '\\u2192'."
    assert rig.bytes("a") == b"\xe9 x\n"


def test_a_binary_is_refused(rig: Rig, edit: Editor) -> None:
    rig.put("a", b"\x89PNG\0x")
    assert edit("x", "y").text == "a: PNG image; edit works on text only."


def test_mode_and_link_are_kept(rig: Rig, edit: Editor) -> None:
    rig.put("a", "x\n").chmod(0o755)
    edit("x", "y")
    assert (rig.root / "a").stat().st_mode & 0o777 == 0o755
    (rig.root / "link").symlink_to("a")
    result = edit("y", "z", path="link")
    assert result.is_error
    assert (rig.root / "link").is_symlink()


def test_an_edit_that_breaks_the_syntax_is_made_and_reported(rig: Rig, edit: Editor) -> None:
    rig.put("a.py", "def f():\n    return 1\n")
    result = edit("    return 1", "  return (1", path="a.py")
    assert not result.is_error
    assert result.text.endswith(
        "\nThe edit was made, but line 2, column 10 no longer parses "
        "('(' was never closed): return (1"
    )
    assert b"return (1" in rig.bytes("a.py")
    assert "no longer parses" not in edit("(1", "((1", path="a.py").text


def test_the_closest_region_is_found_quickly_in_a_long_file(rig: Rig, edit: Editor) -> None:
    lines = [f"    value_{n} = compute_{n % 97}(argument_{n}, {n * 7})" for n in range(10_000)]
    rig.put("a", "\n".join(lines))
    wanted = lines[7000:7040]
    wanted[20] = "    something_else()"
    result = edit("\n".join(wanted), "x")
    assert "Closest are lines 7001-7040" in result.text
    assert "Line 7021 is the first that differs" in result.text


def test_the_closest_of_two_regions_is_the_one_most_alike(rig: Rig, edit: Editor) -> None:
    long = [f"a long line of the block, number {n}" for n in range(12)]
    rig.put("a", "\n".join(["x = 10", *long, "y = 20", "", "x = 1", *long, "y = 2"]))
    assert "Closest are lines 16-29" in edit("\n".join(["x = 1", *long, "y = 3"]), "z").text
