"""Pictures and effort, from the command line to the request."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.agent.replay import Server
from tests.agent.test_images import png
from tests.e2e.house import House
from tests.e2e.scripted_server import call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

SEES = {"OPENAI_MODEL": "qwen3.8-27b"}


def chats(server: Server) -> list[dict[str, Any]]:
    return [request for request in server.requests if "messages" in request]


def test_a_picture_reaches_the_model_in_every_request_and_no_log(house: House) -> None:
    shot = png(300, 200)
    (house.repo / "my shot.png").write_bytes(shot)
    data = base64.b64encode(shot).decode()
    task = r"Make it look like @my\ shot.png, not like gone.png"
    with scripted(says(call("read_file", path="calc.py")), says(text="Done.")) as server:
        house.run(task, server=server, stdin="piped my\\ shot.png", env=SEES)
    first, second = chats(server)
    for request in (first, second):
        picture, text = request["messages"][1]["content"]
        assert picture["image_url"] == {"url": f"data:image/png;base64,{data}"}
        said = "Make it look like [image: my shot.png], not like gone.png\n\npiped my\\ shot.png"
        assert text["text"].endswith(said)
    for file in house.sessions[-1].rglob("*.json*"):
        assert data not in file.read_text(), file
    assert "[image: my shot.png]" in house.record()["prompt"]


def test_a_model_without_eyes_is_shown_none(house: House) -> None:
    (house.repo / "shot.png").write_bytes(png())
    with scripted(says(text="Done.")) as server:
        done = house.run("See @shot.png", server=server, code=42)
        assert not chats(server)
        assert "sees no images" in done.line
        assert "--model" in done.line
        house.run("Rename shot.png", server=server)
    assert chats(server)[0]["messages"][1]["content"].endswith("Rename shot.png")


@pytest.mark.parametrize(
    ("flags", "kwargs"),
    [
        (["--effort", "off"], {"enable_thinking": False}),
        (["--effort", "high"], {"enable_thinking": True, "reasoning_effort": "xhigh"}),
    ],
)
def test_effort_goes_into_the_request(
    house: House, flags: list[str], kwargs: dict[str, Any]
) -> None:
    with scripted(says(text="Done.")) as server:
        done = house.run(*flags, "hello", server=server, env=SEES)
    sent = chats(server)[0]["chat_template_kwargs"]
    assert {key: sent[key] for key in kwargs} == kwargs
    assert "has no effect" not in done.err


def test_effort_for_a_model_that_does_not_think_is_a_notice(house: House) -> None:
    (house.home / "config").mkdir()
    (house.home / "config" / "config.toml").write_text('effort = "high"\n')
    with scripted(says(text="Done.")) as server:
        done = house.run("hello", server=server)
    assert "does not think: --effort high has no effect" in done.err
    assert not {"chat_template_kwargs", "reasoning_effort"} & chats(server)[0].keys()
