"""Tokens per second through qwright's model client over those of the engine alone.

Both do the same work for the same prompt text at temperature 0, in turns. The engine alone is its
own completion endpoint over plain HTTP. Seconds are wall clock, from the request to its end.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.endpoint import Endpoint
from qwright.agent.messages import Message
from qwright.agent.model import Finish, Sampling, ToolSpec, Usage
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.opening import system_prompt
from qwright.agent.profile import profile_for
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.engine_http import DirectEngine, open_engine
from qwright.evals.bench.measure import Budget, Report, Row, interleaved, median, spread
from qwright.sandbox.errors import QwrightError
from qwright.tools import SMALL_TOOLS
from qwright.tools.base import spec

ROUNDS = 5
DECODED = 96
"""Tokens of an answer whose decoding is measured."""
FUNCTIONS = 40
"""How many the prompt holds whose evaluation is measured."""
OF_ENGINE = Budget(0.97, least=True)
_BY_CHANCE = 4
"""Digits, each a token, of one in ten thousand pairs of prompts."""
READING = "Which of these functions is wrong?"
COUNTING = "Do not call a tool. Write the numbers from 1 to 500 in words, one per line."
GREEDY = Sampling(temperature=0.0, top_p=1.0, top_k=1, min_p=0.0, repetition_penalty=1.0, seed=None)
"""The same as `engine_http.GREEDY`."""


class UnequalError(QwrightError):
    """Both sides did not do the same work, so that their speeds say nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request."""

    name: str
    task: str
    answer: int
    """Tokens to generate."""
    tools: Sequence[ToolSpec] = ()
    cold: bool = False
    """Measures the evaluation of a prompt no cache knows; else decoding after a known one."""

    def messages(self) -> list[Message]:
        # Qwen's tokenizer makes a token of each digit: every number takes the same work.
        number = f"{secrets.randbelow(10**8):08}" if self.cold else "00000000"
        system = f"{number} {system_prompt('small')}"
        return [Message(role="system", content=system), Message(role="user", content=self.task)]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: tokens evaluated and generated, seconds by our clock and by the engine's."""

    prompt: int
    completion: int
    wall: float
    engine: float

    def rate(self, case: Case) -> float:
        """Tokens per second of what the case measures."""
        return (self.prompt if case.cold else self.completion) / self.wall


class Pair:
    """Both ways to ask for a case, and what has been sampled of each."""

    def __init__(self, engine: DirectEngine, case: Case) -> None:
        profile = profile_for(engine.model, "embedded")
        profile = profile.model_copy(update={"max_output": case.answer})
        endpoint = Endpoint(engine.base_url, engine.key, engine.model, "embedded")
        self._engine = engine
        self._case = case
        self._dialect: Dialect = dialect_for(profile.dialect, constraint=profile.constraint)
        self._model = OpenAIModel(endpoint, profile, self._dialect)
        self.through: list[Sample] = []
        self.alone: list[Sample] = []

    async def ask_through(self) -> float:
        """One request through the model client. Raises ModelError."""
        messages, usage = self._case.messages(), Usage()
        began = time.monotonic()
        stream = self._model.stream(messages, self._case.tools, sampling=GREEDY)
        async for chunk in stream:
            usage = chunk.usage if isinstance(chunk, Finish) else usage
        wall = time.monotonic() - began
        evaluated, engine = usage.prompt - usage.cached, usage.prompt_seconds
        engine += usage.completion_seconds
        self.through.append(Sample(evaluated, usage.completion, wall, engine))
        return self.through[-1].rate(self._case)

    async def ask_alone(self) -> float:
        """The same prompt text to the engine's own endpoint. Raises OSError."""
        wired = self._dialect.wire(self._case.messages(), self._case.tools)
        prompt = await asyncio.to_thread(self._engine.render, wired)
        began = time.monotonic()
        found = await asyncio.to_thread(self._engine.complete, prompt, self._case.answer)
        wall = time.monotonic() - began
        engine = (found.prompt_ms + found.predicted_ms) / 1000
        self.alone.append(Sample(found.prompt_n, found.predicted_n, wall, engine))
        return self.alone[-1].rate(self._case)

    async def measure(self, rounds: int) -> tuple[list[float], list[float]]:
        """Rates of both sides. Raises UnequalError when they did not do the same work."""
        measures = {"through": self.ask_through, "alone": self.ask_alone}
        try:
            await interleaved(1, measures)
            self.through.clear()
            self.alone.clear()
            rates = await interleaved(rounds, measures)
        finally:
            await self._model.close()
        check_equal(self._case.name, self.through, self.alone)
        return rates["through"], rates["alone"]


def check_equal(name: str, through: Sequence[Sample], alone: Sequence[Sample]) -> None:
    """Raises UnequalError unless all generated as much and evaluated as much, to a few tokens.

    Two prompts can begin with the same digits by chance, which the cache then saves.
    """
    samples = [*through, *alone]
    answers = {one.completion for one in samples}
    prompts = [one.prompt for one in samples]
    if len(answers) > 1 or max(prompts) - min(prompts) > max(_BY_CHANCE, 0.01 * max(prompts)):
        sides = [[(one.prompt, one.completion) for one in side] for side in (through, alone)]
        raise UnequalError(f"{name}: prompt and answer tokens differ: {sides[0]}, {sides[1]}")


def cases(answer: int = DECODED, functions: int = FUNCTIONS) -> list[Case]:
    """Decoding without and with tools, whose grammar the engine then follows, and a cold prompt."""
    tools = [ToolSpec(**spec(tool)) for tool in SMALL_TOOLS.values()]
    bodies = [f"def shift_{n}(value):\n    return value + {n}\n" for n in range(functions)]
    return [
        Case("decode", COUNTING, answer),
        Case("decode, tools and grammar", COUNTING, answer, tools),
        Case("prefill", "\n".join([READING, *bodies]), 1, cold=True),
    ]


async def measure(options: Options) -> Report:
    """Raises WeightsError, ServerError, ModelError, UnequalError."""
    engine = await open_engine(options)
    report = Report()
    for case in cases():
        pair = Pair(engine, case)
        through, alone = await pair.measure(options.rounds or ROUNDS)
        # The best of each: other work on the machine can only slow a request down.
        what = f"{case.name}, best of {len(through)}"
        report.rows.append(
            Row(what, "tokens/s", max(through), max(alone), "engine alone", OF_ENGINE)
        )
        report.notes.append(note(case, pair))
    return report


def note(case: Case, pair: Pair) -> str:
    """The work, and how much of the seconds the engine itself accounts for."""
    first = pair.through[0]
    shares = [
        f"{side} {spread([one.wall for one in samples])} s, of which engine "
        f"{median([one.engine for one in samples]):.2f} s"
        for side, samples in (("through qwright", pair.through), ("alone", pair.alone))
    ]
    work = f"{first.prompt} prompt tokens evaluated, {first.completion} generated"
    return f"{case.name}: {work}; {'; '.join(shares)}"


if __name__ == "__main__":
    sys.exit(main({"engine": measure}, __doc__ or ""))
