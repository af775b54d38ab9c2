"""A server that ends in the middle of a run, on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from qwright.agent.dialects.text import TextDialect
from qwright.agent.embedded import model as embedded
from qwright.agent.embedded.errors import ServerError
from qwright.agent.embedded.model import RESTARTS, EmbeddedModel
from qwright.agent.embedded.record import Record, record_path, write_record
from qwright.agent.embedded.server import Endpoint
from qwright.agent.messages import Message
from qwright.agent.model import Chunk, Finish, RetryChunk, TextDelta
from qwright.agent.profile import profile_for
from qwright.agent.retry import RetryPolicy
from tests.agent.replay import Reply, Server, error, serving
from tests.agent.streams import stream_bytes

ASK = [Message(role="system", content="S"), Message(role="user", content="Go.")]
ANSWER = Reply(stream_bytes("llamacpp-plain-text"))
DROPPED = Reply(ANSWER.body[:200], end="cut")
PROPS = {"/props": Reply(b"{}", kind="application/json")}
METRICS = Reply(b"llamacpp:requests_processing 0\nllamacpp:requests_deferred 0\n")
NOWHERE = "http://127.0.0.1:9/v1"
Start = Callable[[], Awaitable[Endpoint]]


def at(url: str) -> Endpoint:
    return Endpoint(url, secrets.token_hex(), "tiny", os.getpid(), Path("/logs/tiny.log"), 512)


def model_at(url: str, start: Start) -> EmbeddedModel:
    quick = RetryPolicy(retries=2, first=0.001)
    profile = profile_for("qwen2.5-coder-1.5b")
    return EmbeddedModel(at(url), start, profile, TextDialect(), retries=quick)


class Starts:
    """Stands in for `ensure_server`: where the next server is, and how often one was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.count = 0

    async def __call__(self) -> Endpoint:
        self.count += 1
        return at(self.url)


async def collect(model: EmbeddedModel) -> list[Chunk]:
    try:
        return [chunk async for chunk in model.stream(ASK, ())]
    finally:
        await model.close()


def test_a_server_that_ended_is_started_again(home: Path) -> None:
    async def main() -> None:
        async with serving([ANSWER], pages=PROPS) as server:
            starts = Starts(server.url)
            chunks = await collect(model_at(NOWHERE, starts))
            assert starts.count == 1
            assert [type(chunk) for chunk in chunks if isinstance(chunk, RetryChunk)]
            assert isinstance(chunks[-1], Finish)

    asyncio.run(main())


def test_an_answer_that_broke_off_is_void_and_asked_for_again(home: Path) -> None:
    async def main() -> None:
        async with serving([DROPPED]) as dying, serving([ANSWER], pages=PROPS) as server:
            starts = Starts(server.url)
            chunks = await collect(model_at(dying.url, starts))
            retry = next(n for n, chunk in enumerate(chunks) if isinstance(chunk, RetryChunk))
            shown = "".join(c.text for c in chunks[retry:] if isinstance(c, TextDelta))
            last = chunks[-1]
            assert isinstance(last, Finish)
            assert last.text == shown
            assert starts.count == 1

    asyncio.run(main())


def test_a_server_that_ends_again_and_again_is_one_line_with_the_log(home: Path) -> None:
    starts = Starts(NOWHERE)
    with pytest.raises(ServerError) as caught:
        asyncio.run(collect(model_at(NOWHERE, starts)))
    assert starts.count == RESTARTS
    assert str(caught.value) == "the server of tiny ended 3 times; see /logs/tiny.log"


def test_a_server_that_is_there_is_not_started_again(home: Path) -> None:
    async def main() -> None:
        async with serving([error(503, "Loading"), ANSWER], pages=PROPS) as server:
            starts = Starts(NOWHERE)
            chunks = await collect(model_at(server.url, starts))
            assert starts.count == 0
            assert isinstance(chunks[-1], Finish)

    asyncio.run(main())


def warmings(server: Server) -> int:
    return server.paths.count("/metrics")


def test_each_prefix_is_warmed_once(home: Path) -> None:
    async def main() -> None:
        async with serving([ANSWER], pages={**PROPS, "/metrics": METRICS}) as server:
            model = model_at(server.url, Starts(NOWHERE))
            other = [Message(role="system", content="T")]
            for messages, warmed in [(ASK, 1), (ASK, 1), (other, 2), (ASK, 2)]:
                assert [chunk async for chunk in model.stream(messages, ())]
                assert warmings(server) == warmed
            await model.close()

    asyncio.run(main())


def test_what_one_model_has_warmed_serves_another_of_the_same_server(home: Path) -> None:
    async def main() -> None:
        async with serving([ANSWER], pages={**PROPS, "/metrics": METRICS}) as server:
            start, profile = Starts(NOWHERE), profile_for("qwen2.5-coder-1.5b")
            here = at(server.url)
            for _ in range(2):
                assert await collect(EmbeddedModel(here, start, profile, TextDialect()))
            assert warmings(server) == 1

    asyncio.run(main())


def test_a_server_started_again_is_warmed_again(home: Path) -> None:
    async def main() -> None:
        dying, new = {"/metrics": METRICS}, {**PROPS, "/metrics": METRICS}
        async with serving([DROPPED], pages=dying) as old, serving([ANSWER], pages=new) as server:
            assert await collect(model_at(old.url, Starts(server.url)))
            assert (warmings(old), warmings(server)) == (1, 1)

    asyncio.run(main())


async def changed(path: Path) -> bool:
    for _ in range(1_000):
        if path.stat().st_mtime != 1:
            return True
        await asyncio.sleep(0.005)
    return False


def test_the_server_is_told_that_somebody_is_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "TOUCH_SECONDS", 0.01)
    path = record_path("tiny")
    write_record(path, Record("tiny", 1, NOWHERE, 512, "", 0.0), "a key")

    async def main() -> None:
        async with serving([ANSWER], pages=PROPS) as server:
            model = model_at(server.url, Starts(NOWHERE))
            assert [chunk async for chunk in model.stream(ASK, ())]
            for _ in range(2):
                os.utime(path, (1, 1))
                assert await changed(path)
            await model.close()

    asyncio.run(main())
    assert json.loads(path.read_text())["name"] == "tiny"
