"""The real 0.5B behind the model that qwright asks: warm from the disk, and after its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from functools import partial

import pytest

from qwright.agent.dialects.text import TextDialect
from qwright.agent.embedded.catalogue import Entry
from qwright.agent.embedded.model import EmbeddedModel
from qwright.agent.embedded.record import prefixes_dir
from qwright.agent.embedded.server import Endpoint, ensure_server, stop
from qwright.agent.messages import Message
from qwright.agent.model import Chunk, Finish, PrefillChunk, RetryChunk, Sampling, TextDelta
from qwright.agent.profile import profile_for
from tests.agent.embedded.client import call, chat
from tests.agent.embedded.house import Heard

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]

RULES = " ".join(f"Rule {n}: be careful with file number {n}." for n in range(12))
SYSTEM = Message(role="system", content=f"You are a careful assistant. {RULES}")
QUESTION = Message(role="user", content="What is the capital of France?")
GREEDY = Sampling(temperature=0.0, top_k=1, repetition_penalty=1.0)


def serve(model: Entry) -> Endpoint:
    return asyncio.run(ensure_server(model, progress=Heard(), context=2048))


async def answer(
    model: Entry, server: Endpoint, messages: Sequence[Message], tokens: int, kill_at: int = -1
) -> list[Chunk]:
    """What comes; the server is killed after the text's piece number `kill_at`."""
    start = partial(ensure_server, model, progress=Heard(), context=2048)
    asked = EmbeddedModel(server, start, profile_for(model.name, "embedded"), TextDialect())
    found: list[Chunk] = []
    try:
        async for chunk in asked.stream(messages, (), sampling=GREEDY, max_output=tokens):
            found.append(chunk)
            if len([one for one in found if isinstance(one, TextDelta)]) == kill_at:
                os.kill(server.pid, signal.SIGKILL)
                kill_at = -1
        return found
    finally:
        await asked.close()


def ask(
    model: Entry, server: Endpoint, *messages: Message, tokens: int = 8, kill_at: int = -1
) -> tuple[list[Chunk], Finish]:
    chunks = asyncio.run(answer(model, server, messages, tokens, kill_at))
    last = chunks[-1]
    assert isinstance(last, Finish)
    return chunks, last


def test_a_new_server_takes_the_prefix_from_the_disk(model: Entry) -> None:
    _, cold = ask(model, serve(model), SYSTEM, QUESTION)
    asyncio.run(stop())
    _, warm = ask(model, serve(model), SYSTEM, QUESTION)
    assert warm.text == cold.text
    assert "Paris" in warm.text
    # Only the question is evaluated: the system prompt alone is more than a hundred tokens.
    assert warm.usage.cached > 100
    assert warm.usage.prompt - warm.usage.cached < 20


def test_a_conversation_of_another_process_is_still_held(model: Entry) -> None:
    asyncio.run(stop())
    server = serve(model)
    start = "Here is a list: " + ", ".join(str(number) for number in range(40))
    first = chat(server, start)
    _, warm = ask(model, server, SYSTEM, QUESTION)
    assert warm.usage.cached > 100
    again = chat(server, start, "Thank you.")
    reused = again["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert reused >= first["usage"]["prompt_tokens"] - 8


def test_turn_two_evaluates_no_token_of_turn_one_again(model: Entry) -> None:
    server = serve(model)
    _, one = ask(model, server, SYSTEM, QUESTION, tokens=24)
    spoken = Message(role="assistant", content=one.text)
    thanks = Message(role="user", content="Thank you.")
    _, two = ask(model, server, SYSTEM, QUESTION, spoken, thanks)
    # The last token of an answer ends it, and is not evaluated when it is generated.
    assert two.usage.cached >= one.usage.prompt + one.usage.completion - 1


def test_the_engine_tells_how_far_it_has_read_a_prompt(model: Entry) -> None:
    long = " ".join(f"Line {number}." for number in range(300))
    chunks, last = ask(model, serve(model), SYSTEM, Message(role="user", content=long))
    read = [chunk for chunk in chunks if isinstance(chunk, PrefillChunk)]
    done = [one.done for one in read]
    assert done == sorted(done)
    assert len(set(done)) > 1
    assert {one.total for one in read} == {last.usage.prompt}
    assert done[-1] == last.usage.prompt
    assert chunks.index(read[-1]) < next(
        place for place, chunk in enumerate(chunks) if isinstance(chunk, TextDelta)
    )


def test_a_file_that_was_cut_off_does_not_end_the_engine(model: Entry) -> None:
    asyncio.run(stop())
    for path in prefixes_dir(model.name).glob("*.bin"):
        path.write_bytes(path.read_bytes()[:-1000])
    server = serve(model)
    _, warm = ask(model, server, SYSTEM, QUESTION)
    assert "Paris" in warm.text
    assert call(server, "/props")[0] == 200


def test_a_server_killed_in_the_middle_of_an_answer_is_started_again(model: Entry) -> None:
    server = serve(model)
    chunks, last = ask(model, server, SYSTEM, QUESTION, kill_at=1)
    retry = next(n for n, chunk in enumerate(chunks) if isinstance(chunk, RetryChunk))
    shown = [chunk.text for chunk in chunks[retry:] if isinstance(chunk, TextDelta)]
    assert last.text == "".join(shown)
    assert "Paris" in last.text
    assert serve(model).pid != server.pid
