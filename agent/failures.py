"""What went wrong between qwright and a model server, as one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import (
    ConstraintRefusedError,
    ContextOverflowError,
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
    ToolsRefusedError,
)

_LONGEST = 300
_NO_MONEY = ("insufficient_quota", "Arrearage")
"""429s and 403s that waiting does not mend."""

_OVERFLOW = re.compile(
    r"exceed_context_size|context_length_exceeded|maximum context length|Range of input length"
    r"|exceeds? (the |this )?(model'?s |available |maximum )*context|prompt is too long"
    r"|(longer|greater) than the (model'?s )?context|when (the )?context (the )?overflows"
    r"|exceed context (limit|window|size)",
    re.IGNORECASE,
)
"""How llama.cpp, vLLM, SGLang, OpenAI, OpenRouter, DashScope, Ollama and LM Studio say it."""
_WINDOW = re.compile(
    r"n_ctx\D{1,3}(\d+)|context (?:length|size|window|limit)(?: is| of)?(?: only)? \(?(\d+)"
    r"|length should be \[1, ?(\d+)\]",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"n_prompt_tokens\D{1,3}(\d+)|request \((\d+) tokens\)|(?:input|prompt) \((\d+) tokens"
    r"|\((\d+) (?:in the messages|in your prompt|of text input)|resulted in (?:over )?(\d+) tokens"
    r"|(?:request|prompt) (?:has|contains)(?: at least)? (\d+)|(\d+) tokens from the input",
    re.IGNORECASE,
)

_NO_TOOLS = re.compile(
    r"does not support (tools|function)|--enable-auto-tool-choice|tools param requires"
    r"|generate parser for this template|no endpoints found that support tool",
    re.IGNORECASE,
)
"""How Ollama, vLLM, llama.cpp and OpenRouter say that calls are not read for a model."""

_NO_CONSTRAINT = re.compile(
    r"not supported by (xgrammar|guidance|outlines|lm-format-enforcer)|structural.?tag"
    r"|(invalid|unsupported) (grammar|json schema)|grammar (error|compile|specification)"
    r"|(parse|compile|initialize|convert)\w*[^.]{0,40} grammar|json schema conversion failed",
    re.IGNORECASE,
)
"""How vLLM, SGLang and llama.cpp say that they cannot use a schema or a grammar."""


def one_line(text: str, endpoint: Endpoint) -> str:
    """A server's own words on one line, without the key some servers repeat."""
    if endpoint.key:
        text = text.replace(endpoint.key, "***")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def says_overflow(message: str) -> bool:
    """Whether a server says that a request is longer than the model's window."""
    return _OVERFLOW.search(message) is not None


def status_failure(
    endpoint: Endpoint,
    status: int,
    message: str,
    *,
    retry_after: float | None = None,
    offered: Sequence[str] = (),
) -> ModelError:
    """The error for an answer with an error status. `offered`: the models the server has."""
    url, said = endpoint.shown_url, one_line(message, endpoint)
    if overflow := _overflow(endpoint, status, message):
        return overflow
    if any(word in message for word in _NO_MONEY):
        return ModelError(f"{url} refuses for lack of credit: {said}")
    if status == 401:
        return ModelAuthError(f"{url} {_key_advice(endpoint)} (401): {said}")
    if status == 403:
        advice = f"check the rights of {endpoint.key_variable}"
        return ModelAuthError(f"{url} does not allow {endpoint.model} (403), {advice}: {said}")
    if refusal := _refusal(endpoint, status, message):
        return refusal
    line = f"{url} answered {status}: {said}"
    if status == 404:
        line = _not_found(endpoint, said, offered)
    if retry_after is not None:
        line += f" (asks to wait {retry_after:.0f} s)"
    return ModelStatusError(line, status, retry_after)


def _refusal(endpoint: Endpoint, status: int, message: str) -> ModelStatusError | None:
    """For an answer that refuses not the conversation but a means to have calls."""
    url, said = endpoint.shown_url, one_line(message, endpoint)
    if _NO_TOOLS.search(message):
        line = f"{url} takes no tools for {endpoint.model} ({status}): {said}"
        return ToolsRefusedError(line, status)
    if _NO_CONSTRAINT.search(message):
        return ConstraintRefusedError(f"{url} answered {status}: {said}", status)
    return None


def _overflow(endpoint: Endpoint, status: int, message: str) -> ContextOverflowError | None:
    """For an answer that says the request is longer than the model's window."""
    if status in (401, 403, 404, 429) or not says_overflow(message):
        return None
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", message)
    line = f"{endpoint.shown_url}: the request does not fit the model's window: "
    said = one_line(message, endpoint)
    return ContextOverflowError(line + said, _number(_WINDOW, plain), _number(_PROMPT, plain))


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(next(one for one in found.groups() if one)) if found else None


def _key_advice(endpoint: Endpoint) -> str:
    if not endpoint.key:
        return f"wants a key; set {endpoint.key_variable}"
    region = (
        " (a key is valid in one region only, see DASHSCOPE_REGION)"
        if endpoint.provider == "dashscope"
        else ""
    )
    return f"did not accept the key in {endpoint.key_variable}{region}"


def _not_found(endpoint: Endpoint, said: str, offered: Sequence[str]) -> str:
    url, model = endpoint.shown_url, endpoint.model
    if not offered:
        return (
            f"{url} knows no such address or model {model} (404), does the URL end in /v1? {said}"
        )
    shown = ", ".join(offered[:8]) + (", ..." if len(offered) > 8 else "")
    return f"{url} has no model {model} (404), choose one with --model: {shown}"


def no_connection(endpoint: Endpoint, cause: str) -> ModelConnectionError:
    advice = "is the server running?" if endpoint.is_loopback else "check the URL and the network"
    said = one_line(cause, endpoint)
    return ModelConnectionError(f"no connection to {endpoint.shown_url}, {advice} ({said})")


def silence(endpoint: Endpoint, seconds: float) -> ModelConnectionError:
    return ModelConnectionError(f"{endpoint.shown_url} sent nothing for {seconds:g} s")


def broken_answer(endpoint: Endpoint, cause: str, *, any_event: bool) -> ModelConnectionError:
    """The answer ended before the server said that it was complete."""
    url, said = endpoint.shown_url, one_line(cause, endpoint)
    if not any_event:
        advice = "does the URL end in /v1?"
        return ModelConnectionError(
            f"{url} did not answer with a stream of events, {advice} ({said})"
        )
    return ModelConnectionError(f"{url} broke off before the answer was complete ({said})")
