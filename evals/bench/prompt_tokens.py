"""Tokens of the first prompt, tools included, as Qwen2.5-Coder's own tokenizer counts them.

Each program is run once against a recording server; what is counted is what it truly sent.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from qwright.evals.bench.clients import (
    BIG_MODEL,
    SMALL_MODEL,
    Client,
    NoRequestError,
    launch,
    prepare,
    qwright_client,
)
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.engine_http import open_engine, prompt_tokens
from qwright.evals.bench.measure import Budget, Report, Row, number
from qwright.evals.bench.peers import installed_peers
from qwright.evals.bench.recorder import ChatRequest, Recorder, recording
from qwright.sandbox.image import ensure_image

LOCAL = qwright_client("local profile", SMALL_MODEL)
FULL = qwright_client("full profile", BIG_MODEL)
BUDGETS = {LOCAL.name: Budget(900, of="value"), FULL.name: Budget(4000, of="value")}
HOW = (
    "first prompts are counted as messages in Qwen2.5-Coder's template plus the tools of the "
    "request as compact JSON text; the task itself is the same sentence for all"
)


async def measure(options: Options) -> Report:
    """Raises SandboxError, WeightsError, ServerError, and NoRequestError for qwright itself."""
    await ensure_image(options.image, lambda line: None)
    engine = await open_engine(options)
    peers, notes = await asyncio.to_thread(installed_peers, options.peers_dir)
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name, recording() as recorder:
        asked, silent = await asyncio.to_thread(_ask, [LOCAL, FULL, *peers], Path(name), recorder)
    counts = {
        client: [prompt_tokens(engine, chat) for chat in openings(chats)]
        for client, chats in asked.items()
    }
    for client, (_, *hidden) in counts.items():
        notes += [f"{client} sent another prompt of {number(tokens)} tokens" for tokens in hidden]
    return Report(rows({name: found[0] for name, found in counts.items()}), [HOW, *notes, *silent])


def rows(tokens: Mapping[str, int]) -> list[Row]:
    """A row for each profile of ours against each peer, the one with the least tokens first."""
    peers = sorted((name for name in tokens if name not in BUDGETS), key=lambda one: tokens[one])
    found: list[Row] = []
    for name, budget in BUDGETS.items():
        what = f"tokens of the first prompt, {name}"
        for place, peer in enumerate(peers or [""]):
            limit = budget if place == 0 else None
            found.append(Row(what, "tokens", tokens[name], tokens.get(peer), peer, limit))
    return found


def openings(chats: Sequence[ChatRequest]) -> list[ChatRequest]:
    """The requests that begin a conversation: not those that go on with an earlier one."""
    found: list[ChatRequest] = []
    for chat in chats:
        if not any(chat.messages[: len(one.messages)] == one.messages for one in found):
            found.append(chat)
    return found


def _ask(
    clients: Sequence[Client], root: Path, recorder: Recorder
) -> tuple[dict[str, list[ChatRequest]], list[str]]:
    asked: dict[str, list[ChatRequest]] = {}
    silent: list[str] = []
    for client in clients:
        try:
            asked[client.name] = launch(client, prepare(client, root), recorder).prompts
        except NoRequestError as error:
            if client.name in BUDGETS:
                raise
            silent.append(str(error))
    return asked, silent


if __name__ == "__main__":
    sys.exit(main({"prompt_tokens": measure}, __doc__ or ""))
