"""Suggestions: commands, arguments, paths; the list under the input."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwright.agent.repl.completion import Completer
from qwright.agent.repl.drawing import MARK
from qwright.agent.repl.paths import Names, PathIndex
from tests.agent.repl.terminal_stage import COMMANDS, DOWN, ENTER, ESC, TAB, control, stage

FILES = ["src/parser.py", "src/pars_errors.py", "docs/my notes.md", "README.md", ".hidden/x.py"]


def _project(root: Path, files: Sequence[str] = FILES) -> Path:
    for name in files:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def _typed(tmp: Path, *keys: str) -> tuple[str, list[str]]:
    """What stands in the input afterwards, and what was submitted."""

    async def play() -> tuple[str, list[str]]:
        _project(tmp / "project")
        async with stage(tmp / "project") as on:
            await on.type(*keys)
            return on.terminal.prompt.text, on.handlers.submissions

    return asyncio.run(play())


def test_the_list_shows_commands_with_what_they_do(tmp_path: Path) -> None:
    async def play() -> None:
        async with stage(tmp_path) as on:
            await on.type("/")
            await on.shows("A new session")
            assert "/model [NAME]" in on.text
            await on.type("new")
            await on.hides("Choose the model")
            assert "/clear (new)" in on.text
            await on.type(ESC)
            await on.hides("A new session")
            assert on.text.splitlines()[-1] == f"{MARK} /new"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("keys", "text", "submissions"),
    [
        (["/he", TAB], "/help ", []),
        (["/he", ENTER], "", ["/help"]),
        (["/help", ENTER], "", ["/help"]),
        (["/new", ENTER], "", ["/new"]),
        (["/", DOWN, DOWN, ENTER], "", ["/clear"]),
        (["/ren", ENTER], "/rename ", []),
        (["/nothing", ENTER], "", ["/nothing"]),
        (["/model qwen3", TAB], "/model qwen3-coder ", []),
        (["/model qwen3", ENTER], "", ["/model qwen3-coder"]),
        (["/model ", ENTER], "", ["/model"]),
        (["see /he", TAB, ENTER], "", ["see /he"]),
    ],
)
def test_commands(keys: list[str], text: str, submissions: list[str], tmp_path: Path) -> None:
    after, submitted = _typed(tmp_path, *keys)
    assert (after, [one.strip() for one in submitted]) == (text, submissions)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["look at @parser", TAB], "look at @src/parser.py "),
        (["look at @parser", ENTER], "look at @src/parser.py "),
        (["@notes", TAB], "@docs/my\\ notes.md "),
        (["@my\\ no", TAB], "@docs/my\\ notes.md "),
        (["@doc", TAB], "@docs/"),
        (["@src", TAB, DOWN, TAB], "@src/pars_errors.py "),
        (["(@READ", TAB], "(@README.md "),
        (["run src/pars_e", TAB], "run src/pars_errors.py "),
        (["mail@READ", TAB], "mail@READ"),
        (["@@zzz", TAB], "@@zzz"),
    ],
)
def test_paths(keys: list[str], text: str, tmp_path: Path) -> None:
    assert _typed(tmp_path, *keys)[0] == text


def test_a_path_that_is_written_out_is_submitted(tmp_path: Path) -> None:
    assert _typed(tmp_path, "see @README.md", ENTER)[1] == ["see @README.md"]


def test_escape_closes_the_list_and_nothing_else(tmp_path: Path) -> None:
    async def play() -> None:
        async with stage(_project(tmp_path / "project")) as on:
            on.terminal.busy = True
            await on.type("@par")
            await on.shows("src/parser.py")
            await on.type(ESC)
            await on.hides("src/parser.py")
            assert "interrupted" not in on.handlers.calls
            await on.type(ESC)
            assert "interrupted" in on.handlers.calls

    asyncio.run(play())


def test_stale_lists_are_dropped(tmp_path: Path) -> None:
    async def play() -> None:
        async with stage(_project(tmp_path / "project")) as on:
            on.send("@par", control("u"), "plain")
            await asyncio.sleep(0.5)
            assert "src/parser.py" not in on.text
            await on.type(ENTER)
            on.send("see @par", ENTER)
            await asyncio.sleep(0.5)
            assert "src/parser.py" not in on.text
            assert on.handlers.submissions == ["plain", "see @par"]

    asyncio.run(play())


def test_names_that_would_move_the_cursor_are_shown_without(tmp_path: Path) -> None:
    async def play() -> None:
        _project(tmp_path / "project", ["evil\x1b[2Jname.py", "a\u202eb.py"])
        async with stage(tmp_path / "project") as on:
            await on.type("@e")
            await on.shows("evilname.py")
            await on.type(control("u"), "@a")
            await on.shows("ab.py")
            assert "\x1b[2J" not in "".join(on.wire.writes)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("part", "first"),
    [
        ("main.py", "main.py"),
        ("main", "main.py"),
        ("app", "src/app.py"),
        ("srvh", "lib/server_handler.go"),
        ("HANDLER", "lib/server_handler.go"),
        ("src/a", "src/app.py"),
        ("./src/a", "src/app.py"),
        ("lib", "lib/"),
        ("ui/but", "src/ui/button.tsx"),
    ],
)
def test_the_best_path_comes_first(part: str, first: str) -> None:
    names = Names(
        ["main.py", "src/app.py", "src/ui/button.tsx", "lib/server_handler.go", "src/domain.py",
         "src/maintain.py", "docs/application.md", "libs_of_others.txt"]
    )  # fmt: skip
    assert names.find(part, 5)[0] == first


_PATHS = st.lists(
    st.lists(st.text("abAB_.é", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join),
    max_size=12,
    unique=True,
)


@given(_PATHS, st.text("abAB_./é", min_size=1, max_size=4))
def test_exactly_the_paths_that_hold_the_characters_in_order_are_found(
    files: list[str], part: str
) -> None:
    folders = {"/".join(file.split("/")[:end]) + "/" for file in files for end in range(1, 4)}
    known = {*files, *(folder for folder in folders if any(f.startswith(folder) for f in files))}
    wanted = part.lower().removeprefix("./")
    found = Names(files).find(part, 1000)
    if wanted:
        assert set(found) == {path for path in known if _holds(path.lower(), wanted)}
    assert len(found) == len(set(found))


def _holds(path: str, wanted: str) -> bool:
    rest = iter(path)
    return all(one in rest for one in wanted)


def test_git_says_which_files_there_are(tmp_path: Path) -> None:
    _project(tmp_path, ["kept.py", "ignored.log", "sub/new.py"])
    (tmp_path / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    index = PathIndex(tmp_path)
    assert index.find("kept", 5) == ["kept.py"]
    assert index.find("ignored.log", 5) == []
    _project(tmp_path, ["later.py"])
    index.refresh()
    index.find("later", 5)
    asyncio.run(_until(index, "later", ["later.py"]))


async def _until(index: PathIndex, part: str, expected: list[str]) -> None:
    for _ in range(200):
        if index.find(part, 5) == expected:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(index.find(part, 5))


def test_without_git_folders_are_walked_but_for_hidden_ones(tmp_path: Path) -> None:
    _project(tmp_path, ["a/b/c.py", ".secret/d.py", "node_modules/e.py"])
    index = PathIndex(tmp_path)
    assert index.find("c.py", 5) == ["a/b/c.py"]
    assert index.find("d.py", 5) == []
    assert index.find("e.py", 5) == []


def test_a_root_that_is_gone_gives_nothing(tmp_path: Path) -> None:
    assert PathIndex(tmp_path / "gone").find("a", 5) == []


def test_without_a_folder_there_are_only_commands() -> None:
    completer = Completer(None, lambda: COMMANDS)
    assert asyncio.run(completer.suggest("@a")) == []
    assert [one.text for one in asyncio.run(completer.suggest("/mod"))] == ["/model"]
