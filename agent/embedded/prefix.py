"""The evaluated beginning of all conversations, kept on the disk.

Evaluating the system prompt and the tools takes a small machine ten seconds; reading their state
back takes milliseconds. The engine saves and restores the state of its slot; here is decided when.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from operator import eq
from pathlib import Path
from typing import Any, Literal

from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.embedded.loopback import JsonObject, as_object, ask
from qwright.agent.embedded.prefix_files import PrefixFiles
from qwright.agent.embedded.record import prefixes_dir, servers_dir, write_private
from qwright.agent.embedded.server import Endpoint

Warmth = Literal["held", "restored", "saved", "skipped"]
"""held: the engine has the prefix already; saved: it was evaluated, and is on the disk now."""
SHORTEST = 32
"""Tokens of a prefix that are worth a file."""
_COUNTER = re.compile(r"^llamacpp:(\w+) (\S+)$", re.MULTILINE)
_FIRST_WORDS = ("x", "\n\nx")
"""Beginnings of a user's message; what comes before both in tokens comes before any."""


async def warm(server: Endpoint, system: Sequence[Mapping[str, Any]]) -> Warmth:
    """Let the engine have the state of `system`, the wire form of how conversations begin.

    Evaluates nothing that the next request would not have to. Does nothing while another process's
    request runs, or when the server does not answer.
    """
    try:
        return await _Warming(server, system).run()
    except (OSError, ValueError):
        return "skipped"


class _Warming:
    """One server, one prefix."""

    def __init__(self, server: Endpoint, system: Sequence[Mapping[str, Any]]) -> None:
        self._server = server
        self._system = [dict(message) for message in system]
        self._files = PrefixFiles(prefixes_dir(server.model))
        self._key = _digest(server.settings, json.dumps(self._system))
        self._whose = _digest(server.key)

    async def run(self) -> Warmth:
        counters = dict(_COUNTER.findall(await self._get("/metrics")))
        if any(float(counters.get(f"requests_{kind}", 0)) for kind in ("processing", "deferred")):
            return "skipped"
        whose, _, held = _read(self._note).partition(" ")
        if (whose, held) == (self._whose, self._key):
            return "held"
        used = whose == self._whose or float(counters.get("prompt_tokens_total", 1)) > 0
        warmth = await self._restore(used) or await self._evaluate()
        if warmth != "skipped":
            write_private(self._note, f"{self._whose} {self._key}")
        return warmth

    @property
    def _note(self) -> Path:
        """Which server, by its key, was last given which prefix."""
        return servers_dir() / f"{self._server.model}.prefix"

    async def _restore(self, used: bool) -> Warmth | None:
        name = await asyncio.to_thread(self._files.find, self._key)
        if name is None:
            return None
        if used:
            # Restoring overwrites the slot. Another prompt makes the engine put its present state,
            # which may be another process's conversation, aside in memory first.
            await self._post("/completion", {"prompt": "x", "n_predict": 0})
        if await self._post("/slots/0?action=restore", {"filename": name}):
            return "restored"
        self._files.drop(name)
        return None

    async def _evaluate(self) -> Warmth:
        tokens = await self._tokens()
        if len(tokens) < SHORTEST:
            return "skipped"
        body: JsonObject = {"prompt": [*tokens], "n_predict": 0, "cache_prompt": True}
        if not await self._post("/completion", body):
            return "skipped"
        name = self._files.fresh()
        await self._post("/slots/0?action=save", {"filename": name})
        kept = await asyncio.to_thread(self._files.keep, name, self._key, tokens)
        return "saved" if kept else "skipped"

    async def _tokens(self) -> list[int]:
        """What every conversation that begins with `system` has in common."""
        one, two = [await self._tokenized(words) for words in _FIRST_WORDS]
        same = takewhile(bool, map(eq, one, two))
        return one[: sum(1 for _ in same)]

    async def _tokenized(self, first_words: str) -> list[int]:
        messages: list[JsonValue] = [*self._system, {"role": "user", "content": first_words}]
        rendered = await self._post("/apply-template", {"messages": messages})
        body = {"content": rendered.get("prompt"), "add_special": True, "parse_special": True}
        tokens = (await self._post("/tokenize", body)).get("tokens")
        return [one for one in tokens if isinstance(one, int)] if isinstance(tokens, list) else []

    async def _get(self, path: str) -> str:
        return (await ask(self._root, path, self._server.key))[1]

    async def _post(self, path: str, body: Mapping[str, JsonValue]) -> JsonObject:
        """The answer; empty when the server refused."""
        status, text = await ask(self._root, path, self._server.key, body)
        return as_object(text) if status == 200 else {}

    @property
    def _root(self) -> str:
        return self._server.base_url.removesuffix("/v1")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
