"""A server on loopback that plays back bytes: what a model server sends, and how it fails."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

STREAM = "text/event-stream"
HELD_SECONDS = 60.0
"""How long a reply is held at most, where its test forgets it."""


@dataclass(frozen=True)
class Reply:
    """One answer. `chunk`: bytes per write, 0 for one. `end`: what happens after the body."""

    body: bytes = b""
    status: int = 200
    headers: tuple[str, ...] = ()
    kind: str = STREAM
    chunk: int = 0
    end: str = "close"
    """close: end properly; cut: no last chunk of the transfer coding; hang: stay silent."""
    pace: float = 0.0
    """Events of the stream per second, 0 for as fast as they are taken."""
    held: threading.Event | None = None
    """Where given, `rest` follows the body once it is set."""
    rest: bytes = b""


def error(status: int, message: str, *headers: str, **more: Any) -> Reply:
    body = json.dumps({"error": {"message": message, **more}}).encode()
    return Reply(body, status, headers, "application/json")


@dataclass
class Server:
    """`requests`: the bodies of chats, `paths` of all requests, `left`: a client that went."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    paths: list[str] = field(default_factory=list[str])
    headers: list[str] = field(default_factory=list[str])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)


Script = Sequence[Reply] | Callable[[dict[str, Any]], Reply]


@asynccontextmanager
async def serving(
    script: Script, *, models: Sequence[str] = (), pages: Mapping[str, Reply] | None = None
) -> AsyncGenerator[Server]:
    """Replies in order, the last one for ever; or what a function makes of the request.

    `pages` answer their paths, whatever the method, before that.
    """
    server = Server()
    busy: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy.add(asyncio.ensure_future(handle(reader, writer)))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head.lower())
            body = await reader.readexactly(int(length[1]) if length else 0)
            server.paths.append(head.split()[1])
            server.headers.append(head)
            page = (pages or {}).get(server.paths[-1].partition("?")[0])
            reply = page or _choose(script, server, body, models)
            await _write(writer, reply)
            if reply.end == "hang":
                await reader.read()
                server.left.set()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    async with listener:
        yield server
    await asyncio.gather(*busy)


def _choose(script: Script, server: Server, body: bytes, models: Sequence[str]) -> Reply:
    if not server.paths[-1].endswith("/chat/completions"):
        listed = json.dumps({"data": [{"id": name} for name in models]}).encode()
        return Reply(listed, 200 if models else 404, kind="application/json")
    server.requests.append(json.loads(body))
    server.asked.set()
    if callable(script):
        return script(server.requests[-1])
    return script[min(len(server.requests), len(script)) - 1]


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    lines = [f"HTTP/1.1 {reply.status} X", f"content-type: {reply.kind}", *reply.headers]
    lines += ["transfer-encoding: chunked", "connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
    await _write_pieces(writer, reply, _pieces(reply))
    if reply.held:
        await asyncio.to_thread(reply.held.wait, HELD_SECONDS)
        await _write_pieces(writer, reply, [reply.rest])
    if reply.end == "close":
        writer.write(b"0\r\n\r\n")
    await writer.drain()


def _pieces(reply: Reply) -> list[bytes]:
    if reply.pace:
        return [event + b"\n\n" for event in reply.body.split(b"\n\n") if event]
    step = reply.chunk or len(reply.body) or 1
    return [reply.body[start : start + step] for start in range(0, len(reply.body), step)]


async def _write_pieces(writer: asyncio.StreamWriter, reply: Reply, pieces: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, piece in enumerate(pieces):
        if reply.pace:
            await asyncio.sleep(max(0.0, began + number / reply.pace - loop.time()))
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
