"""What the embedded engine does at its limit, each against the same engine without it.

A restored prefix against a cold one, the second turn of a conversation, decoding beside two busy
processes, and writing a file anew with guesses and without. Servers of the benchmark's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from qwright.agent.dialects.select import dialect_for
from qwright.agent.embedded.catalogue import Entry, find
from qwright.agent.embedded.model import EmbeddedModel
from qwright.agent.embedded.record import prefixes_dir
from qwright.agent.embedded.server import Endpoint as Server
from qwright.agent.embedded.server import private_server
from qwright.agent.embedded.settings import Settings
from qwright.agent.embedded.weights import pull_cancellable
from qwright.agent.endpoint import Endpoint
from qwright.agent.messages import Message
from qwright.agent.model import CallChunk, Finish, Model, ToolSpec
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.opening import system_prompt
from qwright.agent.profile import profile_for
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.engine import GREEDY, UnequalError
from qwright.evals.bench.measure import Budget, Report, Row, interleaved, spread
from qwright.tools import SMALL_TOOLS
from qwright.tools.base import spec

ROUNDS = 3
DECODED = 64
LINES = 150
"""Of the file that is written anew."""
OF_COLD = Budget(0.1)
NO_SLOWER = Budget(1.05)
NONE_AGAIN = Budget(0, of="value")
BESIDE_BUSY = Budget(1 / 3, least=True)
OF_PLAIN = Budget(1.4, least=True)
TASK = "Fix the typo in README.md."
WRITING = "Explain in plain words how a hash table works."
RENAMING = "Write this file again, all of it, with the first function renamed to begin:\n\n"
TOOLS = [ToolSpec(**spec(tool)) for tool in SMALL_TOOLS.values()]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: seconds by our clock, and what the model's client was told of it."""

    wall: float
    finish: Finish
    calls: list[CallChunk]

    @property
    def decode(self) -> float:
        """Tokens per second."""
        usage = self.finish.usage
        return usage.completion / usage.completion_seconds


async def ask(
    model: Model, messages: Sequence[Message], tokens: int, tools: Sequence[ToolSpec] = ()
) -> Sample:
    """One answer of up to `tokens` tokens at temperature 0. Raises ModelError."""
    began = time.monotonic()
    stream = model.stream(messages, tools, sampling=GREEDY, max_output=tokens)
    found = [chunk async for chunk in stream]
    last = found[-1]
    assert isinstance(last, Finish), "an answer ends with a Finish"
    calls = [chunk for chunk in found if isinstance(chunk, CallChunk)]
    return Sample(time.monotonic() - began, last, calls)


@asynccontextmanager
async def plain_model(server: Server) -> AsyncGenerator[OpenAIModel]:
    """As a client that knows nothing of prefixes."""
    profile = profile_for(server.model, "embedded")
    dialect = dialect_for(profile.dialect, constraint=profile.constraint)
    endpoint = Endpoint(server.base_url, server.key, server.model, "embedded")
    model = OpenAIModel(endpoint, profile, dialect)
    try:
        yield model
    finally:
        await model.close()


@asynccontextmanager
async def warm_model(server: Server) -> AsyncGenerator[EmbeddedModel]:
    """As `qwright` itself asks."""

    async def start() -> Server:
        return server

    profile = profile_for(server.model, "embedded")
    dialect = dialect_for(profile.dialect, constraint=profile.constraint)
    model = EmbeddedModel(server, start, profile, dialect)
    try:
        yield model
    finally:
        await model.close()


def opening() -> list[Message]:
    """The first prompt of a plain task with the local profile."""
    system = Message(role="system", content=system_prompt("small"))
    return [system, Message(role="user", content=TASK)]


class FirstToken:
    """Fresh servers: one for each way to the first token."""

    def __init__(self, model: Entry | Path, kept: Path) -> None:
        self._model = model
        self._kept = kept
        self.samples: list[Sample] = []
        self.loading: list[float] = []

    async def cold(self) -> float:
        async with self._fresh() as server, plain_model(server) as model:
            return await self._first(model)

    async def saving(self) -> float:
        """No file yet: the prefix is evaluated and saved on the way."""
        async with self._fresh() as server, warm_model(server) as model:
            wall = await self._first(model)
            shutil.copytree(prefixes_dir(server.model), self._kept, dirs_exist_ok=True)
            return wall

    async def restored(self) -> float:
        async with self._fresh() as server, warm_model(server) as model:
            shutil.copytree(self._kept, prefixes_dir(server.model), dirs_exist_ok=True)
            return await self._first(model)

    @asynccontextmanager
    async def _fresh(self) -> AsyncGenerator[Server]:
        began = time.monotonic()
        async with private_server(self._model, Settings()) as server:
            self.loading.append(time.monotonic() - began)
            yield server

    async def _first(self, model: Model) -> float:
        self.samples.append(await ask(model, opening(), 1, TOOLS))
        return self.samples[-1].wall


async def first_token(model: Entry | Path, rounds: int, kept: Path) -> Report:
    """Seconds from the request to the first token on a server that has evaluated nothing."""
    first = FirstToken(model, kept)
    await first.saving()
    ways = {"cold": first.cold, "saving": first.saving, "restored": first.restored}
    walls = await interleaved(rounds, ways)
    best = {way: min(times) for way, times in walls.items()}
    usage = first.samples[-1].finish.usage
    rows = [
        Row("first token, prefix restored", "s", best["restored"], best["cold"], "cold", OF_COLD),
        Row("first token, prefix saved", "s", best["saving"], best["cold"], "cold", NO_SLOWER),
    ]
    shown = "; ".join(f"{way} {spread(times)} s" for way, times in walls.items())
    note = (
        f"first token: a prompt of {usage.prompt} tokens; {shown}; "
        f"starting the server before that {spread(first.loading)} s"
    )
    return Report(rows, [note])


