"""Slash commands on the model, the sandbox and the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.agent.errors import ConfigError
from qwright.agent.repl import clipboard
from qwright.sandbox.errors import QwrightError
from tests.e2e.house import MODEL, House, containers
from tests.e2e.scenes import CODE, MODELS, entered, last_request
from tests.e2e.seat import Room, Seat

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]


@pytest.fixture
def room(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    yield from entered(house, monkeypatch)


def test_status_context_and_cost_tell_of_the_moment(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        status = await seat.type("/status")
        assert MODEL in status
        assert "Mode     auto: edits and runs by itself" in status
        assert seat.chat.session.record.id in status
        context = await seat.type("/tokens")
        assert "System prompt" in context
        assert "Free" in context
        used, size = seat.chat.status().context_used, seat.chat.status().context_size
        assert f"{size - used:,}" in context
        tokens = seat.chat.status().tokens
        cost = await seat.type("/usage")
        assert f"{tokens.prompt:,}" in cost
        assert "not known" in cost

    room.sit(work)


def test_copy_takes_the_last_answer_or_its_code(room: Room) -> None:
    async def work(seat: Seat) -> None:
        with pytest.raises(QwrightError, match="nothing to copy"):
            await seat.type("/copy")
        await seat.send("FIX")
        assert "Copied: 7 lines." in await seat.type("/copy")
        assert seat.terminal.copied == [f"Fixed it:\n\n{CODE}\n\nDone."]
        await seat.type("/copy code")
        assert seat.terminal.copied[-1] == "return a + b\n"
        await seat.type("/clear")
        await seat.type("/copy")
        assert seat.terminal.copied[-1] == seat.terminal.copied[0]
        await seat.send("TALK")
        with pytest.raises(QwrightError, match="nothing to copy"):
            await seat.type("/copy code")

    room.sit(work)


def test_copy_feeds_this_machines_program_where_there_is_a_screen(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "wl-copy"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/clipboard\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")

    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        await seat.type("/copy")
        assert (tmp_path / "clipboard").read_text() == "Just words."
        assert seat.terminal.copied == []
        program.write_text("#!/bin/sh\nexit 1\n")
        await seat.type("/copy")
        assert seat.terminal.copied == ["Just words."]
        monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
        program.write_text("#!/bin/sh\ncat > /dev/null\n")
        await seat.type("/copy")
        assert len(seat.terminal.copied) == 2

    room.sit(work)
    assert clipboard.LONGEST > 10_000


def test_model_switches_and_the_conversation_goes_on(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        await seat.type("/model", "qwen3-coder-next")
        dialog = seat.terminal.dialogs[-1]
        assert dialog.labels[dialog.start] == MODEL
        assert set(MODELS) < set(dialog.labels)
        await seat.send("NEXT")
        assert room.server.requests[-1]["model"] == "qwen3-coder-next"
        assert last_request(room) == ["TALK", "NEXT"]
        await seat.type("/model openai/gpt-oss")
        assert seat.chat.choice.endpoint
        assert seat.chat.choice.endpoint.base_url == room.server.url
        assert seat.commands.arguments("model", "NEXT") == ["qwen3-coder-next"]

    room.sit(work)


def test_a_model_that_cannot_be_had_leaves_the_one_there_is(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_REGION", "moon")

    async def work(seat: Seat) -> None:
        await seat.type("/model qwen2.5-coder-7b", "Cancel")
        assert seat.terminal.dialogs[-1].title == "Fetch the weights of qwen2.5-coder-7b, 4.68 GB?"
        await seat.type("/model", "coder-32b", None)
        with pytest.raises(ConfigError, match="DASHSCOPE_REGION"):
            await seat.type("/model dashscope/qwen3-coder-plus")
        await seat.type("/model", None)
        assert seat.waited == ["Looking for models"] * 2
        await seat.send("TALK")
        assert room.server.requests[-1]["model"] == MODEL

    room.sit(work)


def test_network_and_image_start_another_container_over_the_same_files(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("FIX")
        await seat.type("/verify grep -c a.+.b calc.py")
        first = containers(seat.chat.session.record.id)
        assert "any address" in await seat.type("/network full")
        assert seat.chat.setting.place.network == "full"
        assert containers(seat.chat.session.record.id) != first
        assert "exit 1" not in await seat.type("/verify")
        assert "no network" in await seat.type("/network", "none")
        assert "no network" in await seat.type("/sandbox")
        with pytest.raises(QwrightError, match="does not know 'maybe'; it takes: none, full"):
            await seat.type("/network maybe")
        with pytest.raises(QwrightError, match="no blanks"):
            await seat.type("/image a b")
        await seat.type("/image", None)
        assert "Image: default" in await seat.type("/image default")

    room.sit(work)


def test_add_dir_copies_a_folder_for_the_model(room: Room, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "api.py").write_text("def api(): ...\n")

    async def work(seat: Seat) -> None:
        with pytest.raises(QwrightError, match="say which folder"):
            await seat.type("/add-dir")
        with pytest.raises(QwrightError, match=r"no folder \.\./nothing"):
            await seat.type("/add-dir ../nothing")
        said = await seat.type(f"/add-dir {tmp_path}/library")
        assert ".added/library" in said
        assert seat.commands.arguments("add-dir", f"{tmp_path}/lib") == [f"{tmp_path}/library/"]
        workspace = await seat.chat.workspace()
        assert workspace.tree.read(".added/library/api.py") == b"def api(): ...\n"

    room.sit(work)


def test_verify_runs_the_check_and_a_given_one_is_the_check_from_now_on(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "exit 3" in await seat.type("/verify exit 3")
        assert seat.chat.setting.verify == "exit 3"
        assert "exit 3" in await seat.type("/test")
        seat.chat.set_verify(None)
        for line in ("/verify", "/fix"):
            with pytest.raises(QwrightError, match="there is no verify command"):
                await seat.type(line)

    room.sit(work)


def test_fix_and_init_are_prompts_that_show_as_what_was_typed(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert await seat.type("/fix") == ""
        prompt, shown, verify = seat.submitted[-1]
        assert "python -m pytest -q" in prompt
        assert (shown, verify) == ("/fix", True)
        await seat.type("/fix only the adder")
        assert seat.submitted[-1] == ("only the adder", "/fix only the adder", True)
        await seat.type("/init mind the build")
        prompt, shown, verify = seat.submitted[-1]
        assert "write AGENTS.md" in prompt
        assert "keep what is right" not in prompt
        assert prompt.endswith("mind the build")
        assert (shown, verify) == ("/init mind the build", False)
        (room.house.repo / "AGENTS.md").write_text("mine\n")
        await seat.type("/init")
        assert "keep what is right" in seat.submitted[-1][0]

    room.sit(work)


def test_memory_edits_the_notes_and_tells_the_model(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.send("TALK")
        said = await seat.type("/memory", "repo/AGENTS.md", "Use tabs.\n")
        assert "Saved" in said
        assert room.file("AGENTS.md") == b"Use tabs.\n"
        await seat.send("NEXT")
        assert "Use tabs." in last_request(room)[-1]
        assert "Nothing was changed" in await seat.type("/memory", "repo/AGENTS.md", None)
        assert await seat.type("/memory", None) != ""
        await seat.type("/memory", "config/AGENTS.md", "Mine.\n")
        assert (room.house.home / "config" / "AGENTS.md").read_text() == "Mine.\n"

    room.sit(work)


def test_modes_by_name_by_picker_and_by_their_names_elsewhere(room: Room) -> None:
    async def work(seat: Seat) -> None:
        await seat.type("/mode ask")
        await seat.type("/mode", "plan")
        assert seat.terminal.dialogs[-1].start == 1
        assert "edits and runs by itself" in await seat.type("/yolo")
        await seat.type("/approval-mode default")
        await seat.type("/plan")
        await seat.type("/plan off")
        await seat.type("/plan how to mend it")
        assert seat.modes == ["ask", "plan", "auto", "ask", "plan", "auto", "plan"]
        assert seat.submitted == [("how to mend it", "", False)]
        with pytest.raises(QwrightError, match="does not know 'fast'; it takes: plan, ask"):
            await seat.type("/mode fast")

    room.sit(work)


def test_doctor_and_todo_tell(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert "no list of steps" in await seat.type("/todo")
        assert "container engine" in await seat.type("/doctor")

    room.sit(work)


def test_what_is_typed_is_shown_once(room: Room) -> None:
    async def work(seat: Seat) -> None:
        assert (await seat.type("/cost")).count("/cost") == 1

    room.sit(work)
