from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from pydantic import JsonValue

from qwright.evals.bench.recorder import ChatRequest, Recorder, Sent, recording

PROMPT = {"model": "x", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as server:
        yield server


def post(recorder: Recorder, body: object, path: str = "/chat/completions") -> bytes:
    request = urllib.request.Request(recorder.base_url + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def test_a_streamed_answer_is_complete_and_ends_with_its_usage(recorder: Recorder) -> None:
    lines = post(recorder, PROMPT | {"stream": True}).decode().split("\n\n")

    *events, end = [line.removeprefix("data: ") for line in lines if line]
    chunks = [json.loads(event) for event in events]
    text = "".join(c["delta"].get("content", "") for chunk in chunks for c in chunk["choices"])
    assert end == "[DONE]"
    assert text == "Done."
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == 2


def test_an_answer_in_one_piece_is_given_where_no_stream_is_asked_for(recorder: Recorder) -> None:
    answer = json.loads(post(recorder, PROMPT))

    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Done."}
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_the_models_are_listed(recorder: Recorder) -> None:
    with urllib.request.urlopen(f"{recorder.base_url}/models", timeout=10) as answer:
        assert [model["id"] for model in json.load(answer)["data"]] == ["recorded"]


@pytest.mark.parametrize(
    ("path", "body"), [("/embeddings", PROMPT), ("/chat/completions", ["no", "object"])]
)
def test_other_requests_are_refused_and_recorded(
    recorder: Recorder, path: str, body: object
) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(recorder, body, path)

    assert [(one.path, one.chat) for one in recorder.requests] == [(f"/v1{path}", None)]


def test_bodies_are_kept_as_they_were_sent(recorder: Recorder) -> None:
    tools: list[dict[str, JsonValue]] = [{"type": "function", "function": {"name": "edit"}}]
    post(recorder, PROMPT | {"tools": tools, "stream": True})

    (request,) = recorder.requests
    assert request.method == "POST"
    assert request.client.startswith("Python-urllib")
    assert json.loads(request.body) == PROMPT | {"tools": tools, "stream": True}
    assert request.chat == ChatRequest(
        messages=[Sent(role="user", content="hello")], tools=tools, stream=True
    )


def test_content_in_parts_is_read_as_its_text(recorder: Recorder) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    post(recorder, {"messages": [{"role": "user", "content": parts}]})

    chat = recorder.requests[0].chat
    assert chat is not None
    assert [message.text for message in chat.messages] == ["one two"]


def test_the_moment_of_the_first_byte_is_not_the_moment_of_the_connection(
    recorder: Recorder,
) -> None:
    body = json.dumps(PROMPT).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", recorder.server_port)) as connection:
        time.sleep(0.05)
        before = time.monotonic()
        connection.sendall(head.encode()[:1])
        time.sleep(0.05)
        after = time.monotonic()
        connection.sendall(head.encode()[1:] + body)
        request = recorder.wait_for(lambda one: True, timeout=10)

    assert request is not None
    assert began <= request.accepted <= request.first_byte
    assert before <= request.first_byte <= after


def test_each_request_of_a_kept_connection_has_its_own_first_byte(recorder: Recorder) -> None:
    connection = HTTPConnection("127.0.0.1", recorder.server_port, timeout=10)
    for text in ("first", "second"):
        body = json.dumps({"messages": [{"role": "user", "content": text}]})
        connection.request("POST", "/v1/chat/completions", body)
        connection.getresponse().read()
    connection.close()

    first, second = recorder.requests
    assert first.accepted == second.accepted
    assert first.first_byte < second.first_byte


def test_waiting_ends_without_a_request(recorder: Recorder) -> None:
    assert recorder.wait_for(lambda one: True, timeout=0.01) is None