async def second_turn(server: Server) -> Report:
    """How many tokens of the first turn the second one evaluates, by the server's counters."""
    messages = opening()
    async with warm_model(server) as model:
        one = await ask(model, messages, 200, TOOLS)
        calls = tuple(chunk.call for chunk in one.calls)
        answer = Message(role="assistant", content=one.finish.text, tool_calls=calls)
        result = Message(
            role="tool" if calls else "user",
            content="1\tThis is teh readme.",
            tool_call_id=calls[0].id if calls else None,
        )
        two = await ask(model, [*messages, answer, result], 1, TOOLS)
    first, second = one.finish.usage, two.finish.usage
    # The last token of an answer ends it and has never been evaluated.
    again = max(0, first.prompt + first.completion - 1 - second.cached)
    row = Row("turn two, tokens of turn one evaluated again", "", again, budget=NONE_AGAIN)
    note = (
        f"turn two: turn one had {first.prompt} tokens and an answer of {first.completion}; of the "
        f"{second.prompt} tokens of turn two {second.cached} were held, the rest evaluated"
    )
    return Report([row], [note])


@contextmanager
def busy() -> Generator[int]:
    """Two processes that never sleep, in one session, as a build in another terminal; its id."""
    script = "import os\nos.fork()\nwhile True:\n    pass"
    first = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        yield first.pid
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


async def beside_busy(server: Server, rounds: int) -> Report:
    """Decoding with the machine free, and beside two processes that never sleep."""
    messages = [Message(role="user", content=WRITING)]
    async with plain_model(server) as model:

        async def free() -> float:
            return (await ask(model, messages, DECODED)).decode

        async def beside() -> float:
            with busy():
                return (await ask(model, messages, DECODED)).decode

        await free()
        rates = await interleaved(rounds, {"free": free, "beside": beside})
    what = "decode beside two busy processes"
    ours, alone = max(rates["beside"]), max(rates["free"])
    row = Row(what, "tokens/s", ours, alone, "free", BESIDE_BUSY)
    note = f"decode: free {spread(rates['free'])}, beside {spread(rates['beside'])} tokens/s"
    return Report([row], [note])


def long_file(lines: int = LINES) -> str:
    """The first lines of a module of qwright: code as people write it, not made for the test."""
    source = files("qwright.sandbox").joinpath("seed.py").read_text("utf-8")
    return "\n".join(source.splitlines()[:lines])


async def rewriting(model: Entry | Path, rounds: int) -> Report:
    """A file of 150 lines written anew, with guesses from what was read and without.

    Raises UnequalError when the two texts differ.
    """
    messages = [Message(role="user", content=RENAMING + f"```python\n{long_file()}\n```")]
    texts: set[str] = set()
    rates: dict[str, list[float]] = {"plain": [], "guessing": []}
    settings = {"plain": Settings(guessed=0), "guessing": Settings()}
    for name, one in settings.items():
        async with (
            private_server(model, one, context=8_192) as server,
            plain_model(server) as asked,
        ):
            for _ in range(rounds):
                sample = await ask(asked, messages, 3_000)
                texts.add(sample.finish.text)
                rates[name].append(sample.decode)
    if len(texts) > 1:
        raise UnequalError("writing a file anew: with guesses the text is another one")
    what = f"a file of {LINES} lines written anew"
    ours, plain = max(rates["guessing"]), max(rates["plain"])
    note = f"written anew: {texts.pop().count(chr(10)) + 1} lines, the same text at temperature 0"
    return Report([Row(what, "tokens/s", ours, plain, "without guesses", OF_PLAIN)], [note])


async def _weights(options: Options) -> Entry | Path:
    model = options.weights or find(options.model)
    if isinstance(model, Entry):
        await pull_cancellable(model, lambda done, total, label: None)
    return model


async def measure_first_token(options: Options) -> Report:
    """Raises WeightsError, ServerError, ModelError."""
    with tempfile.TemporaryDirectory(prefix="qwright-prefix-") as kept:
        return await first_token(await _weights(options), options.rounds or ROUNDS, Path(kept))


async def measure_second_turn(options: Options) -> Report:
    """Raises WeightsError, ServerError, ModelError."""
    async with private_server(await _weights(options), Settings()) as server:
        return await second_turn(server)


async def measure_beside_busy(options: Options) -> Report:
    """Raises WeightsError, ServerError, ModelError."""
    async with private_server(await _weights(options), Settings()) as server:
        return await beside_busy(server, options.rounds or ROUNDS)


async def measure_rewriting(options: Options) -> Report:
    """Raises WeightsError, ServerError, ModelError, UnequalError."""
    rounds = max(1, (options.rounds or ROUNDS) // 3)
    return await rewriting(await _weights(options), rounds)


BENCHES = {
    "first token": measure_first_token,
    "turn two": measure_second_turn,
    "beside busy processes": measure_beside_busy,
    "writing anew": measure_rewriting,
}

if __name__ == "__main__":
    sys.exit(main(BENCHES, __doc__ or ""))
