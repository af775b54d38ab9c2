from __future__ import annotations

import pytest

from qwright.tools.write_file import WriteFile
from tests.tools.rig import Rig


def test_a_new_file_with_its_directories(rig: Rig) -> None:
    result = rig.call(WriteFile(path="a/b/c.txt", content="one\ntwo\n"))
    assert rig.bytes("a/b/c.txt") == b"one\ntwo\n"
    assert result.text == "Wrote a/b/c.txt (2 lines)."
    assert result.details["diff"] == (
        "--- /dev/null\n+++ b/a/b/c.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    )
    assert (result.details["added"], result.details["removed"]) == (2, 0)


def test_a_replaced_file_says_what_it_was(rig: Rig) -> None:
    rig.put("a", "1\n2\n3\n")
    result = rig.call(WriteFile(path="a", content="1\n"))
    assert result.text == "Replaced a (1 line, was 3)."
    assert rig.bytes("a") == b"1\n"
    assert (result.details["added"], result.details["removed"]) == (0, 2)


def test_the_same_content_is_said(rig: Rig) -> None:
    rig.put("a", "x\n")
    result = rig.call(WriteFile(path="a", content="x\n"))
    assert result.is_error
    assert result.text == "a already has this content; nothing was changed."


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (b"a\r\nb\r\n", "a\nc\n", b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", "a\r\nc\n", b"a\r\nc\n"),
        (b"a\nb\n", "a\r\n", b"a\r\n"),
        ("é\n".encode("latin-1"), "è\n", "è\n".encode("latin-1")),
        ("é\n".encode("latin-1"), "→\n", "→\n".encode()),
        ("é\n".encode("utf-8-sig"), "è\n", "è\n".encode("utf-8-sig")),
        (b"\xff\xfe" + "é\n".encode("utf-16-le"), "è", b"\xff\xfe" + "è".encode("utf-16-le")),
        (b"\0\1\2", "text\n", b"text\n"),
        (b"", "", b""),
    ],
)
def test_line_ends_and_encoding_are_kept(
    rig: Rig, before: bytes, content: str, after: bytes
) -> None:
    rig.put("a", before)
    rig.call(WriteFile(path="a", content=content))
    assert rig.bytes("a") == after


def test_a_directory_is_refused(rig: Rig) -> None:
    rig.put("src/a", "")
    result = rig.call(WriteFile(path="src", content="x"))
    assert (result.is_error, result.text) == (True, "src: is a directory; give a file's path.")
    assert rig.call(WriteFile(path="src/a/b", content="x")).is_error


def test_broken_syntax_is_reported_only_where_it_is_new(rig: Rig) -> None:
    result = rig.call(WriteFile(path="a.py", content="def f(:\n    pass\n"))
    assert not result.is_error
    assert "The file was written, but line 1, column 7 no longer parses" in result.text
    assert "no longer parses" not in rig.call(WriteFile(path="a.py", content="def g(:\n")).text
    assert "no longer parses" not in rig.call(WriteFile(path="b.txt", content="def g(:\n")).text
