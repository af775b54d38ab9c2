"""What requests cost, by the server's own word or the profile's prices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from qwright.agent.endpoint import Provider
from qwright.agent.errors import ConfigError
from qwright.agent.messages import Message
from qwright.agent.model import Finish, ToolSpec, Usage
from qwright.agent.profile import Price, Profile

_MILLION = 1_000_000
_CHARACTERS = 3.5
"""Of code, in one token."""


def cost_of(usage: Usage, profile: Profile) -> float | None:
    """US dollars of one request; None where neither the server nor the profile knows."""
    if usage.cost is not None:
        return usage.cost
    if not usage.prompt and not usage.completion:
        return 0.0
    price = _tier(usage.prompt, profile.prices)
    if price is None:
        return None
    cached = min(usage.cached, usage.prompt)
    written = min(usage.cache_written, usage.prompt - cached)
    plain = usage.prompt - cached - written
    prompt = plain * price.input + cached * _read(usage, price) + written * _write(price)
    return (prompt + usage.completion * price.output) / _MILLION


def _tier(prompt: int, prices: Sequence[Price]) -> Price | None:
    """The whole request is charged at the price of its prompt's length."""
    fitting = (price for price in prices if price.up_to is None or prompt <= price.up_to)
    return next(fitting, None)


def _read(usage: Usage, price: Price) -> float:
    if usage.explicit_cache and price.explicit_read is not None:
        return price.explicit_read
    return price.input if price.cache_read is None else price.cache_read


def _write(price: Price) -> float:
    return price.input if price.cache_write is None else price.cache_write


def require_known_price(model: str, profile: Profile, provider: Provider) -> None:
    """Raises ConfigError where a limit of cost could not be held."""
    if not profile.prices and provider != "openrouter":
        raise ConfigError(
            f"--max-cost cannot be held: the price of {model} on this server is not known; give it"
            " as prices in a [[profile]] of config.toml, e.g. [{ input = 0.5, output = 3 }]"
        )


def counted(finish: Finish, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Usage:
    """The tokens of an answer to `messages`: the server's count, or ours where it sent none."""
    usage = finish.usage
    if usage.prompt or usage.completion:
        return usage
    parts = [*(one.model_dump_json(exclude={"images"}) for one in messages)]
    parts += [json.dumps(asdict(tool)) for tool in tools]
    return Usage(
        prompt=_tokens(sum(map(len, parts))),
        completion=_tokens(len(finish.text) + len(finish.reasoning)),
        reasoning=_tokens(len(finish.reasoning)),
        cost=usage.cost,
        estimated=True,
    )


def _tokens(characters: int) -> int:
    return round(characters / _CHARACTERS)
