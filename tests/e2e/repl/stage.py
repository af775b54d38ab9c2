"""A REPL in a window, in somebody's repository, with a model that follows a script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.agent.replay import Reply, Server
from tests.e2e.house import COMMAND, House, containers
from tests.e2e.scripted_server import says, served
from tests.terminal import Terminal

TITLE = "Mend the adder"
MESSAGE = "Add instead of subtracting"
SUMMARY = "The user wants calc.py mended; add() was changed."
PROMPT = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
Answers = Mapping[str, Sequence[Reply]]


def follows(answers: Answers) -> Callable[[dict[str, Any]], Reply]:
    """Replies to a prompt by a word in it, one after the other as the turn goes on.

    What is asked without tools is a title or a commit message.
    """

    def choose(request: dict[str, Any]) -> Reply:
        messages = request["messages"]
        if "a summary. Write it now" in json.dumps(messages[-1]["content"]):
            return says(text=SUMMARY)
        if not request.get("tools"):
            return _aside(json.dumps(messages))
        for place in reversed(range(len(messages))):
            if messages[place]["role"] != "user":
                continue
            text = json.dumps(messages[place]["content"])
            if (word := next((word for word in answers if word in text), None)) is not None:
                given = [one for one in messages[place:] if one["role"] == "assistant"]
                return answers[word][min(len(given), len(answers[word]) - 1)]
        return says(text="I have no script for this.")

    return choose


def _aside(text: str) -> Reply:
    return says(text=MESSAGE if "commit message" in text else TITLE)


def playing(answers: Answers) -> Any:
    """Serve a script of `follows` until the block ends."""
    return served(follows(answers))


@contextmanager
def opened(
    house: House,
    server: Server | None,
    *arguments: str,
    columns: int = 100,
    lines: int = 30,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
) -> Generator[Terminal]:
    """A REPL that shows its prompt; at the end it is left as a person leaves it.

    Its containers must be gone then, unless the test killed it.
    """
    environment = house.environment(server, **(env or {}))
    argv = [*command, *arguments]
    with Terminal(argv, cwd=house.repo, env=environment, columns=columns, lines=lines) as terminal:
        terminal.wait_for(re.compile(f"^[{PROMPT}>!]", re.MULTILINE))
        yield terminal
        if terminal.alive:
            leave(terminal)
            assert not (house.sessions and containers(house.session))


def leave(terminal: Terminal) -> None:
    """Ctrl-C: for a dialog, for what is under way, and then twice to leave."""
    for _ in range(6):
        if terminal.alive and terminal.raw_keys:
            terminal.press("ctrl-c")
            terminal.settled(0.15)
    assert terminal.ended() == 0, terminal.all()
    assert "Traceback" not in terminal.all()


def ask(terminal: Terminal, prompt: str, until: str | re.Pattern[str]) -> str:
    """Send a prompt and wait for what its answer shows."""
    terminal.send(prompt)
    return terminal.wait_all(until)


def confirm(terminal: Terminal, key: str) -> None:
    """Answer a dialog once it listens: what is typed as it comes up is no answer."""
    terminal.settled(0.4)
    terminal.press(key)
