from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.tools.read_file import ReadFile
from qwright.tools.text import decode
from tests.tools.rig import Rig

TEN = "".join(f"line {n}\n" for n in range(1, 11))


def test_a_whole_file_is_numbered_and_its_length_said(rig: Rig) -> None:
    rig.put("a", "one\n\ttwo\n\nfour")
    result = rig.call(ReadFile(path="a"))
    assert result.text == "1\tone\n2\t\ttwo\n3\t\n4\tfour\n[end of file, 4 lines]"
    assert result.details == {"path": "a", "first": 1, "last": 4, "lines": 4}


def test_numbers_are_aligned(rig: Rig) -> None:
    rig.put("a", TEN)
    lines = rig.call(ReadFile(path="a")).text.split("\n")
    assert lines[0] == " 1\tline 1"
    assert lines[9] == "10\tline 10"


@pytest.mark.parametrize(
    ("offset", "limit", "first", "last", "foot"),
    [
        (1, 3, 1, 3, "[lines 1-3 of 10; to go on: offset=4]"),
        (0, 3, 1, 3, "[lines 1-3 of 10; to go on: offset=4]"),
        (-1, 3, 1, 3, "[lines 1-3 of 10; to go on: offset=4]"),
        (1, 0, 1, 10, "[end of file, 10 lines]"),
        (1, -1, 1, 10, "[end of file, 10 lines]"),
        (4, 3, 4, 6, "[lines 4-6 of 10; to go on: offset=7]"),
        (9, 50, 9, 10, "[lines 9-10 of 10, end of file]"),
        (1, 10, 1, 10, "[end of file, 10 lines]"),
    ],
)
def test_a_range(rig: Rig, offset: int, limit: int, first: int, last: int, foot: str) -> None:
    rig.put("a", TEN)
    lines = rig.call(ReadFile(path="a", offset=offset, limit=limit)).text.split("\n")
    assert [line.split("\t")[1] for line in lines[:-1]] == [
        f"line {n}" for n in range(first, last + 1)
    ]
    assert lines[-1] == foot


def test_past_the_end_says_how_many_lines_there_are(rig: Rig) -> None:
    rig.put("a", TEN)
    result = rig.call(ReadFile(path="a", offset=11))
    assert result.is_error
    assert result.text == "a has 10 lines; there is no line 11."


def test_an_empty_file(rig: Rig) -> None:
    rig.put("a", "")
    assert rig.call(ReadFile(path="a")).text == "[empty file]"


def test_a_long_file_stops_at_400_lines_and_a_wide_one_at_a_page(rig: Rig) -> None:
    rig.put("long", "x\n" * 1000)
    foot = "[lines 1-400 of 1000; to go on: offset=401]"
    assert rig.call(ReadFile(path="long")).text.endswith(foot)
    rig.put("wide", ("x" * 900 + "\n") * 1000)
    text = rig.call(ReadFile(path="wide")).text
    assert len(text) < 25_000
    assert "to go on: offset=" in text


def test_a_very_long_line_is_cut_with_a_mark(rig: Rig) -> None:
    rig.put("a", "x" * 1_500_000)
    text = rig.call(ReadFile(path="a")).text
    assert text.startswith("1\t" + "x" * 1000 + " [... 1,499,000 more characters]")
    assert len(text) < 1_100


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a: PNG image, 10 bytes; no text."),
        (b"\x7fELF\0", "a: ELF program or library, 5 bytes; no text."),
        (b"ab\0cd", "a: binary file, 5 bytes; no text."),
        (b"\xff\xfe\0\0a\0\0\0", "a: binary file, 8 bytes; no text."),
        (b"\x1f\x8b\x08\xff", "a: gzip archive, 4 bytes; no text."),
    ],
)
def test_a_binary_is_one_line_with_kind_and_size(rig: Rig, data: bytes, said: str) -> None:
    rig.put("a", data)
    result = rig.call(ReadFile(path="a"))
    assert (result.is_error, result.text) == (True, said)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("é\n".encode("latin-1"), "[end of file, 1 line; not UTF-8, read as latin-1]"),
        ("é\n".encode("utf-16"), "[end of file, 1 line; UTF-16]"),
        (b"\xfe\xff" + "é\n".encode("utf-16-be"), "[end of file, 1 line; UTF-16]"),
        ("é\n".encode("utf-8-sig"), "[end of file, 1 line; UTF-8 with BOM]"),
        ("é\r\n".encode(), "[end of file, 1 line]"),
    ],
)
def test_encodings_are_read_and_said(rig: Rig, data: bytes, note: str) -> None:
    rig.put("a", data)
    assert rig.call(ReadFile(path="a")).text == f"1\té\n{note}"


def test_a_directory_gives_its_listing(rig: Rig) -> None:
    rig.put("src/a.py", "")
    assert rig.call(ReadFile(path="src")).text == "src is a directory:\na.py"


@given(st.binary() | st.text().map(lambda text: text.encode("utf-16")))
def test_what_is_decoded_encodes_to_the_same_bytes(data: bytes) -> None:
    file = decode(data)
    assert file is None or file.encode(file.text) == data
