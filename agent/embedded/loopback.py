"""One request to the embedded server, without any library: JSON to it, JSON or text from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from qwright.agent.dialects.lenient_json import JsonValue

JsonObject = dict[str, JsonValue]


async def ask(
    base_url: str, path: str, key: str, body: Mapping[str, JsonValue] | None = None
) -> tuple[int, str]:
    """Status and text of the answer; GET without a `body`. `base_url` is the server's root.

    Raises OSError, and ValueError for what is no HTTP. Cancelling it closes the connection, at
    which the server gives the request up.
    """
    address = urlsplit(base_url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_request(path, f"{host}:{port}", key, body))
        await writer.drain()
        return _answer(await reader.read())
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def as_object(text: str) -> JsonObject:
    """The answer's JSON object; empty for anything else."""
    try:
        value = cast(JsonValue, json.loads(text))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _request(path: str, host: str, key: str, body: Mapping[str, JsonValue] | None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {key}",
        "Connection: close",
    ]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join([*head, "", ""]).encode("ascii") + data


def _answer(data: bytes) -> tuple[int, str]:
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2:
        raise ValueError("no HTTP answer")
    return int(words[1]), body.decode("utf-8", "replace")
