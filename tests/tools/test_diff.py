from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.tools.diff import unified

TEXT = st.lists(st.sampled_from(["a", "b", "c", "", "d\r"]), max_size=30).map("\n".join)


def patched(before: str, diff: str) -> str:
    """What `before` becomes by `diff`; every quoted line must be where the header says."""
    old = re.findall(r"[^\n]*\n|[^\n]+$", before)
    done: list[str] = []
    at = 0
    for header, body in re.findall(r"@@ -(\S+) \S+ @@\n((?:[ +\\-].*\n)+)", diff):
        start, _, length = header.partition(",")
        first = int(start) - (length != "0")
        done += old[at:first]
        at = first
        for mark, line in re.findall(r"([ +-])(.*\n(?:\\.*\n)?)", body):
            text = line.replace("\n\\ No newline at end of file\n", "")
            if mark != "+":
                assert old[at] == text
                at += 1
            if mark != "-":
                done.append(text)
    return "".join(done + old[at:])


@given(TEXT, TEXT)
def test_a_diff_leads_from_one_text_to_the_other(before: str, after: str) -> None:
    diff = unified("a", before, after)
    assert patched(before, diff.text) == after
    assert (diff.text == "") == (before == after)
    body = diff.text.split("\n")[2:]
    assert diff.added == sum(line.startswith("+") for line in body)
    assert diff.removed == sum(line.startswith("-") for line in body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nb", "a\nb\n"),
        ("a\r\nb\n", "a\nb\n"),
        (None, "new\n"),
        ("".join(f"{n}\n" for n in range(100)), "".join(f"{n}\n" for n in range(100) if n % 30)),
    ],
)
def test_git_takes_it(tmp_path: Path, before: str | None, after: str) -> None:
    if before is not None:
        (tmp_path / "a").write_bytes(before.encode())
    (tmp_path / "patch").write_bytes(unified("a", before, after).text.encode())
    subprocess.run(["git", "apply", "patch"], cwd=tmp_path, check=True)
    assert (tmp_path / "a").read_bytes() == after.encode()


def test_a_new_and_a_long_file() -> None:
    assert unified("a", None, "x").text == (
        "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
    )
    before = "".join(f"{n}\n" for n in range(50_000))
    diff = unified("a", before, before.replace("\n25000\n", "\nx\n"))
    assert diff.text.startswith("--- a/a\n+++ b/a\n@@ -24998,7 +24998,7 @@\n 24997\n")
    assert unified("a", before, before.replace("1", "2")).added > 20_000
