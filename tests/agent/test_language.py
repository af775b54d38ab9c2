"""Both languages are complete, the code says only what is there, and nothing is there unsaid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.agent import language
from qwright.agent.arguments import COMMANDS, parse
from qwright.agent.cli import main
from qwright.agent.config import user_file
from qwright.agent.help_format import columns, wrap
from qwright.agent.language import LANGUAGES, Language, configured, of_locale, say, translated
from tests.agent.spoken import (
    LANGUAGES_DIR,
    Said,
    placeholders,
    said,
    texts,
    told_by_the_sandbox,
)

ENGLISH, CHINESE = texts("en"), texts("zh")
COMMA = "\uff0c"
HAN = re.compile(r"[\u4e00-\u9fff]")
_CODE = re.compile(
    r"`[^`]*`|\{[^}]*\}|\[[^\]]*\]|(?<!\w)/[a-z]+( [a-z]+)*|\btokens?\b"
    r"|'[^']*'|\"[^\"]*\"|https?://\S+|(?<!\w)(--?|/|@|!)[\w/.-]+"
    r"|\b(qwright|git|pip|npm|ollama)( [\w|\[\]./:-]+)*|[\w-]*[./_\d][\w./:-]*|[A-Z][\w.-]*"
)
"""What is the same in every language: commands, flags, names, values, acronyms."""
_PROSE = re.compile(r"[a-z]{3,}")
_WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
_WORDS = re.compile(r"[a-z]{2,}(?: [a-z]+)+")
_ASCII_MARKS = re.compile(r"[\u4e00-\u9fff][,;:!?](?=\s|$|[\u4e00-\u9fff])|[\u4e00-\u9fff]\.(\s|$)")


def test_the_areas_are_the_same() -> None:
    areas = {one: {file.name for file in (LANGUAGES_DIR / one).iterdir()} for one in LANGUAGES}
    assert areas["zh"] == areas["en"]
    assert "help.toml" in areas["en"]


def test_the_keys_are_the_same() -> None:
    assert sorted(CHINESE) == sorted(ENGLISH)


def test_the_placeholders_are_the_same() -> None:
    both = ENGLISH.keys() & CHINESE.keys()
    assert [key for key in both if placeholders(CHINESE[key]) != placeholders(ENGLISH[key])] == []


def test_all_that_is_said_is_there() -> None:
    assert [call for call in said() if not any(map(call.matches, ENGLISH))] == []


def test_every_text_is_said_with_the_values_it_shows() -> None:
    # Without any value a text is not formatted, so that one with {name} would show just that.
    assert [call for call in said() if call.values is not None and not _fits(call)] == []


def _fits(call: Said) -> bool:
    assert call.values is not None
    wanted = [placeholders(text) for key, text in ENGLISH.items() if call.matches(key)]
    return any(names <= call.values for names in wanted) and call.values <= set().union(*wanted)


def test_all_that_is_there_is_said() -> None:
    own = [key for key in ENGLISH if not key.startswith("sandbox.")]
    assert [key for key in own if not any(call.matches(key) for call in said())] == []


def test_what_the_sandbox_says_is_translated() -> None:
    lines = list(told_by_the_sandbox())
    assert [translated(line) for line in lines] == lines
    language.choose("zh")
    assert [line for line in lines if not HAN.search(translated(line))] == []
    shown = "\n".join(map(translated, lines))
    templates = [text for key, text in CHINESE.items() if key.startswith("sandbox.")]
    patterns = [re.sub(r"\\{\w+\\}", ".*", re.escape(text)) for text in templates]
    assert [one for one in patterns if not re.search(one, shown)] == []
    assert translated("what it never says") == "what it never says"
    assert translated("Pulling x{y}: 5%") == "正在拉取 x{y}\uff1a5%"


def test_chinese_is_chinese() -> None:
    left_over = [key for key, text in CHINESE.items() if _WORDS.search(_CODE.sub(" ", text))]
    assert left_over == []
    assert [key for key, text in CHINESE.items() if _ASCII_MARKS.search(text)] == []
    prose = [key for key, text in ENGLISH.items() if _PROSE.search(_CODE.sub(" ", text))]
    assert [key for key in prose if not HAN.search(CHINESE.get(key, ""))] == []


def test_english_is_english() -> None:
    assert [key for key, text in ENGLISH.items() if _WIDE.search(text)] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("运行 `git apply FILE` 即可", False),
        (f"用 /accept 应用{COMMA}或 --no-apply", False),
        ("Nothing was changed 没有改动", True),
        ("这是 left over words", True),
    ],
)
def test_the_test_for_left_over_english_can_fail(text: str, left: bool) -> None:
    assert bool(_WORDS.search(_CODE.sub(" ", text))) == left


class TestWhichLanguage:
    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({}, "en"),
            ({"LANG": "zh_CN.UTF-8"}, "zh"),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
            ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
            ({"LC_ALL": "", "LANG": "ZH_cn"}, "zh"),
            ({"LC_ALL": "C"}, "en"),
        ],
    )
    def test_by_the_locale(
        self, variables: dict[str, str], expected: Language, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert of_locale() == language.language() == expected

    def test_by_choice(self) -> None:
        language.choose("zh")
        assert say("help.options") == "选项"
        language.choose(None)
        assert say("help.options") == "options"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('language = "zh"', "zh"),
            ('model = "m"\nlanguage = "en"', "en"),
            *((text, None) for text in ("", 'language = "fr"', "language = 7", "language = ")),
        ],
    )
    def test_by_configuration(
        self, text: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
        assert configured() is None
        user_file().parent.mkdir()
        user_file().write_text(text)
        assert configured() == expected


Help = Callable[..., str]


@pytest.fixture
def shown_help(capsys: pytest.CaptureFixture[str]) -> Help:
    def read(*argv: str) -> str:
        with pytest.raises(SystemExit):
            parse([*argv, "--help"])
        return capsys.readouterr().out

    return read


class TestHelp:
    @pytest.mark.parametrize(
        "argv",
        [
            [],
            *([name] for name in COMMANDS),
            *(["config", name] for name in ("show", "get", "set", "unset", "edit", "path")),
            *(["models", name] for name in ("list", "pull", "rm", "tune", "ps", "probe", "stop")),
            *(["sessions", name] for name in ("list", "show", "diff", "rm")),
            *(["sandbox", name] for name in ("build", "clean")),
        ],
        ids=" ".join,
    )
    def test_all_of_it_is_chinese(self, argv: list[str], shown_help: Help) -> None:
        english = shown_help(*argv)
        language.choose("zh")
        chinese = shown_help(*argv)
        assert english.startswith("usage: ")
        assert chinese.startswith("用法\uff1a")
        for words in ("usage", "show this help", "positional", "default", "choose from"):
            assert words not in chinese
        flags = r"(?<=[ \[])--?[a-z][a-z-]*"
        assert set(re.findall(flags, english)) == set(re.findall(flags, chinese))
        assert all(
            HAN.search(line) for line in chinese.splitlines() if re.match(r"  -\w,", line[:5])
        )

    def test_the_language_of_the_configuration_counts_for_help(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
        user_file().parent.mkdir()
        user_file().write_text('language = "zh"')
        with pytest.raises(SystemExit):
            main(["--help"])
        assert "用法" in capsys.readouterr().out

    def test_it_waits_for_nothing_heavy(self) -> None:
        script = (
            "import sys\nfrom qwright.agent.cli import main\ntry: main(['--help'])\n"
            "except SystemExit: print(*sys.modules, file=sys.stderr)"
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", script]
        shown = subprocess.run(command, capture_output=True, check=True, env=env)
        loaded = {name.partition(".")[0] for name in shown.stderr.decode().split()}
        assert "argparse" in loaded
        heavy = {"pydantic", "openai", "rich", "prompt_toolkit", "docker", "git", "httpx2"}
        assert loaded & {*heavy, "tomlkit", "pygments", "tree_sitter"} == set()

    @pytest.mark.parametrize("spoken", LANGUAGES)
    @pytest.mark.parametrize("width", [40, 60, 100])
    def test_no_line_is_wider_than_the_terminal(
        self, spoken: Language, width: int, shown_help: Help, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        language.choose(spoken)
        wrapped = shown_help("config", "set") + shown_help("models", "pull")
        assert max(map(columns, wrapped.splitlines())) <= width
        epilog = say("help.epilog") + say("help.description")
        assert max(map(columns, epilog.splitlines())) <= 100


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, []),
        ("one two three", 8, ["one two", "three"]),
        (f"思考模型的强度{COMMA}默认", 8, ["思考模型", f"的强度{COMMA}", "默认"]),
        (f"模型 abc{COMMA}默认", 8, ["模型", f"abc{COMMA}默", "认"]),
        ("\uff08括号\uff09在前", 4, ["\uff08括", "号\uff09", "在前"]),
        ("verylongword x", 4, ["verylongword", "x"]),
    ],
)
def test_lines_break_where_the_script_allows_it(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines
