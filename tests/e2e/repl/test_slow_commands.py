"""Commands that wait for a model show that they do, and end at Esc."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agent.replay import Reply
from tests.e2e.house import House
from tests.e2e.repl.stage import ask, confirm, follows, opened
from tests.e2e.repl.test_turns import MEND
from tests.e2e.scripted_server import says, served
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


def without_messages(request: dict[str, Any]) -> Reply:
    """As in `MEND`, but the model never comes to an end with a commit message."""
    if "commit message" in str(request["messages"]).lower():
        return says(hang=True)
    return follows(MEND)(request)


def test_esc_ends_the_wait_for_a_commit_message(house: House) -> None:
    with served(without_messages) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Bring this to your files?")
        confirm(repl, "4")
        repl.wait_for("not in your tree")
        repl.send("/commit")
        repl.wait_for("Writing the commit message")
        repl.press("esc")
        repl.wait_for("Ended.")
        repl.wait_gone("Writing the commit message")
        ask(repl, "/commit My own words", "Committed")
    assert git(house.repo, "log", "-1", "--format=%s") == "My own words\n"


def test_commands_typed_before_they_are_known_are_listed_once_they_are(house: House) -> None:
    mine = house.home / "config" / "commands"
    mine.mkdir(parents=True)
    (mine / "greet.md").write_text("---\ndescription: say hello\n---\nhello")
    with served(follows(MEND)) as server, opened(house, server) as repl:
        repl.type("/gre")
        repl.wait_for("say hello")
