"""The terminal of these tests itself, with a tiny program in it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.repl import golden
from tests.e2e.scripted_server import says, scripted, streams
from tests.terminal import Terminal
from tests.tmux import Tmux

ECHO = """
import os, signal, shutil, sys, termios, tty
out = sys.stdout
def sized(*_):
    out.write(f"size {shutil.get_terminal_size()}\\r\\n")
    out.flush()
signal.signal(signal.SIGWINCH, sized)
tty.setraw(0)
out.write("ready\\r\\n")
out.flush()
while (data := os.read(0, 100)) != b"q":
    if data == b"l":
        out.write("".join(f"line {n}\\r\\n" for n in range(60)))
    elif data == b"a":
        out.write("\\x1b[?1049h\\x1b[2J\\x1b[Hsecond screen")
    elif data == b"b":
        out.write("\\x1b[?1049l")
    elif data == b"c":
        out.write("\\x1b[>1u\\x1b[31;1mred\\x1b[0m 中文\\x1b[6n")
    else:
        out.write(f"got {data!r}\\r\\n")
    out.flush()
sys.exit(7)
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(name="echo")
def _echo(tmp_path: Path) -> Iterator[Terminal]:
    command = [sys.executable, "-u", "-c", ECHO]
    with Terminal(command, cwd=tmp_path, env=ENVIRONMENT, columns=60, lines=10) as terminal:
        terminal.wait_for("ready")
        yield terminal


def test_keys_arrive_as_a_terminal_sends_them(echo: Terminal) -> None:
    for key, sent in {"shift-tab": b"\x1b[Z", "ctrl-o": b"\x0f", "alt-e": b"\x1be"}.items():
        echo.press(key)
        echo.wait_for(repr(sent))
    echo.paste("two\nlines")
    echo.wait_for(repr(b"\x1b[200~two\nlines\x1b[201~"))


def test_lines_that_leave_the_window_are_in_the_scrollback(echo: Terminal) -> None:
    echo.press("l")
    echo.wait_for("line 59")
    shown = [line for line in echo.all().splitlines() if line.startswith("line")]
    assert shown == [f"line {number}" for number in range(60)]


def test_the_second_screen_leaves_no_trace(echo: Terminal) -> None:
    echo.press("a")
    echo.wait_for("second screen")
    assert echo.alternate
    assert "ready" not in echo.screen()
    echo.press("b")
    echo.wait_gone("second screen")
    assert "ready" in echo.screen()
    assert "second screen" not in echo.all()


def test_styles_wide_characters_and_questions(echo: Terminal) -> None:
    echo.press("c")
    echo.wait_for("red 中文")
    assert {cell.colour for cell in echo.cells("red")} == {"red"}
    assert all(cell.bold for cell in echo.cells("red"))
    echo.wait_for(re.compile(r"got b'\\x1b\[2;9R'"))


def test_the_program_hears_of_a_new_size(echo: Terminal) -> None:
    echo.resize(44, 8)
    echo.wait_for("columns=44, lines=8")


def test_ends_are_seen(echo: Terminal) -> None:
    assert echo.raw_keys
    echo.press("q")
    assert echo.ended() == 7
    assert not echo.alive


def test_a_kill_and_a_closed_window_end_it(tmp_path: Path) -> None:
    for end in (Terminal.kill9, Terminal.hang_up):
        command = [sys.executable, "-u", "-c", ECHO]
        with Terminal(command, cwd=tmp_path, env=ENVIRONMENT) as terminal:
            terminal.wait_for("ready")
            end(terminal)
            terminal.wait_until_dead()
            assert not terminal.alive


def test_waiting_in_vain_shows_the_screen(echo: Terminal) -> None:
    with pytest.raises(AssertionError, match=r"(?s)never here.*ready"):
        echo.wait_for("never here", seconds=0.2)


def test_tmux_shows_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-c", ECHO]
    with Tmux(command, cwd=tmp_path, env=ENVIRONMENT, columns=60, lines=12) as tmux:
        tmux.wait_for("ready")
        tmux.press("BTab")
        tmux.wait_for(re.escape(repr(b"\x1b[Z")))
        tmux.resize(50, 10)
        tmux.wait_for("columns=50")
        tmux.press("q")
        tmux.ended()


def test_what_differs_from_run_to_run_is_masked() -> None:
    text = "ran 0.3 s  20261122-175337-ab12cd\n12.5 s · 40 tok/s          main\nstays    as it is"
    again = "ran 12.4 s  20261122-185337-cc12cd\n2 s · 120 tok/s            main\nstays    as it is"
    assert golden.masked(text) == golden.masked(again)
    assert "stays    as it is" in golden.masked(text)
    assert "0.3" not in golden.masked(text)


def test_a_golden_screen_is_written_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    monkeypatch.delenv(golden.WRITE, raising=False)
    with pytest.raises(AssertionError, match="missing"):
        golden.check("one", "text")
    monkeypatch.setenv(golden.WRITE, "write")
    golden.check("one", "text")
    monkeypatch.delenv(golden.WRITE)
    golden.check("one", "text")
    with pytest.raises(AssertionError, match="differs"):
        golden.check("one", "other")


def test_a_server_streams_at_a_rate_and_holds_what_it_is_told_to() -> None:
    go = threading.Event()
    replies = [streams(["a "] * 30, 100), says(text="first", held=go)]
    with scripted(*replies) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        began = time.monotonic()
        slow = client.post("chat/completions", json={"messages": []})
        assert slow.text.count('"a "') == 30
        assert time.monotonic() - began >= 0.29
        after = {"messages": [{"role": "assistant", "content": ""}]}
        with client.stream("POST", "chat/completions", json=after) as held:
            lines = held.iter_lines()
            assert "first" in next(lines)
            go.set()
            assert "data: [DONE]" in list(lines)
