"""What keys do, through the real parser and the real screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.agent.repl.terminal_stage import (
    BACKSPACE,
    DOWN,
    ENTER,
    ESC,
    LEFT,
    SHIFT_TAB,
    UP,
    Stage,
    control,
    pasted,
    stage,
)


def _submitted(tmp: Path, *keys: str, vi: bool = False) -> list[str]:
    async def play() -> list[str]:
        async with stage(tmp, vi=vi) as on:
            await on.type(*keys)
            return on.handlers.submissions

    return asyncio.run(play())


def _called(tmp: Path, *keys: str, busy: bool = False, vi: bool = False) -> list[str]:
    async def play() -> list[str]:
        async with stage(tmp, vi=vi) as on:
            on.terminal.busy = busy
            await on.type(*keys)
            return [call for call in on.handlers.calls if call != "began"]

    return asyncio.run(play())


def test_enter_submits_and_empties_the_input(tmp_path: Path) -> None:
    assert _submitted(tmp_path, "hello", ENTER, "again", ENTER) == ["hello", "again"]


def test_what_was_typed_before_the_prompt_was_there_is_submitted(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path, early="hello\nagain\n") as on:
            await on.type("a", control("j"), "b", ENTER)
            return on.handlers.submissions

    assert asyncio.run(play()) == ["hello", "again", "a\nb"]


def test_blank_input_is_not_submitted(tmp_path: Path) -> None:
    assert _submitted(tmp_path, ENTER, "  ", ENTER) == []


@pytest.mark.parametrize(
    "newline",
    [control("j"), ESC + ENTER, "\x1b[13;2u", "\x1b[27;2;13~", "\\" + ENTER],
    ids=["Ctrl-J", "Alt-Enter", "Shift-Enter kitty", "Shift-Enter xterm", "backslash"],
)
def test_a_new_line_by_every_key_people_know(newline: str, tmp_path: Path) -> None:
    assert _submitted(tmp_path, "one", newline, "two", ENTER) == ["one\ntwo"]


def test_the_first_key_is_told_once(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            await on.type("a", "b")
            return on.handlers.calls

    assert asyncio.run(play()) == ["began"]


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        ([SHIFT_TAB], "mode_cycled"),
        ([control("o")], "opened"),
        ([control("t")], "todos"),
        ([control("d")], "left"),
        ([control("c"), control("c")], "left"),
        ([ESC, ESC], "rewind"),
        ([ESC + ESC], "rewind"),
    ],
)
def test_keys_of_an_empty_line(keys: list[str], call: str, tmp_path: Path) -> None:
    assert _called(tmp_path, *keys) == [call]


@pytest.mark.parametrize("key", [ESC, control("c")])
def test_one_key_interrupts_while_the_agent_works(key: str, tmp_path: Path) -> None:
    assert _called(tmp_path, "typed meanwhile", key, busy=True) == ["interrupted"]


def test_what_was_typed_stays_when_the_agent_is_interrupted(tmp_path: Path) -> None:
    async def play() -> str:
        async with stage(tmp_path) as on:
            on.terminal.busy = True
            await on.type("next", ESC)
            return on.terminal.prompt.text

    assert asyncio.run(play()) == "next"


def test_one_escape_does_nothing_but_say_so(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            await on.type("text", ESC)
            await on.shows("Esc again to clear")
            assert on.terminal.prompt.text == "text"
            return on.handlers.calls

    assert asyncio.run(play()) == ["began"]


@pytest.mark.parametrize("keys", [[ESC, ESC], [control("c")]], ids=["Esc Esc", "Ctrl-C"])
def test_cleared_text_is_kept_in_the_history(keys: list[str], tmp_path: Path) -> None:
    assert _submitted(tmp_path, "long thought", *keys, UP, ENTER) == ["long thought"]


def test_alt_keys_are_no_escape(tmp_path: Path) -> None:
    assert _called(tmp_path, "two words", ESC + "b", busy=True) == []
    assert _submitted(tmp_path, "two words", ESC + "b", "X", ENTER) == ["two Xwords"]


def test_arrow_keys_that_arrive_in_pieces_are_no_escape(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            on.terminal.busy = True
            for byte in LEFT:
                on.send(byte)
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            return on.handlers.calls

    assert "interrupted" not in asyncio.run(play())


def test_question_mark_on_an_empty_line_is_help(tmp_path: Path) -> None:
    assert _submitted(tmp_path, "?") == ["/help"]
    assert _submitted(tmp_path, "why", "?", ENTER) == ["why?"]


def test_exclamation_mark_switches_the_mark(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            await on.type("!ls")
            await on.shows("$ !ls")
            await on.type(ENTER)
            return on.handlers.submissions

    assert asyncio.run(play()) == ["!ls"]


def test_up_and_down_walk_the_history_and_come_back_to_the_draft(tmp_path: Path) -> None:
    keys = ["one", ENTER, "two", ENTER, "draft", UP, UP, DOWN, DOWN, ENTER]
    assert _submitted(tmp_path, *keys) == ["one", "two", "draft"]
    assert _submitted(tmp_path, UP, UP, ENTER) == ["two"]  # As a later session finds them.


def test_up_moves_in_a_text_of_several_lines_first(tmp_path: Path) -> None:
    keys = ["old", ENTER, "a", control("j"), "b", UP, "X", ENTER]
    assert _submitted(tmp_path, *keys) == ["old", "aX\nb"]


def test_up_draws_back_what_was_queued_last(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            on.handlers.queued = ["queued prompt"]
            await on.type(UP, " more", ENTER)
            return on.handlers.submissions

    assert asyncio.run(play()) == ["queued prompt more"]


def test_ctrl_r_finds_what_was_typed_before(tmp_path: Path) -> None:
    keys = ["fix the parser", ENTER, "write docs", ENTER, control("r"), "pars", ENTER, ENTER]
    assert _submitted(tmp_path, *keys)[2:] == ["fix the parser"]


def test_a_long_paste_is_a_chip_until_it_is_submitted(tmp_path: Path) -> None:
    lines = "\n".join(f"line {n}" for n in range(42))

    async def play() -> list[str]:
        async with stage(tmp_path) as on:
            await on.type("see ", pasted(lines))
            await on.shows("see [#1 pasted, 42 lines]")
            await on.type(ENTER)
            await on.type(UP)
            assert on.terminal.prompt.text == f"see {lines}"
            return on.handlers.submissions

    assert asyncio.run(play()) == [f"see {lines}"]


def test_a_short_paste_is_inserted_without_what_could_move_the_cursor(tmp_path: Path) -> None:
    assert _submitted(tmp_path, pasted("a\r\nb\x1b[2Jc"), ENTER) == ["a\nbc"]


def test_a_pasted_line_end_submits_nothing(tmp_path: Path) -> None:
    assert _submitted(tmp_path, pasted("rm -rf x\r")) == []


def test_backspace_takes_a_whole_chip(tmp_path: Path) -> None:
    assert _submitted(tmp_path, "a", pasted("x" * 700), BACKSPACE, "b", ENTER) == ["ab"]


def test_vi_keys(tmp_path: Path) -> None:
    keys = ["one two", ESC, "b", "i", "X", ENTER]
    assert _submitted(tmp_path, *keys, vi=True) == ["one Xtwo"]
    assert _called(tmp_path, ESC, busy=True, vi=True) == ["interrupted"]
    assert _called(tmp_path, "text", ESC, ESC, busy=True, vi=True) == ["interrupted"]


def test_the_editing_can_be_changed_while_running(tmp_path: Path) -> None:
    async def play(on: Stage) -> str:
        on.terminal.editing = "vi"
        await on.type("one two", ESC, "0", "i", "X", ENTER)
        return on.handlers.submissions[0]

    async def run() -> str:
        async with stage(tmp_path) as on:
            return await play(on)

    assert asyncio.run(run()) == "Xone two"


def test_the_editor_gets_the_input_and_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\necho 'from the editor' >> \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))

    async def play() -> str:
        async with stage(tmp_path) as on:
            await on.type("typed", control("j"), control("g"))
            await on.until(lambda: "editor" in on.terminal.prompt.text)
            return on.terminal.prompt.text

    assert asyncio.run(play()) == "typed\nfrom the editor"


def test_a_missing_editor_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/nonexistent/editor")

    async def play() -> None:
        async with stage(tmp_path) as on:
            await on.type("typed", control("x"), control("e"))
            await on.shows("no editor found")
            assert on.terminal.prompt.text == "typed"

    asyncio.run(play())
