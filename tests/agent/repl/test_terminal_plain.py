"""The REPL's terminal where nothing can be drawn: lines in, lines out."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from qwright.agent.repl.completion import Completer
from qwright.agent.repl.dialogs import QUIET, Option
from qwright.agent.repl.plain_terminal import PlainTerminal, draws_nothing
from tests.agent.repl.terminal_stage import Recorder

OPTIONS = [Option("Yes, once"), Option("Yes, always", "in this project"), Option("No", key="n")]


class Lines:
    """A plain terminal, its lines from a pipe."""

    def __init__(self, tmp: Path) -> None:
        reading, writing = os.pipe()
        self._reading = os.fdopen(reading, encoding="utf-8")
        self._writing = os.fdopen(writing, "w", encoding="utf-8")
        self.shown = io.StringIO()
        self.handlers = Recorder()
        self.terminal = PlainTerminal(
            self.handlers,
            Completer(None),
            history=tmp / "history",
            lines=self._reading,
            output=self.shown,
        )
        self.handlers.leaves = self.terminal.leave

    def enter(self, *lines: str) -> None:
        self._writing.writelines(f"{line}\n" for line in lines)
        self._writing.flush()

    def close(self) -> None:
        self._writing.close()

    async def end(self) -> None:
        """The thread that reads sees the end; then nobody needs the pipe."""
        self.close()
        await self.until(lambda: "left" in self.handlers.calls)
        self._reading.close()

    async def until(self, holds: Callable[[], object]) -> None:
        for _ in range(200):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(self.shown.getvalue())


@asynccontextmanager
async def _lines(tmp: Path) -> AsyncGenerator[Lines]:
    on = Lines(tmp)
    running = asyncio.create_task(on.terminal.run())
    await asyncio.sleep(0.02)
    try:
        yield on
    finally:
        await on.end()
        await running


def test_lines_are_submitted_and_the_end_leaves(tmp_path: Path) -> None:
    async def play() -> Recorder:
        async with _lines(tmp_path) as on:
            on.enter("hello", "", "two \\", "lines", "?")
            on.close()
            await on.until(lambda: "left" in on.handlers.calls)
            return on.handlers

    handlers = asyncio.run(play())
    assert handlers.submissions == ["hello", "two \nlines", "/help"]
    assert handlers.calls == ["began", "left"]


def test_only_text_is_written(tmp_path: Path) -> None:
    async def play() -> str:
        async with _lines(tmp_path) as on:
            on.terminal.set_live("spinner")
            on.terminal.set_status("left", "right")
            on.terminal.commit("\x1b[1mbold\x1b[0m\x1b[2J line")
            on.terminal.commit("another")
            await on.until(lambda: on.shown.getvalue().endswith("> "))
            on.terminal.commit("later")
            return on.shown.getvalue()

    assert asyncio.run(play()) == "bold line\nanother\n> \nlater\n"


def test_no_mark_is_shown_while_the_agent_works(tmp_path: Path) -> None:
    async def play() -> str:
        async with _lines(tmp_path) as on:
            on.terminal.busy = True
            on.terminal.commit("working")
            await asyncio.sleep(0.3)
            assert on.shown.getvalue() == "working\n"
            on.terminal.busy = False
            await on.until(lambda: on.shown.getvalue() == "working\n> ")
            return on.shown.getvalue()

    assert asyncio.run(play())


@pytest.mark.parametrize(
    ("lines", "chosen"), [(["2"], 1), (["n"], 2), ([""], None), (["9", "x", "1"], 0)]
)
def test_choosing(lines: list[str], chosen: int | None, tmp_path: Path) -> None:
    async def play() -> int | None:
        async with _lines(tmp_path) as on:
            asking = asyncio.create_task(on.terminal.choose("Which one?", OPTIONS))
            await on.until(lambda: "2. Yes, always" in on.shown.getvalue())
            on.enter(*lines)
            return await asyncio.wait_for(asking, 5)

    assert asyncio.run(play()) == chosen


def test_a_line_that_came_too_early_is_no_answer(tmp_path: Path) -> None:
    async def play() -> int | None:
        async with _lines(tmp_path) as on:
            asking = asyncio.create_task(on.terminal.choose("Run?", OPTIONS, body="make"))
            await on.until(lambda: "| make" in on.shown.getvalue())
            on.enter("1")
            await asyncio.sleep(QUIET + 0.1)
            assert not asking.done()
            on.enter("n")
            return await asyncio.wait_for(asking, 5)

    assert asyncio.run(play()) == 2


@pytest.mark.parametrize(("line", "answer"), [("typed", "typed"), ("", "as it was")])
def test_asking_for_a_text(line: str, answer: str, tmp_path: Path) -> None:
    async def play() -> str | None:
        async with _lines(tmp_path) as on:
            asking = asyncio.create_task(on.terminal.ask("Message", "as it was"))
            await on.until(lambda: "Message: " in on.shown.getvalue())
            on.enter(line)
            return await asyncio.wait_for(asking, 5)

    assert asyncio.run(play()) == answer


def test_leaving_answers_what_is_open_with_none(tmp_path: Path) -> None:
    async def play() -> str | None:
        async with _lines(tmp_path) as on:
            asking = asyncio.create_task(on.terminal.ask("Message", "text"))
            await on.until(lambda: "Message: " in on.shown.getvalue())
            on.close()
            return await asyncio.wait_for(asking, 5)

    assert asyncio.run(play()) is None


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_terminals_that_draw_nothing(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert draws_nothing()
