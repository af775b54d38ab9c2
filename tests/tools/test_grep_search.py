from __future__ import annotations

import pytest

from qwright.tools.grep_search import GrepSearch
from tests.tools.rig import FakeSandbox, Rig, ended


def test_matches_are_grouped_by_file(rig: Rig) -> None:
    output = "a.py\x0012:x = 1\na.py\x0014:x = \x1b[31m2\nsrc/b.py\x003:x: y\n"
    result = rig.call(GrepSearch(pattern="x"), FakeSandbox(ended(output)))
    assert result.text == "3 matches in 2 files\na.py\n12:x = 1\n14:x = 2\nsrc/b.py\n3:x: y"
    assert result.details == {"matches": 3, "files": 2}


def test_no_match_and_a_failed_search(rig: Rig) -> None:
    result = rig.call(GrepSearch(pattern="x"), FakeSandbox(ended("", 1)))
    assert (result.is_error, result.text) == (False, "No matches for x.")
    words = "rg: regex parse error:\n    (?:()\n    ^\nerror: unclosed group\n"
    result = rig.call(GrepSearch(pattern="("), FakeSandbox(ended(words, 2)))
    assert (result.is_error, result.text) == (True, "grep_search: unclosed group.")
    result = rig.call(GrepSearch(pattern="("), FakeSandbox(ended("", 124, timed_out=True)))
    assert result.text == "grep_search: took over 30 s; give a path or a glob."


def test_many_and_wide_matches_are_capped_with_a_count(rig: Rig) -> None:
    output = "".join(f"f{n // 50}\0{n}:match\n" for n in range(500))
    text = rig.call(GrepSearch(pattern="x"), FakeSandbox(ended(output))).text
    assert text.startswith("500 matches in 10 files\n")
    assert text.endswith("[... 400 more; narrow the search]")
    wide = "".join(f"f\0{n}:{'x' * 2000}\n" for n in range(99))
    cut = FakeSandbox(ended(wide, dropped_bytes=9))
    text = rig.call(GrepSearch(pattern="x"), cut).text
    assert text.startswith("more than 99 matches in 1 file\n")
    assert len(text) < 8_200


@pytest.mark.parametrize("pattern", ["", "a\0b", "x" * 10_001])
def test_a_pattern_that_cannot_be_used_is_refused(rig: Rig, pattern: str) -> None:
    sandbox = FakeSandbox(ended(""))
    assert rig.call(GrepSearch(pattern=pattern), sandbox).is_error
    assert sandbox.commands == []


def test_a_missing_path_is_not_searched(rig: Rig) -> None:
    rig.put("src/a.py", "")
    result = rig.call(GrepSearch(pattern="x", path="src/b.py"), FakeSandbox(ended("")))
    assert result.is_error
    assert "Did you mean src/a.py" in result.text
