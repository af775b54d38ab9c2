"""What comes out of a running command: the engine's framed stream, bounded in memory."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from operator import attrgetter
from typing import Protocol, cast

HEADER = 8
"""Bytes before each frame: stream number, three zeros, length as a big-endian 32-bit number."""
CHUNK = 65536


class _Reader(Protocol):
    def read1(self, size: int) -> bytes: ...
    def close(self) -> None: ...


class _Response(Protocol):
    def close(self) -> None: ...


# The SDK keeps these to itself; there is no public way to them.
_RESPONSE = attrgetter("_response")
_READER = attrgetter("raw._fp.fp")
_SOCKET = attrgetter("raw._sock")


class ExecStream:
    """The output of one exec, read from what `exec_start(socket=True)` gave.

    The SDK hands out the bare socket, but what came together with the HTTP header is already in
    the buffer in front of it; reading through that buffer loses nothing on a busy machine.
    """

    def __init__(self, handle: object) -> None:
        self._response = cast(_Response, _RESPONSE(handle))
        self._reader = cast(_Reader, _READER(self._response))
        connection = cast(socket.socket, _SOCKET(self._reader))
        connection.settimeout(None)
        self._twin = socket.socket(fileno=os.dup(connection.fileno()))

    def payloads(self) -> Iterator[bytes]:
        """stdout and stderr as they come, without their frames, until the end of the stream."""
        waiting = bytearray()
        left = 0
        while chunk := self._read():
            waiting += chunk
            while waiting:
                if left == 0:
                    if len(waiting) < HEADER:
                        break
                    left = int.from_bytes(waiting[4:HEADER], "big")
                    del waiting[:HEADER]
                    continue
                payload = bytes(waiting[:left])
                del waiting[: len(payload)]
                left -= len(payload)
                yield payload

    def abort(self) -> None:
        """End the stream now; a reader in another thread sees its end."""
        with suppress(OSError):
            self._twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._response.close()
        self._twin.close()

    def _read(self) -> bytes:
        try:
            return self._reader.read1(CHUNK)
        except OSError:
            # The engine went away; its exec inspect decides what that means.
            return b""


class OutputWindow:
    """Keeps the head and the tail of a stream, `limit` bytes in all, and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._head_limit = max(limit // 2, 1)
        self._tail_limit = max(limit - self._head_limit, 1)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.total = 0
        """Bytes seen."""

    def write(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data[-self._tail_limit :])
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= self._tail_limit:
            self._tail_size -= len(self._tail.popleft())

    @property
    def dropped(self) -> int:
        """Bytes that are in neither the head nor the tail."""
        return self.total - len(self._head) - len(self.tail())

    def tail(self) -> bytes:
        return b"".join(self._tail)[-self._tail_limit :]

    def end(self) -> bytes:
        """The last bytes of the stream, whether or not anything was cut."""
        return self.tail() or bytes(self._head)

    def text(self) -> str:
        """The kept bytes, decoded with replacement, and a line that says what was cut."""
        head = bytes(self._head)
        if not self.dropped:
            return (head + self.tail()).decode(errors="replace")
        cut = f"\n[... {self.dropped} bytes cut ...]\n"
        return head.decode(errors="replace") + cut + self.tail().decode(errors="replace")
