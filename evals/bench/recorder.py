"""A model server on loopback that notes when each request comes and what it says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from socket import socket
from typing import cast

from pydantic import BaseModel, JsonValue, ValidationError

MODEL = "recorded"
ANSWER = "Done."
_USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


class Part(BaseModel):
    """A piece of a message's content."""

    type: str = "text"
    text: str = ""


class Sent(BaseModel):
    """A message as a client sent it."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class ChatRequest(BaseModel):
    """The body of a chat completion, as far as it matters here."""

    messages: list[Sent]
    tools: list[dict[str, JsonValue]] | None = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Moments are those of time.monotonic, in seconds."""

    method: str
    path: str
    body: bytes
    accepted: float
    """When its connection was accepted."""
    first_byte: float
    client: str
    """The User-Agent."""

    @property
    def chat(self) -> ChatRequest | None:
        """The body of a chat completion; None for anything else."""
        if self.method != "POST" or not self.path.endswith("/chat/completions"):
            return None
        try:
            return ChatRequest.model_validate_json(self.body)
        except ValidationError:
            return None


class Recorder(ThreadingHTTPServer):
    """Answers every prompt with "Done." and no tool call, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: dict[object, float] = {}
        """When the connection from an address was accepted."""
        self._requests: list[Request] = []
        self._came = threading.Condition()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which their bodies were complete."""
        with self._came:
            return list(self._requests)

    def get_request(self) -> tuple[socket, tuple[str, int]]:
        connection, address = super().get_request()
        self.accepted[address] = time.monotonic()
        return connection, address

    def keep(self, request: Request) -> None:
        with self._came:
            self._requests.append(request)
            self._came.notify_all()

    def wait_for(self, wanted: Callable[[Request], bool], timeout: float) -> Request | None:
        """The first request of that kind, now or within `timeout` seconds; else None."""
        with self._came:
            self._came.wait_for(lambda: any(map(wanted, self._requests)), timeout)
            return next(filter(wanted, self._requests), None)

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that is killed in the middle of an answer is nothing to print a traceback for.
        pass


@contextmanager
def recording() -> Generator[Recorder]:
    """A recorder that serves until the end of the block."""
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _first_byte = 0.0

    @property
    def recorder(self) -> Recorder:
        return cast(Recorder, self.server)

    def handle_one_request(self) -> None:
        # Waits for the first byte and leaves it in the buffer.
        cast(BufferedReader, self.rfile).peek(1)
        self._first_byte = time.monotonic()
        super().handle_one_request()

    def do_GET(self) -> None:
        self._keep(b"")
        if self.path.partition("?")[0].endswith("/models"):
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "qwright"}
            self._send({"object": "list", "data": [model]})
        else:
            self._refuse()

    def do_POST(self) -> None:
        request = self._keep(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        chat = request.chat
        if chat is None:
            self._refuse()
        elif chat.stream:
            self._reply(_stream().encode(), "text/event-stream")
        else:
            self._send(_completion())

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _keep(self, body: bytes) -> Request:
        request = Request(
            self.command,
            self.path,
            body,
            self.recorder.accepted[self.client_address],
            self._first_byte,
            self.headers.get("User-Agent", ""),
        )
        self.recorder.keep(request)
        return request

    def _refuse(self) -> None:
        self._send({"error": {"message": "only chat completions here"}}, HTTPStatus.NOT_FOUND)

    def _send(self, body: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._reply(json.dumps(body).encode(), "application/json", status)

    def _reply(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _completion() -> dict[str, object]:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return _head("chat.completion") | {"choices": [choice], "usage": _USAGE}


def _stream() -> str:
    events: list[dict[str, object]] = [
        _piece({"role": "assistant", "content": ""}),
        _piece({"content": ANSWER}),
        _piece({}, "stop"),
        {**_head("chat.completion.chunk"), "choices": [], "usage": _USAGE},
    ]
    lines = [json.dumps(event) for event in events]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])


def _piece(delta: dict[str, str], reason: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _head("chat.completion.chunk") | {"choices": [choice]}


def _head(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-recorded", "object": kind, "created": 0, "model": MODEL}
