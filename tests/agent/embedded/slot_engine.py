"""An engine's slot on loopback, without a model: a token is a word, a state a list of tokens."""

from __future__ import annotations

import json
import secrets
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from qwright.agent.embedded.server import Endpoint

HEAD = struct.Struct("<4sIIiII")
"""As llama.cpp writes it: magic, version, length of what follows, mark, version, tokens."""


@dataclass
class Slot:
    """`held` is what the slot would not evaluate again; `asked` the paths of all POSTs."""

    directory: Path
    held: list[int] = field(default_factory=list[int])
    aside: list[list[int]] = field(default_factory=list[list[int]])
    evaluated: int = 0
    processing: int = 0
    asked: list[str] = field(default_factory=list[str])
    restorable: bool = True
    words: dict[str, int] = field(default_factory=dict[str, int])
    intruder: list[int] | None = None
    """What another process makes the slot hold before each save."""

    def tokens(self, text: str) -> list[int]:
        # A line end and the line ends after it are one token, as Qwen's tokenizer has it.
        spaced = text.replace("\n\n", " LF2 ").replace("\n", " LF ")
        return [self.words.setdefault(word, len(self.words)) for word in spaced.split()]

    def complete(self, prompt: str | list[int]) -> None:
        tokens = self.tokens(prompt) if isinstance(prompt, str) else prompt
        same = len([1 for a, b in zip(self.held, tokens, strict=False) if a == b])
        if not same and self.held:
            self.aside.append(self.held)
        self.evaluated += len(tokens) - same
        self.held = list(tokens)

    def save(self, name: str) -> None:
        held = self.intruder or self.held
        head = HEAD.pack(b"qsgg", 4, len(held) + 4, -1, 1, len(held))
        data = head + struct.pack(f"<{len(held)}i", *held) + b"state" * 100
        (self.directory / name).write_bytes(data)

    def restore(self, name: str) -> bool:
        data = (self.directory / name).read_bytes()
        count = HEAD.unpack_from(data)[-1]
        if self.restorable:
            self.held = list(struct.unpack_from(f"<{count}i", data, HEAD.size))
        return self.restorable

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """None stands for a refusal."""
        self.asked.append(path)
        match path:
            case "/apply-template":
                return {"prompt": rendered(body["messages"])}
            case "/tokenize":
                return {"tokens": self.tokens(body["content"])}
            case "/completion":
                self.complete(body["prompt"])
            case "/slots/0?action=save":
                self.save(body["filename"])
            case "/slots/0?action=restore":
                return {"n_restored": 1} if self.restore(body["filename"]) else None
            case _:
                return None
        return {"done": True}

    def metrics(self) -> str:
        return (
            f"llamacpp:prompt_tokens_total {self.evaluated}\n"
            f"llamacpp:requests_processing {self.processing}\nllamacpp:requests_deferred 0\n"
        )


def rendered(messages: list[dict[str, str]]) -> str:
    return "".join(f" <{one['role']}> \n{one['content']}" for one in messages)


@contextmanager
def slot_engine(slot: Slot, name: str = "tiny") -> Generator[Endpoint]:
    """A server with this slot and, as every server, a key of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, slot.metrics() if self.path == "/metrics" else "{}")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = slot.answer(self.path, body)
            self._send(400 if answer is None else 200, json.dumps(answer or {}))

        def _send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_port}/v1"
        key = secrets.token_hex(8)
        yield Endpoint(base_url, key, name, 1, slot.directory / "log", 512, "settings")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
