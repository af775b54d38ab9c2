"""Which model answers when nobody named one: what is on this machine, then keys that are set."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import cast
from urllib.parse import urlsplit

from qwright.agent.config import Config
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.endpoint import LOCAL, Endpoint, Provider, resolve_endpoint
from qwright.agent.errors import ConfigError
from qwright.agent.language import say
from qwright.agent.listening import is_another_persons

LABELS: dict[Provider, str] = {
    "embedded": "qwright",
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "llamacpp": "llama.cpp",
    "dashscope": "DashScope",
    "openrouter": "OpenRouter",
    "modelscope": "ModelScope",
    "openai": "OpenAI",
}
_SERVERS: tuple[Provider, ...] = ("vllm", "sglang", "llamacpp", "ollama", "lmstudio")
_HOSTED: dict[Provider, str] = {
    "dashscope": "dashscope/qwen3-coder-plus",
    "openrouter": "openrouter/qwen/qwen3-coder",
    "modelscope": "modelscope/Qwen/Qwen3-Coder-30B-A3B-Instruct",
}
"""Services with a Qwen-Coder, and which one a key of theirs stands for."""
_KEEPS_ONE_LOADED: frozenset[Provider] = frozenset({"vllm", "sglang", "llamacpp"})
"""They serve what they were started with; the others list what they could load."""
_NO_CHAT = re.compile(r"embed|rerank|guard|-base\b|[-:]cloud\b|-asr|-tts|-image", re.IGNORECASE)
_ENGINE = "xllamacpp"
_MOST_MODELS = 100
_LONGEST_NAME = 200
_OTHERS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Found:
    """A model that could be used. `model` is the name to give to --model."""

    kind: Provider
    label: str
    """For people: the model, and where it is."""
    model: str
    base_url: str
    """Empty for the embedded one."""
    why: str
    """How it was found, as part of a sentence."""

    @property
    def local(self) -> bool:
        return self.kind in LOCAL


@dataclass(frozen=True, slots=True)
class Pick:
    """What to give to `choice.choose`; both None: the default embedded model."""

    model: str | None
    base_url: str | None
    lines: tuple[str, str]
    """What was chosen and why, and how to choose another."""
    pull: str = ""
    """The embedded model whose weights are to be fetched first."""


async def discover(
    environ: Mapping[str, str],
    *,
    timeout: float = 0.3,
    urls: Mapping[Provider, str] | None = None,
) -> list[Found]:
    """What is here: embedded weights, models of servers on loopback, keys that are set.

    `urls` stand in for the usual base URLs of the servers. A server is asked for its list of
    models and nothing else, without any key. What does not answer within `timeout` seconds, is on
    another machine or runs for another person on this one, is not there. Never raises.
    """
    places = _places(environ) if urls is None else urls

    def look() -> list[Found]:
        return [*_embedded(), *asyncio.run(_servers(places, timeout)), *_keys(environ)]

    # With a loop of its own: what it has to import would hold up a person's first keys.
    return await asyncio.to_thread(look)


def best(
    found: Sequence[Found],
    config: Config,
    *,
    model: str | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Pick:
    """The model to begin with. What the flags `model` and `base_url`, `config` or `environ` name
    comes first; then a local Qwen-Coder server, embedded weights, other local Qwens, keys. With
    none of them, the default embedded model and its pull.
    """
    if pick := named(config, os.environ if environ is None else environ, model, base_url):
        return pick
    fit = usable(found)
    if not fit:
        return _pull()
    first = fit[0]
    others = [one for one in sorted(found, key=_rank) if one is not first]
    line = say("firstrun.chosen", label=first.label, why=first.why)
    return Pick(first.model, None, (line, _others(others)))


def usable(found: Iterable[Found]) -> list[Found]:
    """The Qwens among them and what keys stand for, the best first."""
    return sorted((one for one in found if not one.local or is_qwen(one.model)), key=_rank)


def named(
    config: Config,
    environ: Mapping[str, str],
    model: str | None = None,
    base_url: str | None = None,
) -> Pick | None:
    """What flags, configuration or environment name, which makes discovering needless; or None."""
    wanted, url = config.asked(model, base_url)
    variables = ("OPENAI_BASE_URL", "OPENAI_MODEL", "QWEN_MODEL")
    variable = next((name for name in variables if environ.get(name, "").strip()), "")
    if not (wanted or url or variable):
        return None
    flag = "--model" if model else "--base-url" if base_url else ""
    source = flag or ("config.toml" if wanted or url else variable)
    name = wanted or environ.get("OPENAI_MODEL") or environ.get("QWEN_MODEL") or url or ""
    line = say("firstrun.named", model=name, source=source)
    pull = "" if url or environ.get("OPENAI_BASE_URL") else _missing(name)
    return Pick(wanted, url, (line, say("firstrun.another")), pull)


def is_qwen(model: str) -> bool:
    """Whether a name is of a Qwen that can be talked with on this machine."""
    return "qw" in model.lower() and not _NO_CHAT.search(model)


def _places(environ: Mapping[str, str]) -> dict[Provider, str]:
    """Base URLs of the servers that would be on this machine."""
    places: dict[Provider, str] = {}
    for kind in _SERVERS:
        try:
            endpoint = resolve_endpoint(environ, model=f"{kind}/-")
        except ConfigError:
            continue
        if endpoint and endpoint.is_loopback:
            places[kind] = endpoint.base_url
    return places


def _embedded() -> list[Found]:
    from qwright.agent.embedded.weights import installed

    if find_spec(_ENGINE) is None:
        return []
    return [
        Found(
            "embedded",
            say("firstrun.embedded", name=one.entry.name),
            one.entry.name,
            "",
            say("firstrun.weights_here"),
        )
        for one in installed()
        if one.verified
    ]


async def _servers(places: Mapping[Provider, str], timeout: float) -> list[Found]:
    lists = await asyncio.gather(*(_served(kind, url, timeout) for kind, url in places.items()))
    return [found for listed in lists for found in listed]


async def _served(kind: Provider, url: str, timeout: float) -> list[Found]:
    from qwright.agent.server_questions import ask

    endpoint = Endpoint(url, "", "", kind)
    port = urlsplit(url).port
    if not (endpoint.is_loopback and port) or is_another_persons(port):
        return []
    answers = await ask(endpoint, timeout, "tags" if kind == "ollama" else "models")
    address = endpoint.shown_url.partition("://")[2].partition("/")[0]
    return [
        Found(
            kind,
            say("firstrun.served", name=name, server=LABELS[kind]),
            f"{kind}/{name}",
            url,
            say("firstrun.answers", address=address),
        )
        for name in _names(answers)
    ]


def _names(answers: Mapping[str, JsonValue]) -> list[str]:
    """The names a list of models holds, without those that answer on another machine."""
    entries: list[JsonValue] = []
    for answer, key in ((answers.get("models"), "data"), (answers.get("tags"), "models")):
        listed = answer.get(key) if isinstance(answer, dict) else None
        entries += listed if isinstance(listed, list) else []
    models = [cast("dict[str, JsonValue]", one) for one in entries if isinstance(one, dict)]
    names = [one.get("id") or one.get("name") for one in models if not one.get("remote_host")]
    return [name for name in names if isinstance(name, str) and _is_name(name)][:_MOST_MODELS]


def _is_name(name: str) -> bool:
    """Whether a server's word may stand on a command line and in a sentence."""
    return name.isprintable() and 0 < len(name) <= _LONGEST_NAME and name == name.strip()


