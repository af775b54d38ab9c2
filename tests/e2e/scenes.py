"""What the model of the slash commands' tests says, and the room they are played in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.house import KEY, MODEL, House
from tests.e2e.repl.stage import SUMMARY, follows
from tests.e2e.scripted_server import call, says, served
from tests.e2e.seat import Room

CODE = "```python\nreturn a + b\n```"
WORDS = "many words " * 3_000
SCRIPT = follows(
    {
        "the ADDER": (says(text=SUMMARY),),
        "LONG": (says(text=WORDS),),
        "FIX": (
            says(call("edit", path="calc.py", old_string="a - b", new_string="a + b")),
            says(text=f"Fixed it:\n\n{CODE}\n\nDone."),
        ),
        "TALK": (says(text="Just words."),),
        "NEXT": (says(text="Next words."),),
    }
)
MODELS = (MODEL, "qwen3-coder-next", "openai/gpt-oss")


def entered(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A room over the house, with the model served until the test ends."""
    for name in ("SSH_TTY", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QWRIGHT_HOME", str(house.home))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with served(SCRIPT, models=MODELS) as server:
        yield Room(house, server)


def last_request(room: Room) -> list[str]:
    """What the user's side said in the last request."""
    messages = room.server.requests[-1]["messages"]
    return [one["content"] for one in messages if one["role"] == "user"]
