"""What the REPL looks like: golden screens at three widths, and terminals that can do less."""

from __future__ import annotations

import re
import threading

import pytest

from tests.e2e.house import VERIFY, House
from tests.e2e.repl import golden
from tests.e2e.repl.stage import PROMPT, ask, confirm, opened, playing
from tests.e2e.repl.test_commands import manual
from tests.e2e.scripted_server import call, says, streams
from tests.terminal import Terminal
from tests.tmux import Tmux

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

WORDS = """\
I mended **add** in `calc.py`: it subtracted. A paragraph that is long enough to be wrapped in a \
narrow window, with 中文 in it, so that widths matter.

1. run the tests
2. read `calc.py`
   - only one line was wrong

| file | what | lines |
|---|---|---:|
| calc.py | `a - b` is now `a + b` | 1 |
| 测试.py | 没有改动 | 0 |

```python
def add(a: int, b: int) -> int:
    return a + b  # a comment
```

> Quoted, and a [link](https://example.org/page).
"""
SCRIPT = {
    "mend": (
        says(
            call("run_shell_command", command=VERIFY),
            call("read_file", path="calc.py"),
            text="I run the tests.",
            thought="The test fails. I should look at the function first.",
        ),
        says(call("edit", path="calc.py", old_string="a - b", new_string="a + b")),
        says(call("grep_search", pattern="add"), call("list_directory", path=".")),
        says(text=WORDS),
    ),
    "hello": (says(text="Hello to you."),),
}


def since(repl: Terminal, typed: str) -> str:
    """All that was drawn from the line on that echoes what was typed."""
    mark = f"{PROMPT} {typed}"
    return mark + repl.all().rpartition(mark)[2]


@pytest.mark.parametrize("width", [60, 100, 200])
def test_a_turn(house: House, width: int) -> None:
    with playing(SCRIPT) as server, opened(house, server, columns=width, lines=36) as repl:
        ask(repl, "mend @calc.py, please", "Bring this to your files?")
        repl.settled()
        golden.check(f"turn-{width}", since(repl, "mend"))
        confirm(repl, "1")
        repl.wait_for("working tree")
        repl.press("ctrl-l")
        for command in ("/checkpoints", "/sandbox"):
            repl.send(command)
            repl.settled()
        golden.check(f"commands-{width}", since(repl, "/checkpoints"))
        repl.send("/help")
        repl.settled()
        golden.check(f"help-{width}", since(repl, "/help"))
        repl.press("ctrl-o")
        repl.wait_for(lambda: repl.alternate)
        repl.settled()
        repl.press("g")
        repl.settled()
        golden.check(f"pager-{width}", repl.screen())
        repl.press("q")
        assert all(len(row) <= width for row in repl.all().splitlines())


def test_forty_columns(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, columns=40, lines=20) as repl:
        ask(repl, "mend it", "Bring this to your files?")
        repl.settled()
        golden.check("turn-40", since(repl, "mend"))
        confirm(repl, "esc")
        repl.type("/st")
        repl.wait_for("/status")
        repl.settled()
        golden.check("menu-40", repl.screen())


def test_no_colour(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, env={"NO_COLOR": "1"}) as repl:
        ask(repl, "mend it", "Bring this to your files?")
        confirm(repl, "3")
        repl.settled()
        colours = re.findall(rb"\x1b\[[0-9;]*m", bytes(repl.raw))
        coloured = [one for one in colours if re.search(rb"[\[;](3[0-8]|4[0-8]|9\d|10\d)[;m]", one)]
        assert not coloured
        confirm(repl, "1")


def test_a_screen_reader(house: House) -> None:
    """Plain lines, no spinner, no status that is drawn again, nothing said twice."""
    manual(house)
    config = house.home / "config" / "config.toml"
    config.write_text(config.read_text() + "screen_reader = true\n")
    with playing(SCRIPT) as server, opened(house, server) as repl:
        ask(repl, "mend it", "/accept")
        repl.settled()
        assert not re.search(r"[⠀-⣿]", repl.all())
        golden.check("screen-reader", repl.all().partition("mend it")[2])
        repl.send("/reject")
        repl.wait_all("Reject")
        repl.settled()
        repl.press("1")
        repl.wait_all("Rejected in")