def _keys(environ: Mapping[str, str]) -> list[Found]:
    found: list[Found] = []
    for kind, model in _HOSTED.items():
        try:
            endpoint = resolve_endpoint(environ, model=model)
        except ConfigError:
            continue
        if endpoint:
            label = say("firstrun.served", name=endpoint.model, server=LABELS[kind])
            why = say("firstrun.key_set", variable=endpoint.key_variable)
            found.append(Found(kind, label, model, endpoint.base_url, why))
    return found


def _rank(found: Found) -> tuple[int, bool, bool, float]:
    """Smaller is better: what leaks nothing, then a Coder, then what is loaded, new and large."""
    name = found.model.lower()
    coder = "coder" in name and is_qwen(name)
    if found.kind == "embedded":
        place = 1
    elif found.local:
        place = 0 if coder else 2 if is_qwen(name) else 4
    else:
        place = 3
    loads = found.kind not in _KEEPS_ONE_LOADED
    old = "2.5" in name or "codeqwen" in name
    return place, loads, old, _preference(found, name)


def _preference(found: Found, name: str) -> float:
    """The larger model of a server; of the embedded ones the default, which suits most machines."""
    from qwright.agent.embedded.catalogue import DEFAULT_MODEL

    sizes = re.findall(r"(\d+(?:\.\d+)?)b(?![a-z])", name)
    if found.kind == "embedded" and name == DEFAULT_MODEL:
        return float("-inf")
    if not found.local:
        return float(list(_HOSTED).index(found.kind))
    return -max(map(float, sizes), default=0.0)


def _others(found: Iterable[Found]) -> str:
    labels = [one.label for one in found]
    if not labels:
        return say("firstrun.another")
    shown = say("firstrun.comma").join(labels[:_OTHERS_SHOWN])
    if len(labels) > _OTHERS_SHOWN:
        shown = say("firstrun.and_more", shown=shown, count=len(labels) - _OTHERS_SHOWN)
    return say("firstrun.others", others=shown)


def _pull() -> Pick:
    from qwright.agent.embedded.catalogue import DEFAULT_MODEL, find
    from qwright.agent.embedded.weights import megabytes

    entry = find(DEFAULT_MODEL)
    if find_spec(_ENGINE) is None:
        return Pick(None, None, (say("firstrun.no_engine"), say("firstrun.or_server")))
    line = say("firstrun.pull", name=entry.name, size=megabytes(entry.size))
    return Pick(entry.name, None, (line, say("firstrun.or_server")), entry.name)


def _missing(name: str) -> str:
    """The embedded model that was named, where its weights are not here."""
    from qwright.agent.embedded.catalogue import find
    from qwright.agent.embedded.weights import is_verified

    try:
        entry = find(name)
    except ConfigError:
        return ""
    return "" if is_verified(entry) else entry.name
