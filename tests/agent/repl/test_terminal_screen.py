"""What stands on the screen: finished lines above for ever, everything else redrawn below."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from qwright.agent.repl.drawing import MARK
from tests.agent.repl.terminal_stage import ENTER, Stage, control, stage

Play = Callable[[Stage], Awaitable[None]]


def _play(tmp: Path, play: Play, width: int = 80, height: int = 24, **how: object) -> None:
    async def run() -> None:
        async with stage(tmp, width, height, **how) as on:
            await play(on)

    asyncio.run(run())


def test_committed_lines_stay_above_in_order(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        for number in range(100):
            on.terminal.commit(f"line {number}\n")
            on.terminal.set_live(f"working on {number}")
            await asyncio.sleep(0.003)
        on.terminal.set_live("")
        await on.shows("line 99")
        await on.hides("working")
        lines = [line for line in on.everything.splitlines() if line]
        assert lines[:100] == [f"line {number}" for number in range(100)]
        assert lines[100].startswith(MARK)
        assert len(lines) == 101

    _play(tmp_path, play)


def test_lines_committed_before_and_after_the_run_are_written_too(tmp_path: Path) -> None:
    seen: list[Stage] = []

    async def run() -> None:
        async with stage(tmp_path) as on:
            seen.append(on)
            on.terminal.commit("just before it left")
        on.terminal.commit("afterwards")

    asyncio.run(run())
    assert seen[0].everything.split("\n") == ["just before it left", "afterwards"]


def test_the_input_is_gone_after_the_run(tmp_path: Path) -> None:
    seen: list[Stage] = []

    async def run() -> None:
        async with stage(tmp_path) as on:
            seen.append(on)
            on.terminal.set_status("model", "mode")
            await on.type("half a thought")
            await on.shows("model")

    asyncio.run(run())
    assert seen[0].text == ""


def test_every_change_is_one_synchronised_write(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.wire.writes.clear()
        on.terminal.commit("finished\n")
        on.terminal.set_live("unfinished")
        on.terminal.set_status("left", "right")
        await on.shows("unfinished")
        assert len(on.wire.writes) == 1
        assert on.wire.writes[0].startswith("\x1b[?2026h")
        assert on.wire.writes[0].endswith("\x1b[?2026l")
        assert "finished" in on.wire.writes[0]

    _play(tmp_path, play)


def test_a_fast_stream_is_drawn_thirty_times_a_second_at_most(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        loop = asyncio.get_running_loop()
        on.wire.writes.clear()
        start = loop.time()
        for number in range(200):
            on.terminal.commit(f"{number}")
            await asyncio.sleep(0.002)
        took = loop.time() - start
        assert len(on.wire.writes) <= took * 30 + 2

    _play(tmp_path, play)


def test_the_live_part_takes_a_third_of_the_height_and_its_last_lines(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.set_live("\n".join(f"live {number}" for number in range(50)))
        await on.shows("live 49")
        shown = [line for line in on.text.splitlines() if line.startswith("live")]
        assert len(shown) <= 8
        assert shown[-1] == "live 49"
        on.terminal.set_live("one long line " * 200)
        await on.shows("one long line")
        assert sum("long" in line for line in on.text.splitlines()) <= 8

    _play(tmp_path, play)


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_all_of_it_fits_at_every_width(width: int, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.commit("中文 and more " * 10 + "\n")
        on.terminal.set_live("\x1b[31mlive 字\x1b[0m " * 30)
        on.terminal.set_queue([f"queued prompt {number} " * 5 for number in range(6)])
        on.terminal.set_status("model " * 8, "mode sandbox")
        await on.type("/")
        await on.shows("/help")
        await on.type(control("u"), "typed")
        await on.shows("mode sandbox")
        await on.shows("and 3 more")
        lines = on.text.splitlines()
        assert sum("typed" in line for line in lines) == 1
        assert lines[-1].rstrip().endswith("mode sandbox")

    _play(tmp_path, play, width)


def test_typing_while_lines_stream_in(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        async def stream() -> None:
            for number in range(60):
                on.terminal.commit(f"token {number}\n")
                await asyncio.sleep(0.01)

        streaming = asyncio.create_task(stream())
        for letter in "typed in the middle":
            on.send(letter)
            await asyncio.sleep(0.01)
        await streaming
        await on.shows("token 59")
        await on.shows(f"{MARK} typed in the middle")
        await on.type(ENTER)
        assert on.handlers.submissions == ["typed in the middle"]
        lines = [line for line in on.everything.splitlines() if "token" in line]
        assert lines == [f"token {number}" for number in range(60)]

    _play(tmp_path, play)


def test_resizing_loses_nothing_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")  # The emulator does not wrap lines anew.

    async def play(on: Stage) -> None:
        for number, width in enumerate([100, 60, 40, 90, 120, 50] * 3):
            on.terminal.commit(f"line {number}\n")
            on.terminal.set_live("live " * 15)
            on.terminal.set_status("model", "mode")
            await asyncio.sleep(0.05)
            on.resize(width)
            await on.type("x")
        on.terminal.set_live("")
        await on.hides("live")
        lines = [line for line in on.everything.splitlines() if line.startswith("line")]
        assert lines == [f"line {number}" for number in range(18)]
        assert on.everything.count(MARK) == 1
        assert on.everything.count("model") == 1

    _play(tmp_path, play, 120)


def test_ctrl_l_clears_the_screen_and_keeps_the_input(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.commit("old line\n")
        await on.type("typed", control("l"))
        await on.hides("old line")
        assert on.text.splitlines()[1] == f"{MARK} typed"

    _play(tmp_path, play)


HOSTILE = (
    "\x1b[2J\x1b[H",
    "\x1b[5A\x1b[2Koverwritten",
    "\x1b]0;title\x07\x1b]52;c;aGk=\x07",
    "\x1b[?1049h",
    "\x9b2J",
    "a\rb\x08c",
    "\x1bP$q q\x1b\\",
    "\x1b[8mhidden\x1b[0m",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_only_styles_pass_whoever_wrote_the_text(text: str, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.commit("before\n")
        on.wire.writes.clear()
        on.terminal.commit(f"{text} end\n")
        on.terminal.set_live(f"{text} live")
        on.terminal.set_status(f"{text} status", text)
        on.terminal.set_queue([f"{text} queued"])
        await on.shows("status")
        written = "".join(on.wire.writes)
        for forbidden in ("\x1b[2J", "\x1b]", "\x1bP", "\x1b[?1049", "\x9b", "\x1b[8m", "\x1b[5A"):
            assert forbidden not in written
        assert on.text.splitlines()[0] == "before"

    _play(tmp_path, play)


def test_the_screen_reader_gets_lines_and_no_redrawing(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.set_live("spinner")
        on.terminal.set_status("left", "right")
        on.terminal.commit("a finished line\n")
        await on.type("/he")
        await on.shows("a finished line")
        assert "spinner" not in on.text
        assert "left" not in on.text
        assert on.text.splitlines()[-1] == "> /he"

    _play(tmp_path, play, screen_reader=True)


def test_without_colours_none_are_written(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        await on.type("/help @a")
        await on.shows("/help @a")
        assert not any(f"\x1b[0;{code}" in "".join(on.wire.writes) for code in (31, 32, 36, 38))

    _play(tmp_path, play, plain=True)


def test_title_and_clipboard(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.set_title("fix \x1b]0;evil\x07the parser")
        on.terminal.copy("héllo")
        written = "".join(on.wire.writes)
        assert "\x1b]2;fix the parser\x07" in written
        assert "\x1b]52;c;aMOpbGxv\x07" in written

    _play(tmp_path, play)


def test_a_terminal_that_was_closed_ends_the_run(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with stage(tmp_path) as on:
            on.close()
            await on.until(lambda: "left" in on.handlers.calls)
            return on.handlers.calls

    assert asyncio.run(run()) == ["left"]


def test_an_error_of_work_that_was_given_up_does_not_end_the_run(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        async def fails() -> None:
            raise ZeroDivisionError

        given_up = asyncio.create_task(fails())
        await asyncio.sleep(0)
        del given_up
        gc.collect()
        await on.type("still here")
        await on.shows("still here")

    _play(tmp_path, play)


def test_an_error_of_a_completion_ends_the_run(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, breaks=True) as on:
            await on.type("/model ")
            await on.type("q")
            gc.collect()
            await asyncio.sleep(0.1)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())


def test_what_a_handler_raises_ends_the_run_and_is_raised_there(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as on:
            on.handlers.breaks = True
            await on.type(control("o"))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
