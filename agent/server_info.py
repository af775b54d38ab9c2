"""What a model server says of itself: which software it is, its window, what it can do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.server_questions import Answers, ask

HOSTED: frozenset[Provider] = frozenset({"openai", "dashscope", "openrouter", "modelscope"})
"""Known by their host name; a run asks them nothing, since their profile suffices."""
ENOUGH = 16_384
"""Tokens of window below which an agent has little room."""
_WANTED = 32_768
_SIGNED: tuple[Provider, ...] = ("llamacpp", "sglang", "vllm")
"""They put their own names into their lists of models."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What is known of one model on one server; None where the server does not say."""

    provider: Provider
    answered: bool = False
    """Whether it answered any question at all."""
    version: str = ""
    models: tuple[str, ...] = ()
    weights: str = ""
    """What is served behind the model's name: the name of a file or a repository."""
    context: int | None = None
    """Tokens of prompt and answer together that the model has as it is served."""
    template: str | None = None
    dialect: DialectName | None = None
    """The text form of calls that the model's chat template teaches."""
    reads_calls: bool | None = None
    """Whether the server reads calls out of the model's text by itself."""
    constraint: Constraint = "none"
    """How it can hold text to a form."""
    vision: bool | None = None
    thinking: bool | None = None


async def describe(endpoint: Endpoint, *, seconds: float = 1.5) -> ServerInfo:
    """Ask the server what it is; everything at once, and for no longer than `seconds`.

    Never raises for what a server answers or does not answer.
    """
    listing = "models" if endpoint.provider in HOSTED else None
    return read_answers(endpoint, await ask(endpoint, seconds, listing))


def read_answers(endpoint: Endpoint, answers: Answers) -> ServerInfo:
    """What the answers tell of the endpoint's model."""
    provider = _provider(endpoint, answers)
    listed = _entry(_list(_at(answers.get("models"), "data")), endpoint.model)
    names = [_text(_at(one, "id")) for one in _list(_at(answers.get("models"), "data"))]
    common = _Common(bool(answers), tuple(name for name in names if name), listed)
    match provider:
        case "llamacpp" | "embedded":
            return _llamacpp(provider, common, answers.get("props"))
        case "ollama":
            return _ollama(endpoint.model, common, answers)
        case "lmstudio":
            return _lmstudio(endpoint.model, common, answers.get("lmstudio"))
        case "vllm" | "sglang":
            return _vllm(provider, common, answers)
        case _:
            return _listed(provider, common)


def template_dialect(template: str | None) -> DialectName | None:
    """The form of calls that a chat template shows to the model."""
    text = template or ""
    if "<function=" in text and "<parameter=" in text:
        return "xml"
    return "hermes" if "<tool_call>" in text else None


def mending_line(provider: Provider, window: int = _WANTED) -> str:
    """What a user can do about a window that is too small, as the end of a sentence."""
    ways: dict[Provider, str] = {
        "ollama": f"start it as `OLLAMA_CONTEXT_LENGTH={window} ollama serve`, or give the model"
        f" `PARAMETER num_ctx {window}` in a Modelfile",
        "llamacpp": f"start llama-server with `-c {window}` (shared by its slots, see -np)",
        "vllm": f"start vLLM with `--max-model-len {window}`",
        "sglang": f"start SGLang with `--context-length {window}`",
        "lmstudio": f"load the model with `lms load --context-length {window}`",
    }
    return ways.get(provider, f"let the server give the model a window of {window} tokens")


@dataclass(frozen=True, slots=True)
class _Common:
    """What every kind of server tells."""

    answered: bool
    names: tuple[str, ...]
    listed: JsonValue
    """The model's own entry in the list of models."""


def _provider(endpoint: Endpoint, answers: Answers) -> Provider:
    if endpoint.provider in HOSTED or endpoint.provider == "embedded":
        return endpoint.provider
    if isinstance(_at(answers.get("props"), "default_generation_settings"), dict):
        return "llamacpp"
    if any(_at(one, "max_context_length") for one in _list(_at(answers.get("lmstudio"), "data"))):
        return "lmstudio"
    if _text(_at(answers.get("ollama_version"), "version")) and _lists_models(answers.get("ps")):
        return "ollama"
    owners = [_text(_at(one, "owned_by")) for one in _list(_at(answers.get("models"), "data"))]
    signed: list[Provider] = [name for name in _SIGNED if name in owners]
    return signed[0] if signed else endpoint.provider


def _lists_models(answer: JsonValue) -> bool:
    # Go writes an empty list as null.
    return isinstance(answer, dict) and "models" in answer


