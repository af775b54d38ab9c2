from __future__ import annotations

import pytest

from qwright.agent.events import Tokens
from qwright.agent.render.ink import columns
from qwright.agent.repl.status import StatusLine
from tests.agent.repl.paper import DARK, PLAIN, golden, unstyled

_USED = Tokens(prompt=14230, completion=1204, estimated=True)
LINE = StatusLine(
    PLAIN, "qwen3-coder-30b-a3b-instruct", "auto-edit", 7800, 32768, _USED, 0.0123,
    "feature/quantities", 3, "ready", "Count quantities in the cart",
)  # fmt: skip


def joined(line: StatusLine, width: int) -> str:
    left, right = line.render(width)
    return left + " " * (width - columns(left) - columns(right)) + right


def test_less_is_said_as_the_terminal_narrows() -> None:
    shown = [joined(LINE, width) for width in (20, 40, 60, 80, 100, 130, 200)]
    golden("status", "\n".join(shown) + "\n")


@pytest.mark.parametrize("width", range(10, 220, 7))
def test_it_always_fits(width: int) -> None:
    left, right = LINE.render(width)
    assert columns(left) + columns(right) <= width


def test_what_is_not_known_is_not_said() -> None:
    line = StatusLine(PLAIN, "m", "auto", 0, 0, Tokens(), sandbox="starting")
    assert line.render(100) == ("auto · m", "○ sandbox starting")


@pytest.mark.parametrize(("used", "role"), [(100, "dim"), (750, "warn"), (950, "bad")])
def test_a_context_that_fills_up_is_coloured(used: int, role: str) -> None:
    line = StatusLine(DARK, "m", "auto", used, 1000, Tokens())
    usual = StatusLine(DARK, "m", "auto", 100, 1000, Tokens())
    same = line.render(100)[1].replace(f"{used / 1000:.0%}", "10%") == usual.render(100)[1]
    assert same == (role == "dim")


def test_names_from_outside_are_harmless() -> None:
    line = StatusLine(
        PLAIN, "m\x1b[2J", "auto", 0, 0, Tokens(), None, "b\x1b]0;x\x07\n", 0, "failed", "t\u202ex"
    )
    left, right = line.render(100)
    assert unstyled(left + right) == left + right
    assert (left, right) == ("auto · m · b · tx", "✗ sandbox failed")
