"""The fastest settings of the engine on this machine, found by a short measurement."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.embedded.catalogue import Entry
from qwright.agent.embedded.errors import ServerError
from qwright.agent.embedded.fetch import Progress
from qwright.agent.embedded.loopback import as_object, ask
from qwright.agent.embedded.server import Endpoint, private_server
from qwright.agent.embedded.settings import Settings
from qwright.agent.language import say

WORTH = 1.03
"""How much faster a setting must be to count: less is noise."""
PROMPT = 300
ANSWER = 100
"""Tokens that a usual turn evaluates and generates, by which prefill and decode are weighed."""
GREEDY: dict[str, JsonValue] = {"temperature": 0.0, "top_k": 1, "repeat_penalty": 1.0}
_CODE = "".join(f"def shift_{n}(value):\n    return value + {n}\n\n\n" for n in range(14))
_READING = "Which of these functions is wrong?\n\n" + _CODE
_REWRITING = (
    f"{_CODE}\nWrite this file again, whole, with shift_3 renamed to move_3:\n\n```python\n"
)
_WRITING = "Explain in plain words what a binary search does.\n\n"


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second, and the answers by which two settings are the same."""

    prefill: float
    decode: float
    rewrite: float
    answers: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """For a usual turn, half of whose answer repeats what was read."""
        return PROMPT / self.prefill + ANSWER / 2 / self.decode + ANSWER / 2 / self.rewrite


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting tried against the default ones."""

    changed: Mapping[str, object]
    speed: Speed
    times: float
    """How many times as fast as the default settings a usual turn is."""
    same: bool
    """Whether the model says the same as with the default settings, at temperature 0."""

    @property
    def better(self) -> bool:
        return self.same and self.times >= WORTH

    @property
    def shown(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.changed.items())


def alternatives(cores: int) -> list[dict[str, object]]:
    """What is tried, one setting at a time."""
    fewer = sorted({max(1, cores - 1), max(1, cores // 2)} - {cores})
    threads: list[dict[str, object]] = [{"threads": number} for number in fewer]
    return [
        *threads,
        {"repack": False},
        {"batch": 256},
        {"batch": 1024},
        {"kv": "q8_0"},
        {"repeated": 6, "guessed": 12},
    ]


Measure = Callable[[Settings], Awaitable[Speed]]


async def tune(progress: Progress, measure: Measure) -> tuple[Settings, list[Trial]]:
    """The fastest settings, and what was tried. Nothing else should run meanwhile."""
    default = Settings()
    choices = alternatives(len(os.sched_getaffinity(0)))
    progress(0, len(choices) + 1, say("engine.measuring"))
    base = await measure(default)
    trials: list[Trial] = []
    better: dict[str, object] = {}
    for number, changed in enumerate(choices, 1):
        progress(number, len(choices) + 1, say("engine.measuring"))
        trial = await _try(measure, changed, base)
        trials.append(trial)
        better |= trial.changed if trial.better else {}
    if not better:
        return default, trials
    # Each was faster alone; only what is faster together, against a fresh measurement, is kept.
    base = _best(base, await measure(default))
    together = await _try(measure, better, base)
    trials.append(together)
    return (default.model_copy(update=better) if together.better else default), trials


async def _try(measure: Measure, changed: Mapping[str, object], base: Speed) -> Trial:
    speed = await measure(Settings().model_copy(update=changed))
    return Trial(changed, speed, base.seconds / speed.seconds, speed.answers == base.answers)


async def measure_speed(model: Entry | Path, settings: Settings) -> Speed:
    """The speed of a server of its own. The weights must be here. Raises ServerError."""
    try:
        async with private_server(model, settings) as server:
            return await _speed(server)
    except (OSError, ValueError) as error:
        raise ServerError(f"the server ended while it was measured: {error}") from error


async def _speed(server: Endpoint) -> Speed:
    # The first request also brings the weights into memory. Its prompt is not measured.
    await _complete(server, _WRITING, 1)
    read = [await _complete(server, f"{secrets.token_hex(4)}\n{_READING}", 1) for _ in range(2)]
    written = await _complete(server, _WRITING, 32)
    rewritten = await _complete(server, _REWRITING, 48)
    return Speed(
        max(one.prefill for one in read),
        written.decode,
        rewritten.decode,
        (written.text, rewritten.text),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    prefill: float
    decode: float


async def _complete(server: Endpoint, prompt: str, tokens: int) -> _Answer:
    body: dict[str, JsonValue] = {"prompt": prompt, "n_predict": tokens, **GREEDY}
    root = server.base_url.removesuffix("/v1")
    status, text = await ask(root, "/completion", server.key, body)
    answer = as_object(text)
    timings = answer.get("timings")
    if status != 200 or not isinstance(timings, dict):
        raise ValueError(f"status {status}")
    return _Answer(
        str(answer.get("content")),
        _number(timings.get("prompt_per_second")),
        _number(timings.get("predicted_per_second")),
    )


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, (int, float)) and value > 0 else 0.001


def _best(one: Speed, two: Speed) -> Speed:
    """Other work on the machine can only slow a measurement down."""
    return one if one.seconds <= two.seconds else two