def _llamacpp(provider: Provider, common: _Common, props: JsonValue) -> ServerInfo:
    template = _text(_at(props, "chat_template")) or None
    with_tools = _text(_at(props, "chat_template_tool_use")) or template
    reads = [
        _flag(_at(props, "chat_template_caps", name))
        for name in ("supports_tools", "supports_tool_calls")
    ]
    slot = _count(_at(props, "default_generation_settings", "n_ctx"))
    return ServerInfo(
        provider=provider,
        answered=common.answered,
        version=_text(_at(props, "build_info")),
        models=common.names,
        weights=_text(_at(props, "model_path")).rpartition("/")[2],
        context=slot or _count(_at(common.listed, "meta", "n_ctx")),
        template=template,
        dialect=template_dialect(with_tools),
        reads_calls=None if None in reads else all(reads),
        constraint="grammar",
        vision=_flag(_at(props, "modalities", "vision")),
        thinking=_thinks(template),
    )


def _thinks(template: str | None) -> bool | None:
    """Templates of models that never think can still strip the thoughts of others."""
    if template is None or ("<think>" in template and "enable_thinking" not in template):
        return None
    return "enable_thinking" in template


def _ollama(model: str, common: _Common, answers: Answers) -> ServerInfo:
    show = answers.get("show")
    template = _text(_at(show, "template")) or None
    abilities = _at(show, "capabilities")
    able = _list(abilities) if isinstance(abilities, list) else None
    parser = _text(_at(show, "parser"))
    spoken: DialectName | None = "xml" if "coder" in parser else "hermes" if parser else None
    return ServerInfo(
        provider="ollama",
        answered=True,
        version=_text(_at(answers.get("ollama_version"), "version")),
        models=common.names,
        context=_ollama_window(model, show, answers.get("ps")),
        template=template,
        dialect=template_dialect(template) or spoken,
        reads_calls=None if able is None else "tools" in able,
        constraint="format",
        vision=None if able is None else "vision" in able,
        thinking=None if able is None else "thinking" in able,
    )


def _ollama_window(model: str, show: JsonValue, ps: JsonValue) -> int | None:
    """The window of the loaded model, else the one its Modelfile fixes.

    What the server gives to a model that is not loaded and fixes none is nowhere to be read, and
    the length it was trained with says nothing about it.
    """
    name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    for one in _list(_at(ps, "models")):
        if _text(_at(one, "model")) == name and (loaded := _count(_at(one, "context_length"))):
            return loaded
    fixed = re.search(r"^num_ctx\s+(\d+)\s*$", _text(_at(show, "parameters")), re.MULTILINE)
    if not fixed:
        return None
    described = _at(show, "model_info")
    known = described if isinstance(described, dict) else {}
    trained = [_count(known[key]) for key in known if key.endswith(".context_length")]
    return min([int(fixed[1]), *(one for one in trained if one)])


def _lmstudio(model: str, common: _Common, answer: JsonValue) -> ServerInfo:
    entry = _entry(_list(_at(answer, "data")), model)
    able = _list(_at(entry, "capabilities"))
    kind = _text(_at(entry, "type"))
    return ServerInfo(
        provider="lmstudio",
        answered=True,
        models=common.names,
        context=_count(_at(entry, "loaded_context_length")),
        # Without this ability it reads the calls of some models all the same.
        reads_calls=True if "tool_use" in able else None,
        vision=kind == "vlm" if kind else None,
    )


def _vllm(provider: Provider, common: _Common, answers: Answers) -> ServerInfo:
    return ServerInfo(
        provider=provider,
        answered=True,
        version=_text(_at(answers.get("version"), "version")),
        models=common.names,
        weights=_text(_at(common.listed, "root")).strip("/").rpartition("/")[2],
        context=_count(_at(common.listed, "max_model_len")),
        constraint="structured",
        vision=_flag(_at(answers.get("sglang"), "has_image_understanding")),
    )


def _listed(provider: Provider, common: _Common) -> ServerInfo:
    entry = common.listed
    windows = ("context_length", "max_model_len", "context_window", "max_context_length")
    takes = _at(entry, "supported_parameters")
    taken = _list(takes) if isinstance(takes, list) else None
    sees = _at(entry, "architecture", "input_modalities")
    return ServerInfo(
        provider=provider,
        answered=common.answered,
        models=common.names,
        context=next((size for key in windows if (size := _count(_at(entry, key)))), None),
        reads_calls=None if taken is None else "tools" in taken,
        vision="image" in _list(sees) if isinstance(sees, list) else None,
        thinking=None if taken is None else "reasoning" in taken,
    )


def _entry(entries: Iterable[JsonValue], model: str) -> JsonValue:
    """The entry of a list of models that has the name; the only one where there is one."""
    found = list(entries)
    named = [one for one in found if _text(_at(one, "id")) == model]
    return named[0] if named else found[0] if len(found) == 1 else None


def _at(value: JsonValue, *path: str) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _flag(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: JsonValue) -> int | None:
    """A positive whole number; servers write 0 or null for what they do not know."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
