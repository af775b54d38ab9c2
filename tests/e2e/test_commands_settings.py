"""Slash commands on qwright itself, custom commands in a chat, and what is typed in Chinese."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from qwright.agent import language
from qwright.agent.errors import ConfigError
from qwright.agent.repl.custom import trust
from qwright.sandbox.errors import QwrightError
from tests.e2e.house import KEY, House
from tests.e2e.scripted_server import says, scripted
from tests.e2e.seat import Room, Seat

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]


@pytest.fixture
def room(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setenv("QWRIGHT_HOME", str(house.home))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    language.choose("en")
    with scripted(says(text="Words.")) as server:
        yield Room(house, server)
    language.choose(None)


def configured(room: Room) -> dict[str, Any]:
    """What the user's file says now."""
    return tomllib.loads((room.house.home / "config" / "config.toml").read_text())


def test_theme_language_and_keys_hold_at_once_and_at_the_next_start(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.type("/theme", "dark")
        assert seat.view.theme.name == "dark"
        assert seat.terminal.dialogs[-1].labels == ["auto", "dark", "light", "plain"]
        await seat.type("/vim")
        assert seat.terminal.editing == "vi"
        await seat.type("/vim off")
        assert seat.terminal.editing == "emacs"
        assert "下次启动也生效" in await seat.type("/language", "简体中文")
        assert "已撤销" not in await seat.type("/help")
        assert "按键" in await seat.type("/help")
        await seat.type("/lang en")
        assert configured(room) == {"theme": "dark", "editing": "emacs", "language": "en"}
        for wrong in ("/theme pink", "/vim perhaps", "/language fr"):
            with pytest.raises(QwrightError, match="it takes: "):
                await seat.type(wrong)

    room.sit(work)


def test_leaving_a_picker_changes_nothing(room: Room) -> None:
    async def work(seat: Seat) -> None:
        for line in ("/theme", "/language", "/mode", "/network", "/model", "/memory"):
            await seat.type(line, None)
        assert seat.modes == []
        assert not (room.house.home / "config" / "config.toml").exists()

    room.sit(work)


def test_config_shows_sets_and_unsets(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "max_turns" in await seat.type("/config")
        assert "max_turns = 7" in await seat.type("/settings set max_turns 7")
        assert configured(room) == {"max_turns": 7}
        assert "config.toml" in await seat.type("/config show")
        await seat.type("/config unset max_turns")
        assert configured(room) == {}
        with pytest.raises(ConfigError, match="max_turns"):
            await seat.type("/config set max_turn 7")
        for wrong in ("/config set", "/config set max_turns", "/config nonsense", "/config unset"):
            with pytest.raises(QwrightError, match="say /config"):
                await seat.type(wrong)
        assert seat.commands.arguments("config", "set max_t") == ["set max_turns"]

    room.sit(work)


def test_editor_brings_the_prompt_back_into_the_input(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.type("/editor fix", "fix this\nand that\n")
        assert seat.terminal.asked == [(".md", "fix")]
        assert seat.terminal.inserted == ["fix this\nand that"]
        await seat.type("/editor", None)
        assert len(seat.terminal.inserted) == 1

    room.sit(work)


def test_help_is_a_page_or_a_word_on_one_command(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "Shift-Tab" in await seat.type("/?")
        assert "also: /compress, /summarize" in await seat.type("/help compress")
        assert "[hunks|all|FILE...]" in await seat.type("/help /accept")
        with pytest.raises(QwrightError, match="did you mean /accept"):
            await seat.type("/help acept")

    room.sit(work)


def test_custom_commands_are_sent_as_prompts_once_they_are_allowed(room: Room) -> None:
    folder = room.house.repo / ".qwright" / "commands"
    folder.mkdir(parents=True)
    (folder / "deploy.md").write_text("!rm -rf $1\n")

    async def work(seat: Seat) -> None:
        assert "One command of this project" in "".join(seat.terminal.written)
        with pytest.raises(QwrightError, match="no command /deploy"):
            await seat.type("/deploy")
        trust(room.house.repo)
        assert await seat.type("/deploy now") == ""
        assert seat.submitted == [("!rm -rf now", "/deploy now", False)]
        assert "/deploy" in await seat.type("/help")
        assert "!rm -rf $1" in await seat.type("/help deploy")
        assert "deploy" in [one.name for one in seat.commands.infos()]
        with pytest.raises(QwrightError, match="did you mean /deploy"):
            await seat.type("/deplow")

    room.sit(work)
