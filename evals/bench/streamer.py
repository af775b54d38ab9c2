"""A model server on loopback that answers at a rate, or with a call and then a few words.

The last prompt says what it is to do: `stream N` gives N tokens at `RATE` per second, `turn N` a
call of list_directory and then "answered N". A request without tools is answered with a title.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import BaseModel, JsonValue

RATE = 200.0
"""Tokens per second."""
WORDS = (
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "and",
    "`runs`",
    "on",
)
_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class _Message(BaseModel):
    role: str
    content: JsonValue = None


class _Body(BaseModel):
    messages: list[_Message]
    tools: list[JsonValue] | None = None


class Streamer(ThreadingHTTPServer):
    daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that goes in the middle of an answer is nothing to print a traceback for.
        pass


@contextmanager
def streaming() -> Generator[Streamer]:
    """A server that answers until the end of the block."""
    with Streamer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def tokens(count: int) -> Iterator[str]:
    """Markdown: paragraphs of a few lines, and now and then a block of code."""
    for number in range(count):
        if number % 400 == 399:
            yield "\n\n```python\ndef quick(fox: int) -> int:\n    return fox + 1\n```\n\n"
        else:
            yield WORDS[number % len(WORDS)] + ("\n\n" if number % 90 == 89 else " ")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(json.dumps({"object": "list", "data": []}).encode(), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.endswith("/chat/completions"):
            self.send_error(404)
            return
        request = _Body.model_validate_json(body)
        said = [json.dumps(one.content) for one in request.messages if one.role == "user"]
        asked = re.search(r"(stream|turn) (\d+)", said[-1] if said else "")
        self._begin()
        if not request.tools or not asked:
            self._answer(["Bench"], 0.0)
        elif asked[1] == "stream":
            self._answer(tokens(int(asked[2])), RATE)
        elif request.messages[-1].role == "tool":
            self._answer([f"answered {asked[2]}"], 0.0)
        else:
            self._call(asked[2])
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _answer(self, pieces: Iterator[str] | list[str], rate: float) -> None:
        began = time.monotonic()
        for number, piece in enumerate(pieces):
            if rate:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            self._event({"content": piece})
        self._event({}, "stop")

    def _call(self, number: str) -> None:
        function = {"name": "list_directory", "arguments": json.dumps({"path": "."})}
        call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
        self._event({"tool_calls": [call]})
        self._event({}, "tool_calls")

    def _event(self, delta: dict[str, object], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        more = {"usage": _USAGE} if reason else {}
        event = {"id": "streamer", "object": "chat.completion.chunk", "choices": [choice], **more}
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
