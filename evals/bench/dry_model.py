"""A model that answers at once, from a script: `python -m qwright.evals.bench.dry_model`.

A process of its own, so that what it takes is not taken from what is measured. Prints its URL, then
serves until stdin ends. The script: run the tests, edit, run the tests again, done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import BaseModel

from qwright.agent.embedded.fetch import import_root

TESTS = "python -m pytest -q -p no:cacheprovider"
BEFORE, AFTER = "a - b", "a + b"
FILE = "calc.py"
CALLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("run_shell_command", {"command": TESTS}),
    ("edit", {"path": FILE, "old_string": BEFORE, "new_string": AFTER}),
    ("run_shell_command", {"command": f"{TESTS} -v"}),
)
_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class _Message(BaseModel):
    role: str


class _Body(BaseModel):
    messages: list[_Message]


@contextmanager
def dry_model() -> Generator[str]:
    """Its base URL, until the end of the block."""
    server = subprocess.Popen(
        [sys.executable, "-m", "qwright.evals.bench.dry_model"],
        env={"PYTHONPATH": import_root()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdout is not None, "it was asked for"
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(b'{"object": "list", "data": []}', "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.endswith("/chat/completions"):
            self.send_error(404)
            return
        given = sum(one.role == "assistant" for one in _Body.model_validate_json(body).messages)
        self._send(_answer(given), "text/event-stream")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _answer(number: int) -> bytes:
    if number < len(CALLS):
        name, arguments = CALLS[number]
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
        return _event({"tool_calls": [call]}) + _end("tool_calls")
    return _event({"content": "Done."}) + _end("stop")


def _end(reason: str) -> bytes:
    return _event({}, reason) + b"data: [DONE]\n\n"


def _event(delta: dict[str, object], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    usage = {"usage": _USAGE} if reason else {}
    event = {"id": "dry", "object": "chat.completion.chunk", "choices": [choice], **usage}
    return f"data: {json.dumps(event)}\n\n".encode()


def main() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
