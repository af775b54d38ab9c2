"""What servers say when a request is longer than the model's window, in their own words."""

from __future__ import annotations

from typing import Any

import pytest

from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import ContextOverflowError, ModelAuthError
from qwright.agent.failures import status_failure
from tests.agent.asking import ask
from tests.agent.replay import Reply, Server, error

ENDPOINT = Endpoint("http://127.0.0.1:8080/v1", "", "qwen3-coder", "compatible")

SAID = [
    (
        "the request exceeds the available context size. try increasing the context size or enable "
        "context shift, n_prompt_tokens: 14429, n_ctx: 8192",
        (8192, 14429),
    ),
    (
        "request (14429 tokens) exceeds the available context size (8192 tokens), try increasing",
        (8192, 14429),
    ),
    (
        "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens "
        "(112946 in the messages, 10000 in the completion). Please reduce the length.",
        (16384, 112946),
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context "
        "length is 8192 tokens and your request has 5000 input tokens (4096 > 8192 - 5000).",
        (8192, 5000),
    ),
    (
        "This model's maximum context length is 4096 tokens. However, your messages resulted in "
        "over 4443 tokens.",
        (4096, 4443),
    ),
    (
        "Requested token count exceeds the model's maximum context length of 32768 tokens. You "
        "requested a total of 40000 tokens: 36000 tokens from the input messages and 4000 tokens "
        "for the completion.",
        (32768, 36000),
    ),
    (
        "The input (40000 tokens) is longer than the model's context length (32768 tokens).",
        (32768, 40000),
    ),
    (
        "This endpoint's maximum context length is 262,144 tokens. However, you requested about "
        "270,001 tokens (204465 of text input, 65536 in the output).",
        (262144, 204465),
    ),
    (
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]",
        (204800, None),
    ),
    (
        "Trying to keep the first 111490 tokens when context the overflows. However, the model is "
        "loaded with context length of only 32768 tokens, which is not enough.",
        (32768, None),
    ),
    (
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        (None, None),
    ),
    ("Error code context_length_exceeded", (None, None)),
    ("the input length exceeds the context length", (None, None)),
]


@pytest.mark.parametrize(("said", "numbers"), SAID)
@pytest.mark.parametrize("status", [400, 500])
def test_the_window_and_the_prompt_are_read(
    said: str, numbers: tuple[int | None, int | None], status: int
) -> None:
    found = status_failure(ENDPOINT, status, said)
    assert isinstance(found, ContextOverflowError)
    assert (found.window, found.prompt) == numbers
    assert "\n" not in str(found)
    assert said[:40] in str(found)


@pytest.mark.parametrize(
    "said",
    [
        "context_length is no field of this request",
        "Range of max_tokens should be [1, 8192]",
        "model not found",
        "the tool's context is missing",
        "internal error while saving the context",
    ],
)
def test_other_complaints_are_none(said: str) -> None:
    assert not isinstance(status_failure(ENDPOINT, 400, said), ContextOverflowError)


def test_a_refused_key_is_never_taken_for_it() -> None:
    found = status_failure(ENDPOINT, 401, "key exceeds the context length")
    assert isinstance(found, ModelAuthError)


def refusal(reply: Reply) -> tuple[ContextOverflowError, Server]:
    server = Server()

    def choose(request: dict[str, Any]) -> Reply:
        server.requests.append(request)
        return reply

    with pytest.raises(ContextOverflowError) as raised:
        ask(choose)
    return raised.value, server


def test_llama_cpp_names_its_window_beside_the_message() -> None:
    said = "the request exceeds the available context size. try increasing the context size"
    more = {"type": "exceed_context_size_error", "n_prompt_tokens": 14429, "n_ctx": 8192}
    found, server = refusal(error(400, said, code=400, **more))
    assert (found.window, found.prompt) == (8192, 14429)
    assert len(server.requests) == 1, "the same request would be refused again"


def test_a_field_named_in_passing_is_not_given_up() -> None:
    said = (
        "'max_tokens' is too large: 4096. This model's maximum context length is 8192 tokens and "
        "your request has 5000 input tokens."
    )
    found, server = refusal(error(400, said))
    assert found.window == 8192
    assert len(server.requests) == 1
