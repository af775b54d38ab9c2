"""All that another agent's process reaches of ours: the model, and commands in its container.

It gets an address on loopback and a token of its own, never the model's key. Each request to the
model passes here, so limits hold for an agent that has none, and every agent's tokens are counted
the same way: by the server.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from pydantic import BaseModel, ValidationError

from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.limits import Stop
from qwright.sandbox.base import CommandResult
from qwright.sandbox.errors import QwrightError

LARGEST_BODY = 64 * 1024**2
"""Bytes of one request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the other agent."""

    status: int
    body: bytes


class CommandRequest(BaseModel):
    """A command for the container. An empty one means: what the adapter has ready."""

    argv: tuple[str, ...] = ()
    directory: str = ""
    environment: dict[str, str] = {}


Ask = Callable[[dict[str, JsonValue]], Awaitable[Answer]]
RunCommand = Callable[[CommandRequest], Awaitable[CommandResult]]


class Gateway:
    """A server on loopback for one run of one agent."""

    def __init__(
        self, models: Sequence[str], ask: Ask, run: RunCommand, fail: Callable[[Exception], None]
    ) -> None:
        """`fail` hears of what ends the run: a limit, or a failure of ours."""
        self.token = secrets.token_hex(16)
        self.port = 0
        self._models = models
        self._ask = ask
        self._run = run
        self._fail = fail
        self._busy: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Serve until the block ends; what runs for the agent is cancelled then."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 16)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                request = await _read(reader)
                answer = await self._unless_gone(reader, self._answer(*request))
                if answer:
                    _write(writer, answer)
                    await writer.drain()
        except (Stop, QwrightError) as error:
            self._fail(error)  # the agent waits for its answer until it is killed
            with suppress(OSError):
                await reader.read()
        finally:
            writer.close()

    async def _unless_gone(
        self, reader: asyncio.StreamReader, work: Awaitable[Answer]
    ) -> Answer | None:
        """The answer; None, and the work cancelled, when the other side hung up."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            return None
        finally:
            for one in (task, gone):
                one.cancel()
            await asyncio.wait({task, gone})

    async def _answer(self, method: str, path: str, token: str, body: bytes) -> Answer:
        if not secrets.compare_digest(token, self.token):
            return _error(HTTPStatus.UNAUTHORIZED, "not the token of this run")
        match method, path:
            case "POST", "/v1/chat/completions":
                return await self._chat(body)
            case "POST", "/run":
                return await self._command(body)
            case "GET", "/v1/models":
                listed = [{"id": name, "object": "model"} for name in self._models]
                return Answer(200, json.dumps({"object": "list", "data": listed}).encode())
            case _:
                return _error(HTTPStatus.NOT_FOUND, "only chat completions here")

    async def _chat(self, body: bytes) -> Answer:
        try:
            request = json.loads(body)
        except ValueError:
            return _error(HTTPStatus.BAD_REQUEST, "no JSON")
        if not isinstance(request, dict):
            return _error(HTTPStatus.BAD_REQUEST, "no JSON object")
        return await self._ask(cast("dict[str, JsonValue]", request))

    async def _command(self, body: bytes) -> Answer:
        try:
            request = CommandRequest.model_validate_json(body)
        except ValidationError:
            return _error(HTTPStatus.BAD_REQUEST, "no command")
        result = await self._run(request)
        told = {"output": result.output, "exit_code": result.exit_code}
        return Answer(200, json.dumps(told).encode())


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, str, bytes]:
    """Method, path, token and body of one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, *_ = [*first.split(" "), "", ""]
    fields = {name.strip().lower(): value.strip() for name, _, value in _fields(lines)}
    length = fields.get("content-length", "0")
    size = int(length) if length.isdecimal() else 0
    if size > LARGEST_BODY:
        raise asyncio.LimitOverrunError("body too large", 0)
    body = await reader.readexactly(size)
    token = fields.get("authorization", "").removeprefix("Bearer ")
    return method, path.partition("?")[0], token, body


def _fields(lines: Sequence[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines if line]


def _error(status: HTTPStatus, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"message": message}}).encode())


def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(answer.body)}\r\n"
    writer.write(f"{head}connection: close\r\n\r\n".encode() + answer.body)
