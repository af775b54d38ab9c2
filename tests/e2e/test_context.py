"""A session longer than its window, through the real command, container and HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from qwright.agent.compaction import ASK
from qwright.agent.events import Compacted
from tests.agent.imitations import llamacpp, ollama
from tests.e2e.house import FIXED, VERIFY, House
from tests.e2e.scripted_server import Call, Reply, call, error, says, served
from tests.sandbox.repos import git, put

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

TASK = "test_calc.py fails; fix calc.py"
PLAN = "Plan: note the start in notes.md, look through tables.py, then mend add()."
SUMMARY = "tables.py has nothing to do with it."
TABLES = "".join(
    f"TABLE_{n} = {{'name': 'table number {n}', 'rows': [{n}, {n + 1}], 'kind': 'plain'}}\n"
    for n in range(1_000)
)


def forty_turns() -> list[tuple[str, Sequence[Call]]]:
    turns: list[tuple[str, Sequence[Call]]] = [
        (PLAN, [call("run_shell_command", command=VERIFY)]),
        ("", [call("edit", path="notes.md", old_string="two", new_string="2")]),
    ]
    for n in range(18):
        looks = [call("read_file", path="tables.py", offset=50 * n + k, limit=50) for k in (1, 26)]
        run = call("run_shell_command", command=f"grep -n 'number {n}' tables.py; cat tables.py")
        turns += [("", looks), ("", [run])]
    fix = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
    return [*turns, ("", [fix]), ("add() adds now.", [])]


@dataclass
class Windowed:
    """Counts a token for three characters. `strict`: refuses; otherwise it forgets and is silent.

    What it forgets are the oldest messages after the system's, as Ollama does.
    """

    window: int
    strict: bool
    turn: int = 0
    refused: int = 0
    conversations: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])

    def __call__(self, request: dict[str, Any]) -> Reply:
        messages = list(request["messages"])
        prompt = _tokens(messages) + _tokens(request["tools"])
        if self.strict and prompt + request["max_tokens"] > self.window:
            self.refused += 1
            said = "the request exceeds the available context size, try increasing it"
            return error(400, said, n_prompt_tokens=prompt, n_ctx=self.window)
        while prompt > self.window - 20 and len(messages) > 2:
            prompt -= _tokens([messages.pop(1)])
        prompt = min(prompt, self.window - 20)  # the last message, too, is cut
        self.conversations.append(request["messages"])
        if str(request["messages"][-1]["content"]).endswith(ASK):
            return says(text=SUMMARY, prompt_tokens=prompt)
        self.turn += 1
        text, calls = forty_turns()[self.turn - 1]
        return says(*calls, text=text, prompt_tokens=prompt)


def _tokens(value: object) -> int:
    return len(json.dumps(value)) // 3


@pytest.fixture(name="long_house")
def _long_house(house: House) -> House:
    put(house.repo, {"tables.py": TABLES.encode(), "AGENTS.md": b"Run pytest with -q.\n"})
    git(house.repo, "add", "tables.py", "AGENTS.md")
    return house


def test_forty_turns_in_a_window_of_8k_finish_the_task(long_house: House) -> None:
    server = Windowed(8_192, strict=True)
    with served(server, pages=llamacpp(n_ctx=8_192)) as at:
        done = long_house.run("--verify", VERIFY, "--output-format", "stream-json", TASK, server=at)
    assert done.report["verified"] is True
    assert (long_house.repo / "calc.py").read_bytes() == FIXED
    assert server.turn == 40
    assert server.refused == 0
    compacted = [event for event in done.events if isinstance(event, Compacted)]
    assert len(compacted) >= 2
    for conversation in server.conversations:
        assert TASK in conversation[1]["content"]
        assert "Run pytest with -q." in conversation[1]["content"]
    last = server.conversations[-1][1]["content"]
    for kept in (PLAN, "notes.md +1 -1", "1 failed", SUMMARY):
        assert kept in last
    assert compacted[-1].summary in last
    assert compacted[-1].model_dump_json() in (
        (long_house.sessions[-1] / "events.jsonl").read_text().splitlines()
    )


def test_a_server_that_cuts_in_silence_ends_the_run_with_the_mending_line(
    long_house: House,
) -> None:
    before = long_house.files
    server = Windowed(4_096, strict=False)
    with served(server, pages=ollama()) as at:
        done = long_house.run("--verify", VERIFY, TASK, server=at, code=43)
    assert "OLLAMA_CONTEXT_LENGTH" in done.out
    assert "4,096" in done.out
    assert server.turn < 15
    assert long_house.files == before
