"""A model server on loopback that follows a script, for the real command in a process of its own.

An answer is chosen by how many the conversation holds already, so one server serves any number of
runs, and a retry gets the same answer again.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.agent.replay import Reply, Script, Server, error, serving

__all__ = [
    "Reply",
    "Server",
    "by_turn",
    "call",
    "error",
    "says",
    "scripted",
    "served",
    "streams",
    "wait_until",
]

Call = tuple[str, dict[str, Any]]


def call(name: str, **arguments: Any) -> Call:
    return name, arguments


def says(
    *calls: Call,
    text: str = "",
    thought: str = "",
    hang: bool = False,
    prompt_tokens: int = 100,
    held: threading.Event | None = None,
) -> Reply:
    """One answer with native tool calls. `hang`: after the text the server falls silent;
    `held`: what follows the text waits until it is set.
    """
    begun: list[dict[str, Any]] = [{"reasoning_content": thought}] if thought else []
    begun += [{"content": text}] if text else []
    if hang:
        return Reply(_stream(begun), end="hang")
    events = [
        {
            "tool_calls": [
                {
                    "index": number,
                    "id": f"call_{number}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
            ]
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    finish = "tool_calls" if calls else "stop"
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 20}
    delta: dict[str, Any] = {}
    last = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage}
    rest = _stream(events) + _event(last) + b"data: [DONE]\n\n"
    if held:
        return Reply(_stream(begun), held=held, rest=rest)
    return Reply(_stream(begun) + rest)


def streams(tokens: Sequence[str], per_second: float = 0.0) -> Reply:
    """An answer of text alone, a token an event, at a rate."""
    usage = {"prompt_tokens": 100, "completion_tokens": len(tokens)}
    delta: dict[str, Any] = {}
    last = {"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}], "usage": usage}
    body = _stream([{"content": token} for token in tokens]) + _event(last)
    return Reply(body + b"data: [DONE]\n\n", pace=per_second)


def by_turn(*replies: Reply) -> Callable[[dict[str, Any]], Reply]:
    """The reply by the number of answers in the conversation; the last one for ever."""

    def choose(request: dict[str, Any]) -> Reply:
        given = [one for one in request["messages"] if one["role"] == "assistant"]
        return replies[min(len(given), len(replies) - 1)]

    return choose


def scripted(*replies: Reply, models: Sequence[str] = ()) -> AbstractContextManager[Server]:
    """Serve the replies by turn, from a thread, until the block ends."""
    return served(by_turn(*replies), models=models)


@contextmanager
def served(
    script: Script, *, models: Sequence[str] = (), pages: Mapping[str, Reply] | None = None
) -> Generator[Server]:
    """Serve any script from a thread until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    end = asyncio.Event()
    opened: Future[Server] = Future()

    async def serve() -> None:
        async with serving(script, models=models, pages=pages) as server:
            opened.set_result(server)
            await end.wait()

    done = asyncio.run_coroutine_threadsafe(serve(), loop)
    try:
        yield opened.result(10)
    finally:
        loop.call_soon_threadsafe(end.set)
        done.result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait for something another process does; fails the test when it never comes."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)


def _stream(deltas: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(_event({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas)


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
