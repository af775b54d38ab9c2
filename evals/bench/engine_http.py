"""The embedded server, asked directly: what qwright's model client is measured against."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, JsonValue

from qwright.agent.embedded.catalogue import find
from qwright.agent.embedded.server import ensure_server
from qwright.evals.bench.command import Options
from qwright.evals.bench.recorder import ChatRequest


class Timings(BaseModel):
    """The engine's own count of one answer, the prompt apart from what was generated."""

    prompt_n: int
    prompt_ms: float
    predicted_n: int
    predicted_ms: float


class _Completion(BaseModel):
    timings: Timings | None = None


class _Tokenized(BaseModel):
    tokens: list[int]


class _Rendered(BaseModel):
    prompt: str


@dataclass(frozen=True, slots=True)
class DirectEngine:
    """A running embedded server. All methods block and raise OSError."""

    base_url: str
    """With /v1, as model clients want it."""
    key: str = field(repr=False)
    model: str

    def count(self, text: str) -> int:
        """Tokens of a text in which the template's own marks count as one each."""
        body = {"content": text, "add_special": False, "parse_special": True}
        return len(_Tokenized.model_validate_json(self._post("/tokenize", body)).tokens)

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt text that the model's template makes of messages."""
        body: dict[str, JsonValue] = {"messages": [dict(message) for message in messages]}
        return _Rendered.model_validate_json(self._post("/apply-template", body)).prompt

    def complete(self, prompt: str, tokens: int) -> Timings:
        """Generate up to `tokens` tokens at temperature 0, streamed and read to the end."""
        body: dict[str, JsonValue] = {
            "prompt": prompt,
            "n_predict": tokens,
            "stream": True,
            **GREEDY,
        }
        timings: Timings | None = None
        with urllib.request.urlopen(self._request("/completion", body)) as answer:
            for line in answer:
                if line.startswith(b"data: {"):
                    found = _Completion.model_validate_json(line.removeprefix(b"data: "))
                    timings = found.timings or timings
        if timings is None:
            raise OSError("the engine sent no timings")
        return timings

    def _post(self, path: str, body: Mapping[str, JsonValue]) -> bytes:
        with urllib.request.urlopen(self._request(path, body)) as answer:
            return answer.read()

    def _request(self, path: str, body: Mapping[str, JsonValue]) -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        url = self.base_url.removesuffix("/v1") + path
        return urllib.request.Request(url, json.dumps(body).encode(), headers)


GREEDY: dict[str, JsonValue] = {
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 1,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
}


async def open_engine(options: Options) -> DirectEngine:
    """The server of the chosen model, started when there is none.

    Raises WeightsError, ServerError, ConfigError.
    """
    model = options.weights or find(options.model)
    server = await ensure_server(model, progress=lambda done, total, label: None)
    return DirectEngine(server.base_url, server.key, server.model)


def prompt_tokens(engine: DirectEngine, chat: ChatRequest) -> int:
    """Tokens of a request: its messages in the model's template and its tools as compact JSON."""
    messages = [{"role": message.role, "content": message.text} for message in chat.messages]
    count = engine.count(engine.render(messages))
    if chat.tools:
        count += engine.count(json.dumps(chat.tools, ensure_ascii=False, separators=(",", ":")))
    return count
