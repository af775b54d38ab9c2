"""Pickers, approvals, questions and the pager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from qwright.agent.repl.dialogs import QUIET, Option
from qwright.agent.repl.drawing import MARK
from tests.agent.repl.terminal_stage import (
    DOWN,
    ENTER,
    ESC,
    PAGE_DOWN,
    UP,
    Stage,
    control,
    stage,
)

OPTIONS = [Option("Yes, once"), Option("Yes, always", "in this project"), Option("No", key="n")]
Play = Callable[[Stage], Awaitable[object]]


def _play(tmp: Path, play: Play, width: int = 80, height: int = 24, **how: object) -> object:
    async def run() -> object:
        async with stage(tmp, width, height, **how) as on:
            return await play(on)

    return asyncio.run(run())


async def _chosen(on: Stage, *keys: str, digits: bool = True) -> int | None:
    asking = asyncio.create_task(on.terminal.choose("Which one?", OPTIONS, digits=digits))
    await on.shows("Which one?")
    await on.type(*keys)
    return await asyncio.wait_for(asking, 5)


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ([ENTER], 0),
        (["2"], 1),
        (["j", ENTER], 1),
        ([DOWN, DOWN, ENTER], 2),
        (["j", "j", "j", "k", ENTER], 2),
        ([UP, ENTER], 2),
        (["n"], 2),
        (["9", "x", ENTER], 0),
        ([ESC], None),
        ([control("c")], None),
    ],
)
def test_choosing(keys: list[str], chosen: int | None, tmp_path: Path) -> None:
    assert _play(tmp_path, lambda on: _chosen(on, *keys)) == chosen


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [(["alw", ENTER], 1), (["projec", ENTER], 1), (["zzz", ENTER, ESC], None), (["n", ENTER], 0)],
)
def test_narrowing_a_list_by_typing(keys: list[str], chosen: int | None, tmp_path: Path) -> None:
    assert _play(tmp_path, lambda on: _chosen(on, *keys, digits=False)) == chosen


@pytest.mark.parametrize("digits", [True, False])
def test_keys_in_one_read_with_the_answer_go_to_the_input(digits: bool, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        asking = asyncio.create_task(on.terminal.choose("Which one?", OPTIONS, digits=digits))
        await on.shows("Which one?")
        on.send("1" if digits else ENTER, "/diff", ENTER)
        assert await asyncio.wait_for(asking, 5) == 0
        waiting = asyncio.create_task(on.terminal.ask("Message"))
        await on.shows("Message")
        on.send("text", ENTER, "next", ENTER)
        assert await asyncio.wait_for(waiting, 5) == "text"
        await on.until(lambda: on.handlers.submissions == ["/diff", "next"])

    _play(tmp_path, play)


def test_a_dialog_leaves_nothing_behind_and_the_input_as_it_was(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        await on.type("a draft")
        assert await _chosen(on, "1") == 0
        await on.shows(f"{MARK} a draft")
        assert "Which" not in on.everything
        assert "Yes" not in on.everything

    _play(tmp_path, play)


def test_lines_are_committed_above_an_open_dialog(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        asking = asyncio.create_task(on.terminal.choose("Which one?", OPTIONS))
        await on.shows("Which one?")
        on.terminal.commit("meanwhile\n")
        await on.shows("meanwhile")
        lines = on.text.splitlines()
        assert lines.index("meanwhile") < next(n for n, ln in enumerate(lines) if "Which" in ln)
        assert on.everything.count("Which") == 1
        await on.type("1")
        assert await asking == 0

    _play(tmp_path, play)


async def _approved(on: Stage, *keys: str, body: str = "rm -rf build") -> int | None:
    asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body=body))
    await on.shows("Run this?")
    await asyncio.sleep(QUIET + 0.1)
    await on.type(*keys)
    return await asyncio.wait_for(asking, 5)


def test_an_approval_takes_a_key_after_a_pause(tmp_path: Path) -> None:
    assert _play(tmp_path, lambda on: _approved(on, "1")) == 0


@pytest.mark.parametrize("early", ["1", ENTER, "n", "11111" + ENTER])
def test_what_was_being_typed_is_no_answer(early: str, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.send(early)  # In the terminal's buffer before the dialog is there.
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body="rm -rf /"))
        await on.shows("Run this?")
        for _ in range(5):  # And on, as fast as people type: each key makes the pause begin anew.
            await asyncio.sleep(QUIET / 2)
            on.send(early)
        await asyncio.sleep(0.1)
        assert not asking.done()
        await asyncio.sleep(QUIET)
        on.send("2")
        assert await asyncio.wait_for(asking, 5) == 1
        assert on.handlers.submissions == []

    _play(tmp_path, play)


def test_letters_that_came_too_early_stay_in_the_input(tmp_path: Path) -> None:
    async def play(on: Stage) -> str:
        await on.type("please ")
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body="make"))
        await on.shows("Run this?")
        await on.type(*"wait")
        await asyncio.sleep(QUIET + 0.1)
        await on.type("n")
        assert await asking == 2
        return on.terminal.prompt.text

    assert _play(tmp_path, play) == "please wait"


@pytest.mark.parametrize("key", [ESC, control("c")])
def test_no_counts_at_once(key: str, tmp_path: Path) -> None:
    async def play(on: Stage) -> object:
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body="make"))
        await on.shows("Run this?")
        on.send(key)
        return await asyncio.wait_for(asking, QUIET)

    assert _play(tmp_path, play) is None


def test_every_line_of_a_body_stands_behind_a_bar(tmp_path: Path) -> None:
    body = (
        f"make\n\x1b[7m Run this? \x1b[0m\n{MARK} 1. Yes, once\n\x1b[3A\x1b[2Kx\r\x1b[8mhidden "
        + "w" * 200
    )

    async def play(on: Stage) -> None:
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body=body))
        await on.shows("Yes, always")
        lines = [line for line in on.text.splitlines() if line.strip()]
        begin = next(n for n, line in enumerate(lines) if line.startswith(" Run this?"))
        options = next(n for n, line in enumerate(lines) if line.startswith(f"{MARK} 1. Yes, once"))
        assert all(line.startswith("│ ") for line in lines[begin + 1 : options])
        assert "hidden" in on.text
        assert on.text.count("w") >= 200
        assert all(cell.reverse for cell in on.emulator.cells(" Run this? ")) is False
        assert on.emulator.row(1)[1].reverse
        on.send(ESC)
        assert await asking is None

    _play(tmp_path, play, 60)


def test_a_long_body_is_scrolled_and_says_how_much_there_is(tmp_path: Path) -> None:
    body = "\n".join(f"body {number}." for number in range(60))

    async def play(on: Stage) -> None:
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body=body))
        await on.shows("more lines")
        seen = {line for line in on.text.splitlines() if "body" in line}
        await asyncio.sleep(QUIET + 0.1)
        for _ in range(10):
            await on.type(PAGE_DOWN)
            seen |= {line for line in on.text.splitlines() if "body" in line}
        assert seen == {f"│ body {number}." for number in range(60)}
        await on.shows("0 more lines")
        assert "3. No" in on.text or "n. No" in on.text
        await on.type("1")
        assert await asking == 0

    _play(tmp_path, play, 80, 16)


@pytest.mark.parametrize("height", [6, 10, 24])
def test_the_options_are_in_sight_however_low_the_terminal(height: int, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        body = "\n".join(map(str, range(100)))
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body=body))
        await on.shows("Yes, once")
        on.send(ESC)
        assert await asking is None

    _play(tmp_path, play, 40, height)


def test_two_dialogs_come_one_after_the_other(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        first = asyncio.create_task(on.terminal.choose("First?", OPTIONS))
        second = asyncio.create_task(on.terminal.ask("Second?"))
        await on.shows("First?")
        assert "Second?" not in on.text
        await on.type("2")
        await on.shows("Second?")
        await on.type("answer", ENTER)
        assert (await first, await second) == (1, "answer")

    _play(tmp_path, play)


def test_leaving_answers_what_is_open_with_none(tmp_path: Path) -> None:
    async def run() -> object:
        async with stage(tmp_path) as on:
            asking = asyncio.create_task(on.terminal.choose("First?", OPTIONS))
            waiting = asyncio.create_task(on.terminal.ask("Second?"))
            await on.shows("First?")
            on.terminal.leave()
            return await asyncio.wait_for(asyncio.gather(asking, waiting), 5)

    assert asyncio.run(run()) == [None, None]


async def _asked(on: Stage, text: str, *keys: str) -> str | None:
    asking = asyncio.create_task(on.terminal.ask("Commit message", text))
    await on.shows("Commit message")
    await on.type(*keys)
    return await asyncio.wait_for(asking, 5)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ([ENTER], "fix"),
        ([" it", ENTER], "fix it"),
        ([control("j"), "body", ENTER], "fix\nbody"),
        ([ESC], None),
        ([control("c")], None),
        ([control("u"), control("d")], None),
    ],
)
def test_asking_for_a_text(keys: list[str], answer: str | None, tmp_path: Path) -> None:
    assert _play(tmp_path, lambda on: _asked(on, "fix", *keys)) == answer


def test_the_pager_shows_all_in_the_other_screen_and_gives_the_first_back(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        on.terminal.commit("before\n")
        await on.type("draft")
        await on.shows(f"{MARK} draft")
        before = on.text
        lines = [f"\x1b[32mpage {number}\x1b[0m" for number in range(100)]
        paging = asyncio.create_task(on.terminal.page(lines, "Transcript"))
        await on.shows("page 0")
        assert on.emulator.alternate
        await on.type("G")
        await on.shows("page 99")
        await on.type("g", "/", "page 5", ENTER)
        await on.until(lambda: on.text.startswith("page 5\n"))
        await on.type("n")
        await on.until(lambda: on.text.startswith("page 50"))
        on.terminal.commit("meanwhile\n")
        await asyncio.sleep(0.1)
        assert "meanwhile" not in on.text
        await on.type("q")
        await asyncio.wait_for(paging, 5)
        await on.shows("meanwhile")
        assert not on.emulator.alternate
        assert on.text.replace("meanwhile\n", "") == before
        await on.type(" goes on")
        await on.shows(f"{MARK} draft goes on")

    _play(tmp_path, play)


@pytest.mark.parametrize("key", [ESC, control("o"), control("c"), "q"])
def test_keys_that_leave_the_pager(key: str, tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        paging = asyncio.create_task(on.terminal.page(["text"], "Title"))
        await on.shows("Title")
        on.send(key)
        await asyncio.wait_for(paging, 5)

    _play(tmp_path, play)


def test_a_dialog_for_the_screen_reader_is_plain_lines(tmp_path: Path) -> None:
    async def play(on: Stage) -> None:
        asking = asyncio.create_task(on.terminal.choose("Run this?", OPTIONS, body="make"))
        await on.shows("  2. Yes, always  in this project")
        assert "Run this?\n| make\n" in on.text
        await asyncio.sleep(QUIET + 0.1)
        await on.type("j")
        await on.shows(f"{MARK} 2. Yes, always")
        await on.type(ENTER)
        assert await asking == 1

    _play(tmp_path, play, screen_reader=True)
