"""The tools that run commands, in a real container."""

from __future__ import annotations

import pytest

from qwright.sandbox.base import CommandResult
from qwright.tools.base import ToolResult
from qwright.tools.edit import Edit
from qwright.tools.grep_search import GrepSearch
from qwright.tools.run_shell_command import RunShellCommand
from qwright.tools.write_file import WriteFile
from tests.tools.conftest import Contained
from tests.tools.rig import FakeSandbox, ended

pytestmark = pytest.mark.docker


def grep(rig: Contained, pattern: str, path: str = ".", glob: str = "") -> ToolResult:
    return rig.call(GrepSearch(pattern=pattern, path=path, glob=glob), rig.sandbox)


def shell(rig: Contained, command: str, timeout: float = 30) -> ToolResult:
    return rig.call(RunShellCommand(command=command, timeout=timeout), rig.sandbox)


@pytest.fixture(scope="module")
def sources(contained: Contained) -> Contained:
    contained.put("src/a.py", "import os\nvalue_1 = 'needle'\nprint(value_1)\n")
    contained.put("src/b.js", "const value_2 = 'needle';\n")
    contained.put("src/-n.txt", "needle in an odd name\n")
    contained.put("src/with space;echo/c.txt", "needle $(id) `id`\n")
    contained.put("src/new\nline.txt", "nothing here\n")
    contained.put("src/.hidden/d.txt", "needle\n")
    contained.put("src/ignored.log", "needle\n")
    contained.put("src/.gitignore", "*.log\n")
    contained.put("src/binary", b"needle\0needle\n")
    contained.put("src/latin", "needle é\n".encode("latin-1"))
    return contained


def test_grep_finds_text_with_lines(sources: Contained) -> None:
    text = grep(sources, "needle", "src").text
    assert text.split("\n") == [
        "5 matches in 5 files",
        "src/-n.txt",
        "1:needle in an odd name",
        "src/a.py",
        "2:value_1 = 'needle'",
        "src/b.js",
        "1:const value_2 = 'needle';",
        "src/latin",
        "1:needle \ufffd",
        "src/with space;echo/c.txt",
        "1:needle $(id) `id`",
    ]


def test_grep_takes_a_glob_a_file_and_a_regex(sources: Contained) -> None:
    assert grep(sources, "needle", glob="*.py").text.startswith("1 match in 1 file\nsrc/a.py\n2:")
    assert grep(sources, "needle", glob="src/*.js").details["files"] == 1
    assert grep(sources, r"value_\d\b", "src").details["matches"] == 3
    assert grep(sources, "needle", "src/-n.txt").text.split("\n")[1] == "src/-n.txt"
    assert grep(sources, "needle", "/workspace/src/a.py").details["matches"] == 1


@pytest.mark.parametrize(
    "pattern", ["'; touch pwned; '", "$(touch pwned)", "-f/etc/passwd", "--files", "a\nb", "\\"]
)
def test_no_pattern_reaches_the_shell(sources: Contained, pattern: str) -> None:
    grep(sources, pattern, "src")
    grep(sources, "needle", "src", pattern)
    grep(sources, "needle", "src/with space;echo")
    assert not (sources.root / "pwned").exists()
    result = grep(sources, pattern, "src")
    assert "root:" not in result.text
    assert "\n" not in result.text


def test_grep_says_no_matches_and_what_is_wrong_with_a_regex(sources: Contained) -> None:
    result = grep(sources, "not there at all")
    assert (result.is_error, result.text) == (False, "No matches for not there at all.")
    result = grep(sources, "(unclosed")
    assert (result.is_error, result.text) == (True, "grep_search: unclosed group.")


def test_a_regex_that_would_backtrack_for_ever_is_quick(contained: Contained) -> None:
    contained.put("redos/a", "a" * 5000 + "b\n")
    assert "No matches" in grep(contained, "(a+)+$", "redos").text


class WithoutRipgrep(FakeSandbox):
    """The container of `rig`, as if its image had no ripgrep."""

    def __init__(self, rig: Contained) -> None:
        super().__init__(ended(""))
        self._sandbox = rig.sandbox

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        hidden = f"command() {{ return 1; }}; {command}"
        return await self._sandbox.run(hidden, timeout=timeout, output_limit=output_limit)


def test_grep_without_ripgrep(sources: Contained) -> None:
    plain = WithoutRipgrep(sources)
    result = sources.call(GrepSearch(pattern=r"value_\d", path="src", glob="*.py"), plain)
    assert result.text == "2 matches in 1 file\nsrc/a.py\n2:value_1 = 'needle'\n3:print(value_1)"
    result = sources.call(GrepSearch(pattern="zzz", path="src"), plain)
    assert result.text == "No matches for zzz."
    result = sources.call(GrepSearch(pattern="(zzz", path="src"), plain)
    assert result.is_error
    assert "\n" not in result.text


def test_a_command_with_its_real_exit_code(contained: Contained) -> None:
    result = shell(contained, "echo out; echo err >&2; pwd; exit 7")
    assert result.is_error
    assert sorted(result.text.split("\n")) == ["/workspace", "[exit code 7]", "err", "out"]
    assert result.details["exit_code"] == 7
    assert shell(contained, "true").text == "(no output)\n[exit code 0]"
    assert shell(contained, "no_such_program").text.endswith("[exit code 127]")


def test_a_command_sees_edits_and_its_files_can_be_edited(contained: Contained) -> None:
    contained.call(WriteFile(path="made/x.sh", content="echo one\n"))
    assert shell(contained, "bash made/x.sh").text == "one\n[exit code 0]"
    assert shell(contained, "echo 'echo two' > made/y.sh").details["exit_code"] == 0
    edit = Edit(path="made/y.sh", old_string="two", new_string="three")
    assert not contained.call(edit).is_error
    assert shell(contained, "bash made/y.sh; echo x >> made/x.sh").text == "three\n[exit code 0]"


def test_a_command_that_hangs_is_stopped(contained: Contained) -> None:
    result = shell(contained, "echo begun; sleep 60", timeout=1)
    assert result.text == "begun\n[stopped: it ran longer than the timeout of 1 s]"
    assert result.details["timed_out"] is True


def test_input_is_closed(contained: Contained) -> None:
    assert shell(contained, "read x || echo nothing; cat").text == "nothing\n[exit code 0]"


def test_much_output_is_cut(contained: Contained) -> None:
    result = shell(contained, "seq 1000000")
    assert result.text.startswith("1\n2\n")
    assert "\n1000000\n[exit code 0; " in result.text
    assert len(result.text) < 8_200
    assert len(shell(contained, "head -c 5000000 /dev/zero | tr '\\0' x").text) < 8_200


def test_bytes_that_are_no_text_and_a_progress_bar(contained: Contained) -> None:
    text = shell(contained, r"printf 'a\xffb\0c\n10%%\r20%%\n\e[31mred\e[0m\n'").text
    assert text == "a\ufffdbc\n20%\nred\n[exit code 0]"
