"""What went wrong between qwright and a model server, as one line that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import (
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
)

_LONGEST = 300
_NO_MONEY = ("insufficient_quota", "Arrearage")
"""429s and 403s that waiting does not mend."""


def one_line(text: str, endpoint: Endpoint) -> str:
    """A server's own words on one line, without the key some servers repeat."""
    if endpoint.key:
        text = text.replace(endpoint.key, "***")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


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
    if any(word in message for word in _NO_MONEY):
        return ModelError(f"{url} refuses for lack of credit: {said}")
    if status == 401:
        return ModelAuthError(f"{url} {_key_advice(endpoint)} (401): {said}")
    if status == 403:
        advice = f"check the rights of {endpoint.key_variable}"
        return ModelAuthError(f"{url} does not allow {endpoint.model} (403), {advice}: {said}")
    if status == 404:
        return ModelStatusError(_not_found(endpoint, said, offered), status)
    line = f"{url} answered {status}: {said}"
    if retry_after is not None:
        line += f" (asks to wait {retry_after:.0f} s)"
    return ModelStatusError(line, status, retry_after)


def _key_advice(endpoint: Endpoint) -> str:
    if not endpoint.key:
        return f"wants a key; set {endpoint.key_variable}"
    region = " (a key is valid in one region only)" if endpoint.provider == "dashscope" else ""
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