def test_chinese(house: House) -> None:
    """The whole interface by the locale's language."""
    with playing(SCRIPT) as server, opened(house, server, env={"LANG": "zh_CN.UTF-8"}) as repl:
        ask(repl, "mend it", "1. ")
        repl.settled()
        golden.check("chinese", since(repl, "mend"))
        confirm(repl, "1")
        repl.send("/help")
        repl.settled()
        golden.check("chinese-help", since(repl, "/help"))


def test_resizing_while_an_answer_streams(house: House) -> None:
    tokens = [f"word{number} " for number in range(400)]
    with (
        playing({"long": (streams(tokens, 150),), **SCRIPT}) as server,
        opened(house, server) as repl,
    ):
        ask(repl, "a long one", "word20 ")
        for columns, lines in ((60, 20), (140, 40), (41, 12), (100, 30)):
            repl.resize(columns, lines)
            repl.settled(0.03)
        repl.wait_all("word399")
        repl.wait_for("Done in")
        repl.settled()
        seen = re.findall(r"word(\d+)", repl.all())
        assert list(map(int, dict.fromkeys(seen))) == list(range(400))
        assert repl.screen().count(PROMPT) == 1
        ask(repl, "hello", "Hello to you.")


def test_a_terminal_that_can_do_little(house: House) -> None:
    with playing(SCRIPT) as server, opened(house, server, env={"TERM": "dumb"}) as repl:
        ask(repl, "hello", "Hello to you.")
        repl.settled()
        assert not re.search(rb"\x1b\[\??\d*[ABCDHJKhl]", bytes(repl.raw))
        repl.press("ctrl-d")
        assert repl.ended() == 0


def test_what_was_drawn_stays_while_tokens_stream(house: House) -> None:
    """No flicker: finished lines are written once, and never again."""
    held = threading.Event()
    long = says(text="\n\n".join(f"Paragraph {number} ends." for number in range(40)), held=held)
    with playing({"long": (long,)}) as server, opened(house, server) as repl:
        ask(repl, "a long one", "Paragraph 39")
        held.set()
        repl.wait_for("Done in")
        raw = bytes(repl.raw).decode()
        for number in range(30):
            assert raw.count(f"Paragraph {number} ends.") == 1
        assert "\x1b[2J" not in raw
        assert "\x1b[3J" not in raw


def test_in_tmux(house: House) -> None:
    """Resized there, where lines are wrapped anew; Esc is not taken for Alt."""
    with playing(SCRIPT) as server:
        environment = house.environment(server)
        with Tmux(command(), cwd=house.repo, env=environment) as tmux:
            tmux.wait_for(PROMPT)
            tmux.type("mend it")
            tmux.press("Enter")
            tmux.wait_for("Bring this to your files")
            settled(tmux)
            tmux.type("1")
            tmux.wait_for("working tree: calc.py")
            tmux.type("a draft that is to be wrapped when the window gets narrow")
            tmux.resize(50, 24)
            tmux.wait_for("ts narrow")
            settled(tmux)
            tmux.resize(100, 30)
            settled(tmux)
            assert tmux.screen().count("a draft that") == 1
            tmux.press("Escape", "Escape")
            tmux.press("BTab")
            tmux.wait_for(r"\bplan\b")
            tmux.paste("\n".join(f"line {number}" for number in range(12)))
            tmux.wait_for(r"\[#1 pasted, 12 lines\]")
            tmux.press("C-u", "C-d")
            tmux.ended()


def command() -> list[str]:
    from tests.e2e.house import COMMAND

    return COMMAND


def settled(tmux: Tmux) -> None:
    """Two looks at the window a moment apart show the same."""
    before = ""
    while (now := tmux.all()) != before:
        before = now
        tmux.pause()
